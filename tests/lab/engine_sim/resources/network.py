# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Logical networks, their attachment to clusters, labels, vNIC profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..call import new_id, refuse
from ..errors import Incomplete, NotFound, Refused
from ..store import Row, schema
from .base import Columns, Field, Pattern, Range, Required, Resource, SearchField, Sub, Unique
from .common import permissions
from .types import BOOL, INT, Computed, Ref

if TYPE_CHECKING:
    from ..call import Call

#: The filter that a profile has unless it says otherwise.
DEFAULT_FILTER = "vdsm-no-mac-spoofing"
ROLES = {
    "display": "is_display",
    "migration": "migration",
    "management": "management",
    "default_route": "default_route",
}

schema.table("network", "id TEXT PRIMARY KEY")
schema.table("network_cluster", "network_id TEXT", "cluster_id TEXT")
schema.table("vnic_profiles", "id TEXT PRIMARY KEY")
schema.index("network_cluster", "cluster_id")


def add_profile(call: Call, network: str, name: str, key: str | None = None) -> None:
    """The profile that a network for VMs begins with."""
    call.db.insert(
        "vnic_profiles",
        {
            "id": key or new_id(),
            "network_id": network,
            "name": name,
            "port_mirroring": 0,
            "passthrough": "disabled",
            "network_filter_id": call.db.value(
                "SELECT filter_id FROM network_filter WHERE filter_name = ?", DEFAULT_FILTER
            ),
        },
    )


def _usages(row: Row, call: Call) -> Any:
    usages = ["vm"] if row["vm_network"] else []
    usages += [usage for usage, column in ROLES.items() if row.get(column)]
    return {"usage": usages} if usages else {}


def _prepare(call: Call, columns: Columns, row: Row | None) -> None:
    usages = call.doc.get("usages")
    if usages is not None:
        columns["vm_network"] = int("vm" in usages.get("usage", []))
    elif row is None:
        columns["vm_network"] = 1
    if row is None:
        if columns.get("storage_pool_id") is None:
            raise Incomplete("Network", ["dataCenter.name|id"])
        columns["id"] = key = new_id()
        # Names that cannot be the name of a device get one made from the id (measured on 4.5.8).
        plain = columns["name"].replace("_", "").replace("-", "").isalnum() and len(columns["name"]) <= 15
        columns["vdsm_name"] = columns["name"] if plain else "on" + key.replace("-", "")[:13]


def _finish(call: Call, row: Row, moment: str) -> None:
    data_center = call.db.row("SELECT * FROM storage_pool WHERE id = ?", row["storage_pool_id"])
    if moment == "update":
        call.event("NETWORK_UPDATE", network=row, data_center=data_center)
        return
    if row["vm_network"] and call.doc.get("profile_required") is not False:
        add_profile(call, row["id"], row["name"])
        call.event("VNIC_PROFILE_ADD", profile=row, network=row, data_center=data_center)
    call.event("NETWORK_ADD", network=row, data_center=data_center)
    call.event("NETWORK_ADD_TO_HOSTS", network=row, data_center=data_center)


def _used(lead: str, thing: str, users: list[Row], gap: str = " ") -> str:
    """The engine's texts for one and for many machines that use a network or a profile."""
    names = ", ".join(user["vm_name"] for user in users)
    if len(users) == 1:
        return f"{lead} virtual machine:{gap}{names}\n - Please remove it from this virtual machine and try again."
    advice = f"Please detach virtual machines using {thing} and try again."
    return f"{lead} virtual machines: ({len(users)}): {names}\n - {advice}"


def _keep_used_profile(call: Call, row: Row) -> None:
    users = call.db.rows(
        "SELECT DISTINCT vm_name FROM vm_interface JOIN vm_static USING (vm_guid) WHERE vnic_profile_id = ? "
        "ORDER BY vm_name",
        row["id"],
    )
    if users:
        lead = "This VM network interface profile is used by"
        raise refuse("remove VM network interface profile", _used(lead, "this profile", users, "  "))


def _before_remove(call: Call, row: Row) -> None:
    if call.db.row("SELECT 1 FROM network_cluster WHERE network_id = ? AND management = 1", row["id"]):
        raise Refused(f"The Management Network ('{row['name']}') is mandatory and cannot be removed.", status=400)
    users = call.db.rows(
        "SELECT DISTINCT vm_name FROM vm_interface JOIN vnic_profiles ON vnic_profiles.id = vnic_profile_id "
        "JOIN vm_static USING (vm_guid) WHERE network_id = ? ORDER BY vm_name",
        row["id"],
    )
    if users:
        raise refuse("remove Network", _used("This logical network is used by", "this logical network", users))
    for table in ("network_cluster", "vnic_profiles"):
        call.db.delete(table, network_id=row["id"])
    call.event(
        "NETWORK_REMOVE",
        network=row,
        data_center=call.db.row("SELECT * FROM storage_pool WHERE id = ?", row["storage_pool_id"]),
    )


