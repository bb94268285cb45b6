# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""OVF_STORE: the machines of a domain, written to two volumes of it (engine contract 9)."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

from ..call import Call, new_id
from ..clock import Clock
from ..errors import ApiError
from ..store import Row
from ..vdsm import HostClient, HostUnreachable, VdsmError
from ..vdsm.flows import disks as disk_flows
from ..vdsm.flows import ovf_store as flows
from ..vdsm.flows import tasks
from . import machine_model
from .status import CONTENT, DOMAIN, IMAGE, ORIGIN
from .storage import spm_of

if TYPE_CHECKING:
    from ..engine import Engine

log = logging.getLogger("engine.ovf")
ERRORS = (VdsmError, HostUnreachable, RuntimeError, TimeoutError, ApiError)


def run_update(call: Call, domain: str, announce: bool) -> None:
    """One run in the background; the lock of the domain's stores was taken by who ordered it."""
    row = call.db.row("SELECT * FROM storage_domains_map WHERE id = ?", domain)
    try:
        changed = update_domain(call, domain)
        if announce and row:
            call.event("OVF_STORES_UPDATED" if changed else "OVF_STORES_UPDATE_IGNORED", domain=row)
    except ERRORS as error:
        log.warning("OVF stores of %s: %s", domain, error)
        if row:
            call.event(
                "OVF_STORES_UPDATE_FAILED",
                domain=row,
                data_center={"id": row["storage_pool_id"], "name": row["storage_pool_name"]},
            )
    finally:
        call.engine.release(f"ovf-{domain}")


def schedule(call: Call, machine: str) -> None:
    """The hosted-engine machine changed: its OVF is written at once (engine contract, finding 4)."""
    for row in call.db.rows(
        "SELECT DISTINCT storage_domain_id FROM disk_vm_element JOIN disks_map USING (disk_id) WHERE vm_id = ?", machine
    ):
        call.engine.spawn(_when_free, call, row["storage_domain_id"])


def _when_free(call: Call, domain: str) -> None:
    for _ in range(600):
        try:
            call.engine.acquire("update OVFs", f"ovf-{domain}")
        except ApiError:
            call.engine.clock.sleep(0.5)
            continue
        run_update(call, domain, False)
        return


def update_regularly(engine: Engine) -> None:
    """The hourly run over all active domains."""
    while True:
        engine.clock.sleep(engine.config.ovf_update_interval_minutes * 60)
        for row in engine.db.rows("SELECT storage_id FROM storage_pool_iso_map WHERE status = ?", DOMAIN["active"]):
            _when_free(engine.system_call(), row["storage_id"])


def stores(call: Call, domain: str) -> list[Row]:
    return call.db.rows(
        "SELECT * FROM disks_map WHERE storage_domain_id = ? AND disk_content_type = ? ORDER BY creation_date, disk_id",
        domain,
        CONTENT["ovf_store"],
    )


def update_domain(call: Call, domain: str) -> bool:
    """Makes missing stores and writes both when a machine changed since. True when something was written."""
    row = call.db.row("SELECT * FROM storage_domains_map WHERE id = ?", domain)
    if row is None or row["storage_pool_id"] is None:
        return False
    host, client = spm_of(call, row["storage_pool_id"], "update OVFs")
    call.engine.clock.sleep(0.3)
    missing = flows.COUNT - len(stores(call, domain))
    for _ in range(missing):
        _make_store(call, client, row)
    generations = {m["vm_guid"]: m["db_generation"] for m in machines(call, domain)}
    written = json.loads(
        call.db.value(
            "SELECT stored_ovfs FROM storage_domains_ovf_info WHERE storage_domain_id = ? ORDER BY last_updated DESC",
            domain,
        )
        or "null"
    )
    if written == generations and not missing:
        return False
    _write(call, client, row, generations)
    return True


def machines(call: Call, domain: str) -> list[Row]:
    return call.db.rows(
        "SELECT DISTINCT vms.* FROM disk_vm_element JOIN disks_map USING (disk_id) JOIN vms ON vm_guid = vm_id "
        "WHERE storage_domain_id = ? AND origin != ?",
        domain,
        ORIGIN["external"],
    )


def _make_store(call: Call, client: HostClient, domain: Row) -> None:
    disk, image = new_id(), new_id()
    with call.db.transaction():
        call.db.insert(
            "base_disks",
            {
                "disk_id": disk,
                "disk_alias": flows.NAME,
                "disk_description": flows.NAME,
                "shareable": 1,
                "disk_content_type": CONTENT["ovf_store"],
                "wipe_after_delete": 0,
                "propagate_errors": 0,
                "backup": "none",
            },
        )
        call.db.insert(
            "images",
            {
                "image_group_id": disk,
                "image_guid": image,
                "size": flows.SIZE,
                "actual_size": 0,
                "volume_format": "raw",
                "volume_type": "sparse",
                "imagestatus": IMAGE["locked"],
                "creation_date": Clock.now(),
            },
        )
        call.db.insert(
            "image_storage_domain_map",
            {
                "image_id": image,
                "storage_domain_id": domain["id"],
                "disk_profile_id": call.db.value(
                    "SELECT id FROM disk_profiles WHERE storage_domain_id = ?", domain["id"]
                ),
                "quota_id": call.db.value(
                    "SELECT id FROM quota WHERE storage_pool_id = ? AND is_default", domain["storage_pool_id"]
                ),
            },
        )
    system = call.engine.system_call(call.correlation_id)
    about = {"domain": domain, "data_center": {"id": domain["storage_pool_id"], "name": domain["storage_pool_name"]}}
    system.event("ADD_DISK_INTERNAL", disk=flows.NAME, **about)
    flows.create(client, domain["storage_pool_id"], domain["id"], disk, image)
    call.engine.clock.sleep(2)
    call.db.update("images", {"image_group_id": disk}, {"imagestatus": IMAGE["ok"]})
    call.db.insert(
        "storage_domains_ovf_info",
        {
            "storage_domain_id": domain["id"],
            "ovf_disk_id": disk,
            "status": "disabled",
            "stored_ovfs": None,
            "last_updated": None,
        },
    )
    system.event("USER_ADD_DISK_FINISHED", disk=flows.NAME, **about)


def _write(call: Call, client: HostClient, domain: Row, generations: dict[str, int]) -> None:
    now = Clock.now()
    content = machine_model.store_content(call, domain["id"], list(generations), now)
    for store in stores(call, domain["id"]):
        call.db.update("images", {"image_group_id": store["disk_id"]}, {"imagestatus": IMAGE["locked"]})
    for store in stores(call, domain["id"]):
        try:
            flows.update(
                client, domain["storage_pool_id"], domain["id"], store["disk_id"], store["image_guid"], content, now
            )
            call.engine.clock.sleep(1.5)
            info = disk_flows.volume_info(
                client, domain["storage_pool_id"], domain["id"], store["disk_id"], store["image_guid"]
            )
            call.db.update(
                "images",
                {"image_group_id": store["disk_id"]},
                {"imagestatus": IMAGE["ok"], "size": len(content), "actual_size": int(info["truesize"])},
            )
            call.db.update(
                "storage_domains_ovf_info",
                {"ovf_disk_id": store["disk_id"]},
                {"status": "updated", "stored_ovfs": json.dumps(generations), "last_updated": now},
            )
        except (VdsmError, HostUnreachable, tasks.TaskFailed, tasks.TaskTimeout):
            call.db.update("images", {"image_group_id": store["disk_id"]}, {"imagestatus": IMAGE["ok"]})
            raise
