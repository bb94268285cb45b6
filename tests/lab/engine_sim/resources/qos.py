# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Limits of quality of service of a data center."""

from __future__ import annotations

from ..store import schema
from .base import Field, Required, Resource, Unique
from .types import INT, Ref

schema.table("qos", "id TEXT PRIMARY KEY")
#: Limits by kind of object; which of them count is a matter of `type`.
LIMITS = (
    "cpu_limit",
    "inbound_average",
    "inbound_burst",
    "inbound_peak",
    "max_iops",
    "max_read_iops",
    "max_read_throughput",
    "max_throughput",
    "max_write_iops",
    "max_write_throughput",
    "outbound_average",
    "outbound_average_linkshare",
    "outbound_average_realtime",
    "outbound_average_upperlimit",
    "outbound_burst",
    "outbound_peak",
)
QOS = Resource(
    tag="qos",
    plural="qoss",
    source="qos",
    key="id",
    tables=("qos",),
    href="datacenters/{storage_pool_id}/qoss/{id}",
    noun="QoS",
    required=Required(("name", "type"), "qos", newer=True),
    rules=(Unique("name", "Cannot {verb} QoS. QoS name already exist.", scope="storage_pool_id", status=400),),
    order="name",
    fields=(
        Field("name", column="name"),
        Field("description", column="description"),
        *(Field(limit, INT, limit) for limit in LIMITS),
        Field("type", column="qos_type", write="a"),
        Field("data_center", Ref("datacenters"), "storage_pool_id", write=""),
    ),
)
