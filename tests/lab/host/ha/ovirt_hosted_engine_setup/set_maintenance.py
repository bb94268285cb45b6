# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``hosted-engine --set-maintenance --mode=MODE`` (host contract 5.1)."""

import argparse
import sys

from ovirt_hosted_engine_ha.client.client import HAClient
from ovirt_hosted_engine_ha.env import config_constants as const
from ovirt_hosted_engine_ha.env.config import Config
from ovirt_hosted_engine_ha.lib import vdsm_api
from ovirt_hosted_engine_ha.lib.exceptions import BrokerConnectionError, RequestError

from . import vdsm_helper

#: Values of the three flags per mode: local ends global for the whole cluster, and global ends local here.
MODES = {
    "local": {"LOCAL": True, "GLOBAL": False, "LOCAL_MANUAL": True},
    "global": {"LOCAL": False, "GLOBAL": True, "LOCAL_MANUAL": False},
    "none": {"LOCAL": False, "GLOBAL": False, "LOCAL_MANUAL": False},
}


def set_mode(client: HAClient, mode: str) -> None:
    """Set all three flags, in this order; raises BrokerConnectionError, RequestError."""
    for flag, value in MODES[mode].items():
        client.set_maintenance_mode(flag, value)


def main(arguments: list[str] | None = None) -> int:
    """Set a mode; 1 if it is refused or the broker does not answer."""
    parser = argparse.ArgumentParser(prog="set_maintenance")
    parser.add_argument("mode", choices=sorted(MODES))
    mode = parser.parse_args(arguments).mode
    try:
        if mode == "local":
            vm_id = Config().required(const.HEVMID)
            with vdsm_api.connect() as vdsm:
                if vdsm_helper.is_here(vdsm, vm_id):
                    print(
                        "Unable to enter local maintenance mode: the engine VM is running on the current host,"
                        " please migrate it before entering local maintenance mode.",
                        file=sys.stderr,
                    )
                    return 1
        set_mode(HAClient(), mode)
    except (BrokerConnectionError, RequestError):
        print("Cannot connect to the HA daemon, please check the logs.", file=sys.stderr)
        return 1
    except (vdsm_helper.CommandFailedError, *vdsm_api.UNREACHABLE) as exc:
        print(f"Cannot ask vdsm for the virtual machines: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
