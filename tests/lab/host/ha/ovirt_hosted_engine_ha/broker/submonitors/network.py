# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Share of network tests that succeed: ping, DNS over TCP, a TCP connection, or none (host contract 7)."""

import ipaddress
import logging
import subprocess
import time

from ...env.timing import Timing
from ..monitor import Context, Options

_log = logging.getLogger(__name__)

_TESTS = 5


def command(options: Options, seconds: int) -> list[str] | None:
    """Return the command of one test, None for the test that always succeeds.

    Raises ValueError for an unknown test, or for ``tcp`` with its keys missing; empty values pass and then fail every
    time.
    """
    kind = options.get("network_test") or "ping"
    address = options.get("addr")
    if kind == "ping":
        if address is None:
            raise ValueError("network test ping needs an address")
        return ["ping", "-c", "1", "-W", str(seconds), *(["-6"] if _is_ipv6(address) else []), address]
    if kind == "dns":
        return ["dig", "+tries=1", f"+time={seconds}", "+tcp"]
    if kind == "tcp":
        host, port = options.get("tcp_t_address"), options.get("tcp_t_port")
        if host is None or port is None:
            raise ValueError("network test tcp needs tcp_t_address and tcp_t_port")
        return ["nc", "-w", str(seconds), "-z", host, port]
    if kind == "none":
        return None
    raise ValueError(f"unknown network test {kind!r}")


def _is_ipv6(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).version == 6
    except ValueError:
        return False


class NetworkMonitor:
    """Runs five tests, half a second apart."""

    def __init__(self, context: Context, options: Options) -> None:
        self._timing: Timing = context.timing
        self._command = command(options, max(1, int(self._timing.network_test_timeout)))

    def _test(self) -> bool:
        if self._command is None:
            return True
        try:
            done = subprocess.run(
                self._command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=2 * self._timing.network_test_timeout,
                check=False,
            )
        except (FileNotFoundError, subprocess.TimeoutExpired) as exc:
            _log.warning("Network test: %s", exc)
            return False
        if done.returncode:
            _log.warning("Network test %s failed with %d", " ".join(self._command), done.returncode)
        return done.returncode == 0

    def action(self) -> float:
        """Return the share of tests that succeeded, a multiple of 1/5."""
        passed = 0
        for number in range(_TESTS):
            if number:
                time.sleep(self._timing.network_test_gap)
            passed += self._test()
        return passed / _TESTS
