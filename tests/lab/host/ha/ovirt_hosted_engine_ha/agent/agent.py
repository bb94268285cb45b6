# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ovirt-ha-agent: command line, signals and exit codes (host contract 4, 6)."""

import argparse
import logging
import signal
import sys

from ..broker.broker import configure_logging
from ..env import constants, timing
from ..env.config import Config
from ..lib import services
from ..lib.exceptions import ServiceNotUpError
from .hosted_engine import HostedEngine

_log = logging.getLogger(__name__)

#: Exit codes of the clean-up, as the shell shows them (host contract 4).
NOT_CONFIGURED, SERVICE_DOWN, FAILED, UNEXPECTED = 255, 254, 157, 158


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    result = argparse.ArgumentParser(prog="ovirt-ha-agent", description="oVirt hosted engine HA agent (lab stand-in)")
    result.add_argument("--pdb", action="store_true", help=argparse.SUPPRESS)
    result.add_argument("--cleanup", action="store_true", help="clean the metadata slot of a host and exit")
    result.add_argument("--force-cleanup", action="store_true", help="clean it even if that agent did not stop")
    result.add_argument("--host-id", type=int, help="slot to clean, by default that of this host")
    return result


def clean(host_id: int | None, force: bool) -> int:
    """Clean a slot; return the exit code, 0 also where the slot was left alone (known fault)."""
    config = Config()
    if not config.is_configured():
        _log.error("Hosted engine is not configured. Shutting down.")
        return NOT_CONFIGURED
    try:
        services.check()
    except ServiceNotUpError as exc:
        _log.error("Service %s is not running and the admin is responsible for starting it. Shutting down.", exc)
        return SERVICE_DOWN
    try:
        HostedEngine(config, timing.load()).clean(host_id or config.host_id() or 0, force)
    except Exception:
        _log.exception("Failed to clean the metadata")
        return FAILED
    return 0


def run() -> int:
    """Run the agent until it is told to end; 0 then, 1 where systemd has to start it again."""
    config = Config()
    if not config.is_configured():
        _log.error("Hosted engine is not configured. Shutting down.")
        return 1
    agent = HostedEngine(config, timing.load())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_arguments: agent.ended.set())
    try:
        agent.run()
    except Exception:
        _log.exception("Agent ended by an error, it has to be started again")
        return 1
    _log.info("Agent shutting down")
    return 0


def main() -> int:
    """Entry point."""
    options = parser().parse_args()
    configure_logging(constants.AGENT_LOG_CONF_FILE)
    _log.info("ovirt-ha-agent of the lab (a stand-in for the real service)")
    if not options.cleanup:
        return run()
    try:
        return clean(options.host_id, options.force_cleanup)
    except Exception:
        _log.exception("Unexpected error")
        return UNEXPECTED


if __name__ == "__main__":
    sys.exit(main())
