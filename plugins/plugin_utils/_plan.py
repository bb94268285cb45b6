# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run would do, phase by phase, in words: what check mode tells besides the findings of the preflight."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.node0.hosted_engine.plugins.plugin_utils._run_report import PHASES

GIB = 1 << 30

Settings = Mapping[str, Any]


def plan(settings: Settings, phases: Mapping[str, Any], roles: Iterable[str]) -> list[str]:
    """Return the steps of the phases that a play consists of, those that are done already marked as such.

    Args:
        settings: complete settings by area (C(he_settings)).
        phases: what the journal says of each phase, by its name.
        roles: names of the play's roles, with or without the collection's.
    """
    wanted = {role.rpartition(".")[2] for role in roles}
    lines = []
    for name in PHASES:
        if name not in wanted or name not in _STEPS:
            continue
        status = phases.get(name, {}).get("status", "")
        if status == "done":
            lines.append(f"{name}: nothing, it is done")
            continue
        lines.append(f"{name}:" + (f" (it was begun and is {status})" if status else ""))
        lines += [f"  - {step}" for step in _STEPS[name](settings)]
    return lines or ["nothing"]


def _initial_clean(_settings: Settings) -> Iterator[str]:
    yield "remove what an earlier attempt of this collection has left half-made"
    yield "take vdsm's sections out of libvirt's configuration, so that the bootstrap VM can be started"


def _bootstrap(settings: Settings) -> Iterator[str]:
    host, vm, cluster, bootstrap = (settings[area] for area in ("host", "vm", "cluster", "bootstrap"))
    packages = _packages(settings)
    if packages:
        yield f"install the packages {', '.join(packages)}"
    yield f"make the libvirt network node0-bootstrap, on {bootstrap['network_prefix']}.0/24 if that is free"
    yield f"unpack the appliance {settings['appliance']['path'] or 'of the installed package'}"
    size = f"{vm['vcpus']} CPUs, {vm['memory'] / GIB:.1f} GiB"
    yield f"start the VM {bootstrap['name']} ({size}) from it, with a disk of its own below {bootstrap['folder']}"
    yield f"let {settings['engine']['fqdn']} lead to that VM in /etc/hosts of this host"
    yield f"run engine-setup in it{' without looking for updates' if settings['engine']['offline'] else ''}"
    place = f"data center {cluster['data_center']}, cluster {cluster['name']}"
    yield f"let the engine add this host as {host['name']} ({host['address']}) to {place}"
    yield f"let {host['interface']} become the port of the bridge {cluster['management_network']}, as vdsm does then"


def _storage(settings: Settings) -> Iterator[str]:
    storage = settings["storage"]
    where = f"{storage['address']}:{storage['path']}" if storage["path"] else storage.get("target") or storage["type"]
    yield f"let the engine make the storage domain {storage['name']} ({storage['type']}, {where})"


def _target(settings: Settings) -> Iterator[str]:
    vm, network = settings["vm"], settings["network"]
    address = f"{network['address']}/{network['prefix']}" if network["address"] else "by DHCP"
    yield f"let the engine make four disks, one of {vm['disk_size'] / GIB:.0f} GiB for the VM {vm['name']}"
    size = f"{vm['vcpus']} CPUs, {vm['memory'] / GIB:.1f} GiB"
    yield f"let the engine make the VM {vm['name']} ({size}, MAC {vm['mac']}, address {address})"
    yield f"shut {settings['bootstrap']['name']} down and copy its disk to the storage domain"
    yield "write /etc/ovirt-hosted-engine/hosted-engine.conf and the configuration on shared storage"
    yield f"start ovirt-ha-broker and ovirt-ha-agent, which start {vm['name']}; network test {network['test']}"


def _final_clean(settings: Settings) -> Iterator[str]:
    yield f"wait until the engine at {settings['engine']['fqdn']} is healthy and the host is up in it"
    yield f"remove the bootstrap: VM {settings['bootstrap']['name']}, its folder, network, rules and line in /etc/hosts"


def _packages(settings: Settings) -> Sequence[str]:
    if settings["engine"]["offline"]:
        return []
    package = settings["appliance"]["package"]
    return [*settings["host"]["packages"], *([package] if package else [])]


_STEPS: Mapping[str, Callable[[Settings], Iterator[str]]] = {
    "initial_clean": _initial_clean,
    "bootstrap_local_vm": _bootstrap,
    "create_storage_domain": _storage,
    "create_target_vm": _target,
    "final_clean": _final_clean,
}
