# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``hosted-engine --get-shared-config KEY [--type=TYPE]`` (host contract 2.5)."""

import sys

from ovirt_hosted_engine_ha.env.config import Config
from ovirt_hosted_engine_ha.lib import vdsm_api

from . import shared_config


def main(arguments: list[str] | None = None) -> int:
    """Print value and type of a key; 1 if there is none."""
    options = shared_config.parser("get_shared_config", "key").parse_args(arguments)
    config = Config()
    try:
        value, kind = config.get_shared(options.key, options.type)
    except (KeyError, ValueError, OSError, RuntimeError, vdsm_api.VdsmError) as exc:
        return shared_config.complain(config, exc)
    print(f"\n{options.key} : {value}, type : {kind}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
