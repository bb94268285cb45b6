# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``hosted-engine --disconnect-storage`` (host contract 9.1)."""

import sys

from ovirt_hosted_engine_ha.env.config import Config
from ovirt_hosted_engine_ha.lib import storage_server, vdsm_api

from .connect_storage_server import TIMEOUT


def main() -> int:
    """Disconnect; 1 if vdsm refuses."""
    config = Config()
    try:
        with vdsm_api.connect(TIMEOUT) as vdsm:
            storage_server.disconnect_storage_server(vdsm, config, TIMEOUT)
    except (RuntimeError, TypeError, vdsm_api.VdsmError, *vdsm_api.UNREACHABLE) as exc:
        print(f"Cannot disconnect the storage: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
