# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kernel's links, addresses, routes and rules, read and written by `ip`."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: Seconds that one run of ip may take.
TIMEOUT = 30
_SYS = Path("/sys/class/net")
#: Links that are no network cards of the host.
_NO_NIC = (
    "lo",
    "vnet",
    "tap",
    "tun",
    "virbr",
    "bonding_masters",
    ";",
    "sit",
    "gre",
    "ip6tnl",
    "tunl",
    "erspan",
    "ip_vti",
    "ip6_vti",
    "ip6gre",
    "ifb",
    "dummy",
    "docker",
    "wg",
)


class IpError(Exception):
    """ip refused; the text is its own."""


@dataclass
class Link:
    """One network device as it is now."""

    name: str
    mac: str = ""
    mtu: int = 1500
    up: bool = False
    kind: str = ""  # bridge, vlan, bond, veth, tun or "" for a card
    master: str = ""
    parent: str = ""
    vlan: int | None = None
    addresses: list[str] = field(default_factory=list)  # IPv4 with prefix
    addresses6: list[str] = field(default_factory=list)  # global IPv6 with prefix
    gateway: str = ""
    gateway6: str = ""

    @property
    def is_nic(self) -> bool:
        """Whether it is a card of the host (a veth is one in a container)."""
        return self.kind in ("", "veth") and not self.name.startswith(_NO_NIC)


def _ip(*arguments: str) -> Any:
    done = subprocess.run(["ip", "-j", *arguments], capture_output=True, text=True, timeout=TIMEOUT, check=False)
    if done.returncode:
        raise IpError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return json.loads(done.stdout or "[]")


def links() -> dict[str, Link]:
    """All devices by name."""
    found: dict[str, Link] = {}
    for raw in _ip("-d", "address", "show"):
        if "ifname" not in raw:
            continue
        info = raw.get("linkinfo", {})
        link = Link(
            raw["ifname"],
            raw.get("address", ""),
            int(raw.get("mtu", 1500)),
            "UP" in raw.get("flags", ()),
            info.get("info_kind", ""),
            raw.get("master", ""),
            raw.get("link") or "",
        )
        if link.kind == "vlan":
            link.vlan = int(info["info_data"]["id"])
        for address in raw.get("addr_info", ()):
            text = f"{address.get('local')}/{address.get('prefixlen')}"
            if address.get("family") == "inet":
                link.addresses.append(text)
            elif address.get("scope") == "global":
                link.addresses6.append(text)
        found[link.name] = link
    for family, attribute in (("-4", "gateway"), ("-6", "gateway6")):
        for route in _ip(family, "route", "show", "default"):
            if route.get("dev") in found and route.get("gateway"):
                setattr(found[route["dev"]], attribute, route["gateway"])
    return found


def rules() -> list[dict[str, Any]]:
    """IPv4 policy rules."""
    return list(_ip("-4", "rule", "show"))


def batch(commands: list[str]) -> None:
    """Run ip commands in one process, so that nothing can come between them. Raises IpError at the first refusal."""
    if not commands:
        return
    done = subprocess.run(
        ["ip", "-batch", "-"],
        input="\n".join(commands) + "\n",
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    if done.returncode:
        raise IpError(done.stderr.strip().replace("\n", "; "))


def ports(bridge: str) -> list[str]:
    """Devices that are plugged into a bridge."""
    folder = _SYS / bridge / "brif"
    return sorted(port.name for port in folder.iterdir()) if folder.is_dir() else []


def speed(name: str) -> int:
    """Mbit/s; 0 when the device does not tell."""
    try:
        return max(0, int((_SYS / name / "speed").read_text(encoding="ascii")))
    except (OSError, ValueError):
        return 0


def counters(name: str) -> dict[str, str]:
    """Statistics as Host.getStats names them."""
    told = {}
    for key, file in (
        ("rx", "rx_bytes"),
        ("tx", "tx_bytes"),
        ("rxErrors", "rx_errors"),
        ("txErrors", "tx_errors"),
        ("rxDropped", "rx_dropped"),
        ("txDropped", "tx_dropped"),
    ):
        try:
            told[key] = (_SYS / name / "statistics" / file).read_text(encoding="ascii").strip()
        except OSError:
            told[key] = "0"  # the device went while it was read
    return told


def nameservers() -> list[str]:
    """Resolvers of this host."""
    conf = Path("/etc/resolv.conf")
    lines = conf.read_text(encoding="utf-8").splitlines() if conf.exists() else []
    return [line.split()[1] for line in lines if line.startswith("nameserver ")]


def can_vlan() -> bool:
    """Whether the kernel has 802.1q."""
    return Path("/proc/net/vlan").exists()


def can_bond() -> bool:
    """Whether the kernel has the bonding driver."""
    return (_SYS / "bonding_masters").exists()
