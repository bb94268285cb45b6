# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What hangs below a host: NICs, network attachments, statistics, LUNs, devices, NUMA nodes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..commands import host_parts as parts
from ..store import Row, schema
from .assigned import labels, tags
from .base import Columns, Field, Required, Resource, Sub
from .common import constant, empty, permissions, ref, statistic_fields
from .types import BOOL, INT, Computed, Ref, Type

if TYPE_CHECKING:
    from ..call import Call

from ..commands import host_network as network
from .host import HOST


def member(name: str) -> Computed:
    """A member that the row holds ready."""
    return Computed(lambda row, call: row[name])


NIC = Resource(
    tag="host_nic",
    plural="host_nics",
    source=network.nic_rows,
    key="id",
    href="hosts/{vds_id}/nics/{id}",
    links=("linklayerdiscoveryprotocolelements", "networkattachments", "networklabels", "statistics"),
    fields=(
        Field("name", Computed(lambda row, call: row["name"])),
        constant("actions", {}),
        Field("boot_protocol", Computed(lambda row, call: row["boot_protocol"])),
        Field("bridged", Computed(lambda row, call: row["bridged"])),
        Field("custom_configuration", Computed(lambda row, call: False if row["network_id"] else None)),
        Field("ip", Computed(lambda row, call: row["ip"])),
        Field("ipv6", Computed(lambda row, call: row["ipv6"])),
        constant("ipv6_boot_protocol", "none"),
        Field("mac/address", Computed(lambda row, call: row["mac"])),
        Field("mtu", Computed(lambda row, call: row["mtu"])),
        Field("properties", Computed(lambda row, call: {} if row["network_id"] else None)),
        Field("speed", Computed(lambda row, call: row["speed"])),
        Field("status", Computed(lambda row, call: row["status"])),
        Field("vlan/@id", Computed(lambda row, call: row["vlan"])),
        Field("base_interface", Computed(lambda row, call: row["base"])),
        Field("host", Computed(lambda row, call: ref("hosts", row["vds_id"]))),
        Field("network", Computed(lambda row, call: ref("networks", row["network_id"]))),
    ),
)
ATTACHMENT = Resource(
    tag="network_attachment",
    plural="network_attachments",
    source=network.attachment_rows,
    key="id",
    href="hosts/{vds_id}/networkattachments/{id}",
    fields=(
        constant("in_sync", True),
        Field("ip_address_assignments", Computed(lambda row, call: {"ip_address_assignment": row["assignments"]})),
        Field("reported_configurations", Computed(lambda row, call: {"reported_configuration": row["reported"]})),
        Field("host", Computed(lambda row, call: ref("hosts", row["vds_id"]))),
        Field("host_nic", Computed(lambda row, call: ref(f"hosts/{row['vds_id']}/nics", row["nic_id"]))),
        Field("network", Computed(lambda row, call: ref("networks", row["network_id"]))),
    ),
)
NIC.subs = {
    "linklayerdiscoveryprotocolelements": empty(
        "link_layer_discovery_protocol_element", "link_layer_discovery_protocol_elements"
    ),
    "networkattachments": empty("network_attachment", "network_attachments"),
    "networklabels": empty("network_label", "network_labels"),
    "statistics": empty("statistic", "statistics"),
}
STATISTIC = Resource(
    tag="statistic",
    plural="statistics",
    source=parts.statistic_rows,
    key="id",
    href="hosts/{owner}/statistics/{id}",
    fields=statistic_fields("host", "hosts"),
)
STORAGE = Resource(
    tag="host_storage",
    plural="host_storages",
    source=parts.storage_rows,
    key="id",
    href="hosts/{vds_id}/storage/{id}",
    fields=(
        Field("logical_units", Computed(lambda row, call: {"logical_unit": [row["unit"]]})),
        Field("type", Computed(lambda row, call: row["type"])),
        Field("host", Computed(lambda row, call: ref("hosts", row["vds_id"]))),
    ),
)
DEVICE = Resource(
    tag="host_device",
    plural="host_devices",
    source=parts.device_rows,
    key="id",
    href="hosts/{vds_id}/devices/{id}",
    fields=tuple(
        Field(name, member(name))
        for name in ("name", "capability", "driver", "product", "vendor", "host", "parent_device")
    ),
)
NUMA_NODE = Resource(
    tag="host_numa_node",
    plural="host_numa_nodes",
    source=parts.numa_rows,
    key="id",
    href="hosts/{vds_id}/numanodes/{id}",
    links=("statistics",),
    subs={"statistics": empty("statistic", "statistics")},
    fields=tuple(Field(name, member(name)) for name in ("cpu", "index", "memory", "node_distance", "host")),
)
schema.table("fence_agents", "id TEXT PRIMARY KEY", "agent_password TEXT", "options TEXT")


class _Options(Type):
    """`<option><name/><value/></option>`, kept as JSON."""

    def show(self, value: Any, row: Row) -> Any:
        return {"option": json.loads(value)}

    def take(self, value: Any, call: Call) -> Any:
        return json.dumps([item for group in value.values() for item in group])


def _keep_password(call: Call, columns: Columns, row: Row | None) -> None:
    if call.doc.get("password") is not None:
        columns["agent_password"] = call.doc["password"]


AGENT = Resource(
    tag="agent",
    plural="agents",
    source="fence_agents",
    key="id",
    tables=("fence_agents",),
    href="hosts/{vds_id}/fenceagents/{id}",
    noun="Fence Agent",
    order="agent_order",
    required=Required(("address", "order", "password", "type", "username"), "agent", newer=True),
    fields=(
        Field("address", column="ip"),
        Field("encrypt_options", BOOL, "encrypt_options", default=0),
        Field("options", _Options(), "options"),
        Field("order", INT, "agent_order"),
        Field("port", INT, "port"),
        Field("type", column="type"),
        Field("username", column="agent_user"),
        Field("host", Ref("hosts"), "vds_id", write=""),
    ),
    prepare=_keep_password,
)
HOST.subs = {
    "katelloerrata": empty("katello_erratum", "katello_errata"),
    "permissions": permissions("host", "hosts"),
    "tags": tags("host", "hosts"),
    "affinitylabels": labels("vds_id"),
    "numanodes": Sub(NUMA_NODE),
    "nics": Sub(NIC, missing=parts.known_host),
    "fenceagents": Sub(AGENT, "vds_id = ?", "list get add update remove", fixed="vds_id"),
    "devices": Sub(DEVICE),
    "hooks": empty("hook", "hooks"),
    "storage": Sub(STORAGE),
    "networkattachments": Sub(ATTACHMENT),
    "storageconnectionextensions": empty("storage_connection_extension", "storage_connection_extensions"),
    "unmanagednetworks": empty("unmanaged_network", "unmanaged_networks"),
    "externalnetworkproviderconfigurations": empty(
        "external_network_provider_configuration", "external_network_provider_configurations"
    ),
    "cpuunits": empty("host_cpu_unit", "host_cpu_units"),
    "statistics": Sub(STATISTIC),
}
