# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names and addresses of a lab: everything follows from its name, its index and the number of hosts."""

import re
import uuid
from dataclasses import dataclass

from driver.errors import LabError

MAX_HOSTS = 30
_NAME = re.compile(r"[a-z][a-z0-9-]{0,7}")
_UUID_SPACE = uuid.UUID("6f0b4a1e-6d4b-4f53-9a58-0c6f3a8d1c77")


@dataclass(frozen=True)
class Host:
    """One lab host as the outside sees it."""

    name: str
    fqdn: str
    address: str
    machine: str
    uuid: str


@dataclass(frozen=True)
class Plan:
    """A lab on 10.77.<index>.0/24."""

    name: str
    index: int
    host_count: int

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name.endswith("-"):
            raise LabError(f"lab name {self.name!r}: expected at most 8 of a-z, 0-9 and '-', beginning with a letter")
        if not 0 <= self.index <= 255:
            raise LabError(f"lab index {self.index}: expected 0 to 255")
        if not 1 <= self.host_count <= MAX_HOSTS:
            raise LabError(f"{self.host_count} hosts: expected 1 to {MAX_HOSTS}")

    @property
    def domain(self) -> str:
        return f"{self.name}.lab.test"

    @property
    def bridge(self) -> str:
        return f"nl-{self.name}"

    @property
    def subnet(self) -> str:
        return f"10.77.{self.index}"

    @property
    def one_way_fqdn(self) -> str:
        """A name that leads to an address which leads back to no name."""
        return f"oneway.{self.domain}"

    @property
    def one_way_address(self) -> str:
        return f"{self.subnet}.60"

    @property
    def prefix(self) -> int:
        return 24

    @property
    def gateway(self) -> str:
        return f"{self.subnet}.1"

    @property
    def hosts(self) -> tuple[Host, ...]:
        return tuple(self._host(number) for number in range(1, self.host_count + 1))

    def _host(self, number: int) -> Host:
        name = f"he-host{number}"
        fqdn = f"{name}.{self.domain}"
        return Host(
            name=name,
            fqdn=fqdn,
            address=f"{self.subnet}.{10 + number}",
            machine=f"{self.name}-h{number}",
            uuid=str(uuid.uuid5(_UUID_SPACE, fqdn)),
        )

    def host(self, name: str) -> Host:
        """The host called ``name`` (short name or FQDN)."""
        for host in self.hosts:
            if name in (host.name, host.fqdn):
                return host
        raise LabError(f"lab {self.name} has no host {name!r}; it has {', '.join(h.name for h in self.hosts)}")

    @property
    def engine_fqdn(self) -> str:
        return f"engine.{self.domain}"

    @property
    def engine_address(self) -> str:
        return f"{self.subnet}.50"

    @property
    def engine_mac(self) -> str:
        return f"00:16:3e:77:{self.index:02x}:50"

    @property
    def nfs_fqdn(self) -> str:
        return f"nfs.{self.domain}"

    @property
    def dhcp_range(self) -> tuple[str, str]:
        return f"{self.subnet}.100", f"{self.subnet}.150"

    def addresses(self) -> list[tuple[str, list[str]]]:
        """(address, names) of everything that has a name; the first name is the reverse one."""
        rows = [(self.gateway, [self.nfs_fqdn, f"gateway.{self.domain}"])]
        rows += [(host.address, [host.fqdn]) for host in self.hosts]
        rows.append((self.engine_address, [self.engine_fqdn]))
        return rows
