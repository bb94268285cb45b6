"""What a restore changes in the database: it is not the one of a running engine any more (engine contract 13)."""

from __future__ import annotations

import sqlite3

_HE_ORIGINS = "(5, 6)"


def mark_restored(connection: sqlite3.Connection) -> None:
    """DbJustRestored: engine-setup then leaves out its global maintenance check."""
    changed = connection.execute(
        "UPDATE vdc_options SET option_value = '1' WHERE option_name = 'DbJustRestored'"
    ).rowcount
    if not changed:
        connection.execute(
            "INSERT INTO vdc_options (option_name, option_value, default_value, version) "
            "VALUES ('DbJustRestored', '1', '0', 'general')"
        )


def reset_engine_vm(connection: sqlite3.Connection) -> None:
    """The hosted-engine VM of the backup does not run."""
    connection.execute(
        "UPDATE vm_dynamic SET status = 0, run_on_vds = NULL "
        f"WHERE vm_guid IN (SELECT vm_guid FROM vm_static WHERE origin IN {_HE_ORIGINS})"
    )


def remove_storage_vm(connection: sqlite3.Connection) -> None:
    """--he-remove-storage-vm: the hosted-engine VM, its storage domain and all that lies on it.

    Raises ValueError when the VM's disks do not lie on exactly one domain.
    """
    vms = [row[0] for row in connection.execute(f"SELECT vm_guid FROM vm_static WHERE origin IN {_HE_ORIGINS}")]
    domains = _domains_of(connection, vms)
    if len(domains) != 1:
        raise ValueError(f"hosted-engine VM has its disks on {len(domains)} storage domains")
    disks = _disks_on(connection, domains[0])
    for disk in disks:
        _delete(connection, {"disk_id": disk, "image_group_id": disk, "ovf_disk_id": disk, "device_id": disk})
    for vm in vms:
        _delete(connection, {"vm_guid": vm, "vm_id": vm})
    _delete(connection, {"storage_domain_id": domains[0], "storage_id": domains[0]})
    for table in ("storage_domain_dynamic", "storage_domain_static"):
        connection.execute(f"DELETE FROM {table} WHERE id = ?", domains)
    connection.execute("UPDATE storage_pool SET master_domain_id = NULL WHERE master_domain_id = ?", domains)


def remove_hosts(connection: sqlite3.Connection) -> None:
    """--he-remove-hosts: all hosts whose statistics say hosted engine; who holds id 1 then gets the next free one."""
    for (host,) in connection.execute("SELECT vds_id FROM vds_statistics WHERE ha_configured").fetchall():
        connection.execute("UPDATE vm_dynamic SET status = 0, run_on_vds = NULL WHERE run_on_vds = ?", (host,))
        connection.execute("UPDATE storage_pool SET spm_vds_id = NULL WHERE spm_vds_id = ?", (host,))
        _delete(connection, {"vds_id": host})
    connection.execute(
        "UPDATE vds_spm_id_map SET vds_spm_id = (SELECT max(o.vds_spm_id) + 1 FROM vds_spm_id_map o "
        "WHERE o.storage_pool_id = vds_spm_id_map.storage_pool_id) WHERE vds_spm_id = 1"
    )


def _domains_of(connection: sqlite3.Connection, vms: list[str]) -> list[str]:
    marks = ", ".join("?" * len(vms))
    rows = connection.execute(
        "SELECT DISTINCT m.storage_domain_id FROM disk_vm_element e JOIN images i ON i.image_group_id = e.disk_id "
        f"JOIN image_storage_domain_map m ON m.image_id = i.image_guid WHERE e.vm_id IN ({marks})",
        vms,
    )
    return [row[0] for row in rows]


def _disks_on(connection: sqlite3.Connection, domain: str) -> list[str]:
    rows = connection.execute(
        "SELECT i.image_group_id FROM images i JOIN image_storage_domain_map m ON m.image_id = i.image_guid "
        "WHERE m.storage_domain_id = ?",
        (domain,),
    )
    return [row[0] for row in rows]


def _delete(connection: sqlite3.Connection, keys: dict[str, str]) -> None:
    """Delete the rows of all tables that have one of these columns with that value; the audit log keeps its memory."""
    query = (
        "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c "
        "WHERE m.type = 'table' AND m.name <> 'audit_log'"
    )
    images: list[str] = []
    if "image_group_id" in keys:
        found = connection.execute("SELECT image_guid FROM images WHERE image_group_id = ?", (keys["image_group_id"],))
        images = [row[0] for row in found]
    for table, column in connection.execute(query).fetchall():
        if column in keys:
            connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (keys[column],))
        elif column == "image_id" and images:
            connection.executemany(f"DELETE FROM {table} WHERE image_id = ?", [(image,) for image in images])
