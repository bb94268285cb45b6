# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What /etc/vdsm/vdsm.conf decides about the daemon of a host (host contract 12.4)."""

from __future__ import annotations

import configparser
from pathlib import Path
from typing import Any

PORT = 54321


def apply_vdsm_conf(config: dict[str, Any]) -> None:
    """Set port, address and TLS of the configuration from the file it names as `vdsm_conf`.

    `[vars] ssl` (true unless said), `[addresses] management_ip` and `management_port`. With TLS only certificates of
    the host's own CA are let in.
    """
    parser = configparser.ConfigParser()
    parser.read(config["vdsm_conf"])
    config["port"] = parser.getint("addresses", "management_port", fallback=PORT)
    address = parser.get("addresses", "management_ip", fallback="::")
    if address == "::" and not Path("/proc/net/if_inet6").exists():
        address = "0.0.0.0"
    config["hosts"] = [{**config["hosts"][0], "address": address}]
    if parser.getboolean("vars", "ssl", fallback=True):
        pki = Path(config.get("pki", "/etc/pki/vdsm"))
        config.update(
            tls="on",
            cert=str(pki / "certs/vdsmcert.pem"),
            key=str(pki / "keys/vdsmkey.pem"),
            ca=str(pki / "certs/cacert.pem"),
            verify_client=True,
        )
    else:
        config["tls"] = "off"
