# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Removal of a data center, plain and by force."""

from __future__ import annotations

from ..call import Call, refuse
from ..errors import Refused
from ..store import Row
from .status import DOMAIN, HOST


def remove(call: Call, row: Row) -> None:
    key, force = row["id"], call.flag("force")
    busy = call.db.row("SELECT 1 FROM vds WHERE storage_pool_id = ? AND status != ?", key, HOST["maintenance"])
    domains = call.db.rows("SELECT * FROM storage_domains_map WHERE storage_pool_id = ?", key)
    if force and busy and domains:
        raise Refused("Cannot remove Data Center while there are Hosts that are not in Maintenance mode.")
    active = [domain for domain in domains if domain["status"] in (DOMAIN["active"], DOMAIN["locked"])]
    if active and not force:
        raise Refused(
            "Cannot remove Data Center which contains active/locked Storage Domains.\n-Please deactivate all domains "
            "and wait for tasks to finish before removing the Data Center."
        )
    if len(domains) > 1 and not force:
        raise Refused("Cannot remove Data Center while there are more than one Storage Domain attached.")
    if call.db.row("SELECT 1 FROM vms WHERE storage_pool_id = ?", key) and not force:
        raise refuse("remove Data Center", "There are VMs in the Data Center. Please remove them first.")
    from .domain_remove import forget

    with call.db.transaction():
        for domain in domains:
            forget(call, domain)
        for network in call.db.rows("SELECT id FROM network WHERE storage_pool_id = ?", key):
            call.db.delete("network_cluster", network_id=network["id"])
            call.db.delete("vnic_profiles", network_id=network["id"])
        call.db.update("cluster", {"storage_pool_id": key}, {"storage_pool_id": None})
        for table, column in (
            ("network", "storage_pool_id"),
            ("quota", "storage_pool_id"),
            ("vds_spm_id_map", "storage_pool_id"),
            ("storage_pool", "id"),
            ("permissions", "object_id"),
        ):
            call.db.delete(table, **{column: key})
        call.event("USER_FORCE_REMOVE_DATA_CENTER" if force else "USER_REMOVE_DATA_CENTER", data_center=row)
