# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``hosted-engine --set-shared-config KEY VALUE [--type=TYPE]`` (host contract 2.5)."""

import sys

from ovirt_hosted_engine_ha.env.config import Config
from ovirt_hosted_engine_ha.lib import vdsm_api

from . import shared_config


def main(arguments: list[str] | None = None) -> int:
    """Change a key; 1 if it does not exist, is ambiguous, or cannot be written."""
    options = shared_config.parser("set_shared_config", "key", "value").parse_args(arguments)
    config = Config()
    try:
        config.set_shared(options.key, options.value, options.type)
    except (KeyError, ValueError, OSError, RuntimeError, vdsm_api.VdsmError) as exc:
        return shared_config.complain(config, exc)
    return 0


if __name__ == "__main__":
    sys.exit(main())
