# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``hosted-engine --check-liveliness``: ask the engine whether its database is up (host contract 9.1)."""

import contextlib
import re
import sys
import urllib.error
import urllib.request

from ovirt_hosted_engine_ha.env import constants

_LINE = re.compile(r"^([^=]+)=(.*)$")
_ALIVE = re.compile(r".*DB Up.*")
_TIMEOUT = 20

UP, NOT_UP, UNUSABLE = 0, 1, 2


def read_config(path: str) -> dict[str, str]:
    """Read hosted-engine.conf with the third of its readers: nothing is stripped (host contract 1.1).

    Raises OSError, UnicodeDecodeError.
    """
    values: dict[str, str] = {}
    with open(path, encoding="utf-8") as stream:
        for line in stream:
            found = _LINE.match(line)
            if found:
                values[found[1]] = found[2]
    return values


def is_engine_up(fqdn: str) -> bool:
    """Tell whether the health page of the engine says so."""
    url = f"http://{fqdn}/ovirt-engine/services/health"
    # the page is asked directly: a proxy that serves the host has no business here
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with contextlib.closing(opener.open(url, timeout=_TIMEOUT)) as reply:
            text = reply.read().decode(errors="replace")
    except (OSError, urllib.error.URLError, ValueError) as exc:
        print(f"Error while checking the engine: {exc}", file=sys.stderr)
        return False
    return _ALIVE.match(text) is not None


def main() -> int:
    """Return 0 if the engine is up, 1 if not, 2 if the configuration does not name it."""
    try:
        fqdn = read_config(constants.ENGINE_SETUP_CONF_FILE).get("fqdn")
    except (OSError, UnicodeDecodeError) as exc:
        print(f"Cannot read {constants.ENGINE_SETUP_CONF_FILE}: {exc}", file=sys.stderr)
        return UNUSABLE
    if not fqdn:
        print("The configuration does not name the engine (fqdn)", file=sys.stderr)
        return UNUSABLE
    if is_engine_up(fqdn):
        print("Hosted Engine is up!")
        return UP
    print("Hosted Engine is not up!")
    return NOT_UP


if __name__ == "__main__":
    sys.exit(main())
