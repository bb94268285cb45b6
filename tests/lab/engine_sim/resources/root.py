# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The tree of collections below the entry point, and the entry point's own document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..clock import Clock
from ..commands.status import HOST as HOST_STATUS
from ..commands.status import RUNNING
from ..doc import Doc, timestamp
from . import (
    access,
    activity,
    cluster,
    datacenter,
    disk,
    host,
    host_parts,
    network,
    profiles,
    roles,
    storage,
    system,
    vm,
    vm_parts,
)
from .base import Sub
from .common import permissions
from .types import API

if TYPE_CHECKING:
    from ..call import Call

#: Modules whose import declares what hangs below hosts and machines.
PARTS = (host_parts, vm_parts)
EDIT = "list get add update remove"

datacenter.DATA_CENTER.subs.update(
    {
        "storagedomains": Sub(storage.ATTACHED_DOMAIN, "storage_pool_id = ?", "list get add remove"),
        "clusters": Sub(cluster.CLUSTER, "storage_pool_id = ?", EDIT, fixed="storage_pool_id"),
        "networks": Sub(network.NETWORK, "storage_pool_id = ?", EDIT, fixed="storage_pool_id", links=False),
    }
)
cluster.CLUSTER.subs.update(
    {
        "cpuprofiles": Sub(
            profiles.CPU_PROFILE, "cluster_id = ?", "list get add remove", fixed="cluster_id", links=False
        ),
        "networkfilters": Sub(system.NETWORK_FILTER),
        "networks": Sub(network.CLUSTER_NETWORK, "cluster_id = ?", EDIT),
        "affinitygroups": Sub(access.AFFINITY_GROUP, "cluster_id = ?", EDIT, fixed="cluster_id"),
    }
)
storage.STORAGE_DOMAIN.subs.update(
    {
        "diskprofiles": Sub(
            profiles.DISK_PROFILE,
            "storage_domain_id = ?",
            "list get add remove",
            fixed="storage_domain_id",
            links=False,
        ),
        "disks": disk.DOMAIN_DISKS,
    }
)
storage.ATTACHED_DOMAIN.subs["disks"] = Sub(disk.DISK, "storage_domain_id = ?", "list get add update remove")

ROOT: dict[str, Sub] = {
    "clusters": Sub(cluster.CLUSTER, methods=EDIT),
    "datacenters": Sub(datacenter.DATA_CENTER, methods=EDIT),
    "events": Sub(activity.EVENT, "NOT deleted OR ? IS NULL", "list get add remove", actions=activity.EVENT_ACTIONS),
    "hosts": Sub(host.HOST, methods=EDIT),
    "networks": Sub(network.NETWORK, methods=EDIT),
    "roles": Sub(roles.ROLE, methods=EDIT),
    "storagedomains": Sub(storage.STORAGE_DOMAIN, methods=EDIT),
    "tags": Sub(access.TAG, methods=EDIT),
    "bookmarks": Sub(access.BOOKMARK, methods=EDIT),
    "icons": Sub(system.ICON),
    "templates": Sub(vm.TEMPLATE),
    "instancetypes": Sub(vm.INSTANCE_TYPE),
    "users": Sub(access.USER, methods="list get add"),
    "groups": Sub(access.GROUP),
    "domains": Sub(access.DOMAIN),
    "vmpools": system.EMPTY["vmpools"],
    "vms": Sub(vm.VM_RESOURCE, methods=EDIT),
    "disks": Sub(disk.DISK, methods=EDIT),
    "jobs": Sub(activity.JOB, methods="list get add"),
    "storageconnections": Sub(storage.CONNECTION, methods=EDIT),
    "vnicprofiles": Sub(network.VNIC_PROFILE, methods=EDIT),
    "diskprofiles": Sub(profiles.DISK_PROFILE, methods=EDIT),
    "cpuprofiles": Sub(profiles.CPU_PROFILE, methods=EDIT),
    "schedulingpolicyunits": Sub(system.SCHEDULING_UNIT),
    "schedulingpolicies": Sub(system.SCHEDULING_POLICY),
    "permissions": permissions(),
    "macpools": Sub(profiles.MAC_POOL, methods=EDIT),
    "networkfilters": Sub(system.NETWORK_FILTER),
    "operatingsystems": Sub(system.OPERATING_SYSTEM),
    "affinitylabels": Sub(access.LABEL, methods=EDIT),
    "clusterlevels": Sub(system.CLUSTER_LEVEL),
    "options": Sub(system.OPTION, methods="get"),
    **system.EMPTY,
}
ROOT["events"].where = ""
SEARCHABLE = (
    "clusters",
    "datacenters",
    "events",
    "hosts",
    "networks",
    "storagedomains",
    "templates",
    "instancetypes",
    "users",
    "groups",
    "vmpools",
    "vms",
    "disks",
)
for _name in (*SEARCHABLE, "jobs"):
    ROOT[_name].searched = True
BLANK = "00000000-0000-0000-0000-000000000000"


def document(call: Call) -> Doc:
    """The entry point: links, product, special objects, summary, who asks."""
    links = []
    for name in ROOT:
        if name == "options":
            continue
        links.append({"@href": f"{API}/{name}", "@rel": name})
        if name in SEARCHABLE:
            first = ";from={event_id}" if name == "events" else ""
            links.append({"@href": f"{API}/{name}{first}?search={{query}}", "@rel": f"{name}/search"})
    user = {"@href": f"{API}/users/{call.user['user_id']}", "@id": call.user["user_id"]}
    return {
        "link": links,
        "engine_backup": {},
        "product_info": {
            "instance_id": call.db.value("SELECT option_value FROM vdc_options WHERE option_name = 'InstanceId'"),
            "name": "oVirt Engine",
            "version": {"build": 8, "full_version": "4.5.8_master", "major": 4, "minor": 5, "revision": 0},
        },
        "special_objects": {
            "blank_template": {"@href": f"{API}/templates/{BLANK}", "@id": BLANK},
            "root_tag": {"@href": f"{API}/tags/{BLANK}", "@id": BLANK},
        },
        "summary": _summary(call),
        "time": timestamp(Clock.now()),
        "authenticated_user": user,
        "effective_user": user,
    }


def _summary(call: Call) -> Any:
    marks = ",".join("?" * len(RUNNING))

    def count(sql: str, *params: Any) -> int:
        return int(call.db.value(f"SELECT count(*) FROM {sql}", *params) or 0)

    return {
        "hosts": {"active": count("vds_dynamic WHERE status = ?", HOST_STATUS["up"]), "total": count("vds_static")},
        "storage_domains": {
            "active": count("storage_pool_iso_map WHERE status = 3"),
            "total": count("storage_domain_static"),
        },
        "users": {"active": count("users"), "total": count("users")},
        "vms": {"active": count(f"vms WHERE status IN ({marks})", *RUNNING), "total": count("vms")},
    }
