# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The engine's side of the VDSM protocol: `HostClient` speaks to one host, `flows` says what an engine says when.

Nothing here knows of libvirt, file layouts or tar formats: a host changes only by the verbs that it is sent.
"""

from __future__ import annotations

from .client import HostClient, HostUnreachable, VdsmError, engine_tls

__all__ = ["HostClient", "HostUnreachable", "VdsmError", "engine_tls"]
