# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""NetworkManager's keyfile of the engine VM's final network (host contract 10.10, step 5)."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare

NETWORK_IMPOSSIBLE = declare(
    "guest.network_impossible",
    "The final network of the engine VM cannot be as the settings ask",
    "Correct he_vm_ip_addr, he_vm_ip_prefix, he_gateway or he_dns_addr; all must be of one address family.",
)

PATH = "/etc/NetworkManager/system-connections/hosted-engine.nmconnection"


@dataclass(frozen=True)
class GuestNetwork:
    """The engine VM's network: static when C(address) is given, otherwise DHCP.

    Attributes:
        mac: hardware address of the NIC.
        address: IPv4 or IPv6 address, or nothing.
        prefix: length of its prefix.
        gateway: default gateway, or nothing.
        dns: addresses of name servers.
        ipv6: whether DHCP (or router advertisements) are used with IPv6 and not with IPv4.
    """

    mac: str
    address: str = ""
    prefix: int = 0
    gateway: str = ""
    dns: Sequence[str] = field(default_factory=tuple)
    ipv6: bool = False

    def keyfile(self) -> str:
        """Return the keyfile; the other address family is disabled.

        Raises:
            HostedEngineError: C(guest.network_impossible).
        """
        version, lines = self._addressing()
        families = {version: lines, 10 - version: ["method=disabled"]}
        parts = [
            ["[connection]", "id=hosted-engine", "type=ethernet", "autoconnect=true", "zone=public"],
            ["[ethernet]", f"mac-address={self.mac.lower()}"],
            ["[ipv4]", *families[4]],
            ["[ipv6]", *families[6]],
        ]
        return "\n\n".join("\n".join(part) for part in parts) + "\n"

    def _addressing(self) -> tuple[int, list[str]]:
        if not self.address:
            return (6 if self.ipv6 else 4), ["method=auto"]
        try:
            own = ipaddress.ip_interface(f"{self.address}/{self.prefix}")
            others = [ipaddress.ip_address(text) for text in (self.gateway, *self.dns) if text]
        except ValueError as error:
            raise HostedEngineError(NETWORK_IMPOSSIBLE, observed=str(error)) from error
        strange = next((other for other in others if other.version != own.version), None)
        if strange is not None or own.network.prefixlen == 0:
            raise HostedEngineError(NETWORK_IMPOSSIBLE, observed=f"{own} with {strange or 'no prefix'}")
        lines = ["method=manual", f"address1={own}{',' if self.gateway else ''}{self.gateway}"]
        if self.dns:
            lines.append(f"dns={';'.join(self.dns)};")
        return own.version, lines
