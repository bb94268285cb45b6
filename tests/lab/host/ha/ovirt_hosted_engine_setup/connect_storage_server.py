# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``hosted-engine --connect-storage`` (host contract 9.1)."""

import sys

from ovirt_hosted_engine_ha.env.config import Config
from ovirt_hosted_engine_ha.lib import storage_server, vdsm_api
from ovirt_hosted_engine_ha.lib.exceptions import DuplicateStorageConnectionException

TIMEOUT = 60.0


def main() -> int:
    """Connect; 1 if vdsm or the storage refuses, or the domain is mounted under another path."""
    config = Config()
    try:
        with vdsm_api.connect(TIMEOUT) as vdsm:
            storage_server.validate_pre_connected_path(vdsm, config)
            storage_server.connect_storage_server(vdsm, config, TIMEOUT)
    except (
        DuplicateStorageConnectionException,
        RuntimeError,
        TypeError,
        vdsm_api.VdsmError,
        *vdsm_api.UNREACHABLE,
    ) as exc:
        print(f"Cannot connect the storage: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
