# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``hosted-engine --reinitialize-lockspace [--force]`` (host contract 4)."""

import argparse
import sys

from ovirt_hosted_engine_ha.client.client import HAClient
from ovirt_hosted_engine_ha.lib.exceptions import BrokerConnectionError, RequestError


def main(arguments: list[str] | None = None) -> int:
    """Have the lockspace written; 0 does not prove that it was (known fault)."""
    parser = argparse.ArgumentParser(prog="reinitialize_lockspace")
    parser.add_argument("--force", action="store_true")
    options = parser.parse_args(arguments)
    try:
        HAClient().reset_lockspace(options.force)
    except (BrokerConnectionError, RequestError):
        print("Cannot connect to the HA daemon, please check the logs.", file=sys.stderr)
        return 1
    except RuntimeError as exc:
        print(exc, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