NAME_USED = (
    "Cannot {verb} Network. The name of the logical network '{value}' is already used by an existing logical network "
    "in the same data-center.\n-Please choose a different name."
)
_BASE = (
    Field("name", column="network.name"),
    Field("description", column="network.description", blank=True),
    Field("comment", column="network.free_text_comment", blank=True),
    Field("mtu", INT, "network.mtu", default=0),
    Field("port_isolation", BOOL, "network.port_isolation", default=0),
    Field("stp", BOOL, "network.stp", default=0),
    Field("usages", Computed(_usages)),
    Field("vdsm_name", column="network.vdsm_name", write=""),
    Field("vlan/@id", INT, "network.vlan_id"),
    Field(
        "data_center",
        Ref("datacenters", "storage_pool", missing="Datacenter", absent="Data Center doesn't exist."),
        "network.storage_pool_id",
        write="a",
    ),
)

NETWORK = Resource(
    tag="network",
    plural="networks",
    source="network",
    key="id",
    tables=("network",),
    order="name",
    noun="Network",
    href="networks/{id}",
    reply_href="datacenters/{storage_pool_id}/networks/{id}",
    list_in_json=True,
    links=("permissions", "vnicprofiles", "networklabels"),
    fields=_BASE,
    required=Required(("id|name",), "network", newer=True),
    rules=(
        Range("vlan_id", 0, 4094, "VLAN ID must be a number between 0 and 4094., Attribute: network.vlanId"),
        Unique("name", NAME_USED, scope="storage_pool_id"),
    ),
    search={
        "name": SearchField("name"),
        "description": SearchField("description"),
        "comment": SearchField("free_text_comment"),
        "vlanid": SearchField("vlan_id", "number"),
        "mtu": SearchField("mtu", "number"),
        "stp": SearchField("stp", "words", {"true": 1, "false": 0}),
        "vmnetwork": SearchField("vm_network", "words", {"true": 1, "false": 0}),
        "label": SearchField("label"),
        "datacenter": SearchField("(SELECT name FROM storage_pool WHERE id = storage_pool_id)"),
        "datacenter.name": SearchField("(SELECT name FROM storage_pool WHERE id = storage_pool_id)"),
        "cluster_network.cluster_name": SearchField(
            "SELECT cluster.name AS value FROM network_cluster JOIN cluster USING (cluster_id) "
            "WHERE network_id = network.id",
            "any",
        ),
    },
    jobs={"remove": "Removing Network {name}"},
    prepare=_prepare,
    finish=_finish,
    before_remove=_before_remove,
)
schema.table("network", "vm_network BOOLEAN", "label TEXT")

# -- networks of a cluster

schema.view(
    "cluster_networks",
    "SELECT network.*, network_cluster.cluster_id, network_cluster.status, required, is_display, "
    "migration, management, default_route FROM network_cluster JOIN network ON network.id = network_cluster.network_id",
)


def _attach(call: Call, sub: Sub) -> str:
    cluster, wanted = call.parents[-1], call.doc
    network = call.db.row(
        "SELECT network.* FROM network JOIN cluster USING (storage_pool_id) WHERE cluster_id = ? AND (network.id = ? "
        "OR network.name = ?)",
        cluster,
        wanted.get("@id"),
        wanted.get("name") if "@id" not in wanted else None,
    )
    if network is None:
        raise Refused("Cannot attach Network to Cluster. The specified Logical Network doesn't exist.", status=400)
    if call.db.row("SELECT 1 FROM network_cluster WHERE network_id = ? AND cluster_id = ?", network["id"], cluster):
        raise Refused("Logical Network is already attached to Cluster.")
    call.db.insert(
        "network_cluster",
        {
            "network_id": network["id"],
            "cluster_id": cluster,
            "status": "operational",
            "required": int(wanted.get("required", True)),
            "is_display": 0,
            "migration": 0,
            "management": 0,
            "default_route": 0,
        },
    )
    _roles(call, cluster, network["id"])
    call.event(
        "NETWORK_ATTACH", network=network, cluster=call.db.row("SELECT * FROM cluster WHERE cluster_id = ?", cluster)
    )
    return str(network["id"])


def _roles(call: Call, cluster: str, network: str) -> None:
    """Roles that only one network of a cluster has move to the network that asks for them."""
    usages = call.doc.get("usages")
    roles = [role for role in ROLES if role in (usages or {}).get("usage", [])]
    if call.doc.get("display"):
        roles.append("display")
    for role in roles:
        call.db.execute(
            f"UPDATE network_cluster SET {ROLES[role]} = (network_id = ?) WHERE cluster_id = ?", network, cluster
        )


def _change(call: Call, row: Row) -> None:
    if call.doc.get("required") is not None:
        call.db.update(
            "network_cluster",
            {"network_id": row["id"], "cluster_id": row["cluster_id"]},
            {"required": int(call.doc["required"])},
        )
    _roles(call, row["cluster_id"], row["id"])


