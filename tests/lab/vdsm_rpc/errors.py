# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a call to VDSM can end with, other than a result."""

from __future__ import annotations


class VdsmError(Exception):
    """VDSM answered with an error. `code` is VDSM's number (1 = no such VM, 99 = recovering, -32601 = no such verb)."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        """The text that vdsm-client prints after a failed command (host contract 11.1)."""
        return f"(code={self.code}, message={self.message})"


class VdsmTimeout(TimeoutError):
    """No answer within the time of the call; the connection itself may be well."""


class VdsmConnectionLost(ConnectionError):
    """The connection ended, by either side or because heart-beats stayed away, before the answer came."""


class ProtocolError(Exception):
    """The peer sent what is no STOMP 1.2 frame."""
