# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a deployment must know of the host, read in one go; nothing is changed."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import re
import socket
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._host import package_database, systemd, textfile
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.deployment import HE_SERVICES, read_deployment
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import run

Facts = dict[str, Any]

PACKAGES = (
    "ovirt-hosted-engine-setup",
    "ovirt-hosted-engine-ha",
    "vdsm",
    "libvirt-daemon",
    "libvirt-daemon-system",
    "qemu-kvm",
    "qemu-system-x86",
    "python3-libvirt",
    "python3-ovirt-engine-sdk4",
    "sanlock",
)
_SERVICES = (*HE_SERVICES, "vdsmd", "libvirtd", "firewalld", "NetworkManager")
_UUID_FILES = ("/etc/vdsm/vdsm.id", "/proc/device-tree/system-id", "/sys/class/dmi/id/product_uuid")


def gather(bridge_if: str = "", engine_fqdn: str = "") -> Facts:
    """Return the facts; see the return values of the module host_info.

    Args:
        bridge_if: interface that the management network is, or will be, on.
        engine_fqdn: name of the engine, looked up if given.
    """
    links, routes = _network()
    interfaces = [_interface(link) for link in links]
    gateway = _gateway(routes)
    hostname = socket.gethostname()
    fqdn = canonical_name(hostname)
    addresses = [address["address"] for interface in interfaces for address in interface["addresses"]]
    services = systemd.active(_SERVICES)
    return {
        "fqdn": fqdn,
        "names": {"hostname": hostname, "fqdn": resolve(fqdn), "engine": resolve(engine_fqdn) if engine_fqdn else []},
        "addresses": [address for address in addresses if not address.startswith(("127.", "::1", "fe80:"))],
        "interfaces": interfaces,
        "management": management(interfaces, bridge_if, gateway),
        "gateway": gateway["address"],
        "uuid": host_uuid(),
        "time_zone": time_zone(),
        "memory": memory(),
        "cpus": len(os.sched_getaffinity(0)),
        "virtualization": virtualization(),
        "deployed": read_deployment(services).facts(),
        "services": services,
        "libraries": {name: library_version(name) for name in ("libvirt", "ovirtsdk4")},
        "packages": package_database.versions(PACKAGES),
        "package_manager": package_database.manager(),
    }


def interfaces() -> list[Facts]:
    """Return the host's interfaces, see the return values of the module host_info."""
    return [_interface(link) for link in _network()[0]]


def _network() -> tuple[list[Facts], list[Facts]]:
    """Return links with their addresses, and IPv4 routes of the main table."""
    text = run(["ip", "-j", "-d", "-batch", "-"], stdin="addr show\nroute show table main\n").stdout
    decoder, found, rest = json.JSONDecoder(), [], text.lstrip()
    while rest:
        document, end = decoder.raw_decode(rest)
        found.append(document)
        rest = rest[end:].lstrip()
    return found[0], found[1] if len(found) > 1 else []


def _interface(link: Mapping[str, Any]) -> Facts:
    kinds = {"loopback": "loopback", "ether": "ethernet"}
    kind = link.get("linkinfo", {}).get("info_kind") or kinds.get(link.get("link_type", ""), link.get("link_type", ""))
    return {
        "name": link["ifname"],
        "type": kind,
        "mac": link.get("address", ""),
        "mtu": link.get("mtu", 0),
        "up": "UP" in link.get("flags", []),
        "carrier": "LOWER_UP" in link.get("flags", []),
        "master": link.get("master", ""),
        "addresses": [
            {"address": entry["local"], "prefix": entry["prefixlen"], "family": 6 if entry["family"] == "inet6" else 4}
            for entry in link.get("addr_info", [])
            if entry.get("family") in ("inet", "inet6") and "local" in entry
        ],
    }


def _gateway(routes: Sequence[Mapping[str, Any]]) -> Facts:
    defaults = [route for route in routes if route.get("dst") == "default" and route.get("gateway")]
    best = min(defaults, key=lambda route: route.get("metric", 0), default={})
    return {"address": best.get("gateway", ""), "interface": best.get("dev", "")}


def management(interfaces: Sequence[Facts], bridge_if: str, gateway: Mapping[str, Any]) -> Facts:
    """Return where the host's own address is: on the interface, or on the bridge that vdsm has put it under.

    Without a name it is the interface of the default route.
    """
    wanted = bridge_if or str(gateway.get("interface", ""))
    by_name = {interface["name"]: interface for interface in interfaces}
    own = by_name.get(wanted, {})
    carrier = by_name.get(own.get("master", ""), own)
    addresses = [entry for entry in carrier.get("addresses", []) if not entry["address"].startswith("fe80:")]
    first = min(addresses, key=lambda entry: entry["family"], default={"address": "", "prefix": 0, "family": 0})
    return {"interface": wanted, "carrier": carrier.get("name", ""), "mac": own.get("mac", ""), **first}


def canonical_name(name: str) -> str:
    """Return the fully qualified name that the resolver gives for a name, like C(hostname -f)."""
    try:
        return socket.getaddrinfo(name, None, 0, socket.SOCK_STREAM, 0, socket.AI_CANONNAME)[0][3] or name
    except OSError:
        return name


def resolve(name: str) -> list[str]:
    """Return the addresses of a name, as every program on the host gets them."""
    try:
        answers = socket.getaddrinfo(name, None, 0, socket.SOCK_STREAM)
    except OSError:
        return []
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


def host_uuid(paths: Sequence[str] = _UUID_FILES) -> str:
    """Return the host's unique id as vdsm knows it, or nothing (host contract 10.7)."""
    for path in paths:
        try:
            found = textfile.read(path).strip("\0 \n")
        except OSError:
            continue
        if found:
            return found.lower()
    return ""


def time_zone(link: str = "/etc/localtime") -> str:
    """Return the name of the host's time zone."""
    try:
        target = os.readlink(link)
    except OSError:
        return textfile.read("/etc/timezone").strip() or "UTC"
    return target.partition("zoneinfo/")[2] or "UTC"


def memory(text: Optional[str] = None) -> dict[str, int]:
    """Return total and available memory in bytes."""
    found = dict(re.findall(r"^(\w+):\s+(\d+) kB", text or textfile.read("/proc/meminfo"), re.MULTILINE))
    return {"total": int(found["MemTotal"]) * 1024, "available": int(found["MemAvailable"]) * 1024}


def virtualization() -> Facts:
    """Return whether the CPU offers virtualization, and whether KVM's device is there."""
    flags = re.search(r"^(?:flags|Features)\s*:\s*(.*)$", textfile.read("/proc/cpuinfo"), re.MULTILINE)
    words = flags.group(1).split() if flags else []
    return {"cpu": next((flag for flag in ("vmx", "svm") if flag in words), ""), "kvm": os.path.exists("/dev/kvm")}


def library_version(name: str) -> str:
    """Return the version of a Python library, C(unknown) if it does not say, nothing if it is not there."""
    if importlib.util.find_spec(name) is None:
        return ""
    distribution = {"libvirt": "libvirt-python", "ovirtsdk4": "ovirt-engine-sdk-python"}.get(name, name)
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