def _detach(call: Call, row: Row) -> None:
    if row["management"]:
        raise Refused(f"The Management Network ('{row['name']}') is mandatory and cannot be removed.", status=400)
    call.db.delete("network_cluster", network_id=row["id"], cluster_id=row["cluster_id"])
    call.event(
        "NETWORK_DETACH",
        network=row,
        cluster=call.db.row("SELECT * FROM cluster WHERE cluster_id = ?", row["cluster_id"]),
    )


CLUSTER_NETWORK = Resource(
    tag="network",
    plural="networks",
    source="cluster_networks",
    key="id",
    tables=("network",),
    noun="Network",
    list_in_json=True,
    href="clusters/{cluster_id}/networks/{id}",
    required=Required(("id|name",), "Network"),
    fields=(
        *_BASE[:3],
        Field("display", BOOL, "network_cluster.is_display", write=""),
        *_BASE[3:5],
        Field("required", BOOL, "network_cluster.required", write=""),
        Field("status", column="network_cluster.status", write=""),
        *_BASE[5:-1],
        Field("cluster", Ref("clusters"), "network_cluster.cluster_id", write=""),
        _BASE[-1],
    ),
    add=_attach,
    update=_change,
    remove=_detach,
)
schema.table(
    "network_cluster",
    "migration BOOLEAN",
    "management BOOLEAN",
    "default_route BOOLEAN",
    "is_gluster BOOLEAN DEFAULT 0",
)
CLUSTER_NETWORK.subs = {}


# -- labels


def _label(call: Call, sub: Sub) -> str:
    network = call.parents[-1]
    if call.db.value("SELECT label FROM network WHERE id = ?", network):
        raise Refused("Cannot add Label. The specified network is already labeled.", status=400)
    call.db.update("network", {"id": network}, {"label": call.doc.get("@id")})
    return str(call.doc.get("@id"))


def _unlabel(call: Call, row: Row) -> None:
    if not call.db.update("network", {"id": row["id"]}, {"label": None}):
        raise NotFound


LABEL = Resource(
    tag="network_label",
    plural="network_labels",
    key="label",
    noun="Label",
    source=lambda call, parent: call.db.rows(
        "SELECT id, label FROM network WHERE id = ? AND label IS NOT NULL", parent
    ),
    href="networks/{id}/networklabels/{label}",
    fields=(Field("network", Computed(lambda row, call: Ref("networks").show(row["id"], row))),),
    add=_label,
    remove=_unlabel,
)

# -- vNIC profiles


def _prepare_profile(call: Call, columns: Columns, row: Row | None) -> None:
    network = columns.get("network_id") or (row or {}).get("network_id")
    if row is None and call.db.value("SELECT vm_network FROM network WHERE id = ?", network) == 0:
        raise refuse(
            "add VM network interface profile",
            "VM network interface profiles cannot be added to a non-VM network. Please make sure the network is a VM "
            "network.",
        )
    if row is None and "network_filter_id" not in columns:
        columns["network_filter_id"] = call.db.value(
            "SELECT filter_id FROM network_filter WHERE filter_name = ?", DEFAULT_FILTER
        )


BAD_FILTER = "Cannot add VM network interface profile. The vNIC profile has an invalid network filter id."
VNIC_PROFILE = Resource(
    tag="vnic_profile",
    plural="vnic_profiles",
    source="vnic_profiles",
    key="id",
    tables=("vnic_profiles",),
    href="vnicprofiles/{id}",
    reply_href="networks/{network_id}/vnicprofiles/{id}",
    noun="VM network interface profile",
    links=("permissions",),
    required=Required(("name", "network.id"), "profile", newer=True),
    rules=(
        Pattern("name", r".{1,255}", "The name must not be empty., Attribute: vnicProfile.name"),
        Unique(
            "name",
            "Cannot {verb} VM network interface profile. The VM network interface profile's name is already used by "
            "an existing profile for the same network.\n-Please choose a different name.",
            scope="network_id",
        ),
    ),
    fields=(
        Field("name", column="name"),
        Field("description", column="description"),
        Field("pass_through/mode", column="passthrough", default="disabled"),
        Field("port_mirroring", BOOL, "port_mirroring", default=0),
        Field(
            "network",
            Ref("networks", "network", missing="Network", absent="The specified Logical Network doesn't exist."),
            "network_id",
            write="a",
        ),
        Field(
            "network_filter",
            Ref("networkfilters", "network_filter", "filter_id", "filter_name", absent=BAD_FILTER),
            "network_filter_id",
        ),
    ),
    prepare=_prepare_profile,
    before_remove=_keep_used_profile,
)
VNIC_PROFILE.subs = {"permissions": permissions("vnic_profile", "vnicprofiles")}
NETWORK.subs = {
    "permissions": permissions("network", "networks"),
    "vnicprofiles": Sub(VNIC_PROFILE, "network_id = ?", "list get add remove", fixed="network_id"),
    "networklabels": Sub(LABEL, methods="list get add remove"),
}
