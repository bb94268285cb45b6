# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a fresh engine's database contains: the data of an installation, one data center, one cluster, one user."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..engine import Engine

BLANK = "00000000-0000-0000-0000-000000000000"
#: Ids that are the same in every engine.
NETWORK, PROFILE = "00000000-0000-0000-0000-000000000009", "0000000a-000a-000a-000a-000000000398"
EVERYONE, SYSTEM = "eee00000-0000-0000-0000-123456789eee", "aaa00000-0000-0000-0000-123456789aaa"
SUPER_USER, USER_PROFILE_EDITOR = "00000000-0000-0000-0000-000000000001", "def00021-0000-0000-0000-def000000015"
SMALL_ICON, LARGE_ICON = "e50145e0-a0ce-4ec3-b5df-3e669445d228", "94c12a88-a4f9-492b-ae3d-39945a278b95"
#: Options that tools and clients read and that the recorded answers do not hold.
OPTIONS = {
    "OvfUpdateIntervalInMinutes": "60",
    "DisableFenceAtStartupInSec": "300",
    "VdcVersion": "4.4.0.0",
    "HostedEngineVmName": "HostedEngine",
    "HostedEngineConfigurationImageGuid": "",
    "VdsRefreshRate": "3",
}


def fill(engine: Engine) -> None:
    """Writes all of it in one transaction."""
    db = engine.db
    data = json.loads(Path(__file__).with_name("installation.json").read_text())
    with db.transaction():
        groups = data["tables"].pop("ad_groups")
        for table, rows in data["tables"].items():
            for row in rows:
                db.insert(table, row)
        for name, value in OPTIONS.items():
            _option(db, name, value)
        for name, enabled in (
            ("InstallVds", engine.config.install_vds),
            ("EncryptHostCommunication", engine.config.encrypt_host_communication),
        ):
            _option(db, name, str(enabled).lower())
        for version in data["versions"]:
            _option(db, "LibgfApiSupported", "false", version)
        _option(db, "InstanceId", str(uuid.uuid4()))
        _users(engine, groups)
        _templates(engine, data)
        _data_center(engine)


def _option(db: Any, name: str, value: str, version: str = "general") -> None:
    db.insert(
        "vdc_options",
        {"option_name": name, "option_value": value, "default_value": value, "version": version, "exposed": 0},
    )


def _users(engine: Engine, groups: list[dict[str, Any]]) -> None:
    db, name = engine.db, engine.config.admin_user
    domain = "internal-authz" if engine.config.profile == "internal" else engine.config.profile
    user, group = str(uuid.uuid4()), str(uuid.uuid4())
    short = name.rpartition("@")[0]
    external = str(uuid.uuid4())
    db.insert(
        "users",
        {
            "user_id": user,
            "name": "admin",
            "username": f"{short}@{domain}",
            "principal": short,
            "namespace": "*",
            "email": "admin@localhost",
            "domain": domain,
            "external_id": external,
            "external_id_hex": external.encode().hex().upper(),
        },
    )
    for row in groups:
        db.insert("ad_groups", {"id": EVERYONE if row["name"] == "Everyone" else group, **row})
    for who, role in ((group, SUPER_USER), (user, SUPER_USER), (EVERYONE, USER_PROFILE_EDITOR)):
        db.insert(
            "permissions",
            {
                "id": str(uuid.uuid4()),
                "role_id": role,
                "ad_element_id": who,
                "object_id": SYSTEM,
                "object_type": "System",
            },
        )
    db.insert("tags", {"tag_id": BLANK, "tag_name": "root", "description": "root"})


def _templates(engine: Engine, data: dict[str, Any]) -> None:
    from ..resources.vm import VM_RESOURCE

    call = engine.system_call()
    for row in data["templates"]:
        columns = {
            key: value
            for key, value in VM_RESOURCE.take(call, {}, "a").items()
            if key not in ("status", "last_stop_time", "time_zone")
        }
        engine.db.insert("vm_static", {**columns, "small_icon_id": SMALL_ICON, "large_icon_id": LARGE_ICON, **row})
    for key in (SMALL_ICON, LARGE_ICON):
        engine.db.execute("INSERT OR IGNORE INTO icons (id, media_type, data) VALUES (?, 'image/png', '')", key)


def _data_center(engine: Engine) -> None:
    from ..resources.cluster import CLUSTER, attach_management
    from ..resources.datacenter import DATA_CENTER, add_contents

    call, db = engine.system_call(), engine.db
    pool, cluster, macs = str(uuid.uuid4()), str(uuid.uuid4()), str(uuid.uuid4())
    columns = DATA_CENTER.take(call, {"name": "Default", "description": "The default Data Center", "local": False}, "a")
    db.insert("storage_pool", {**columns, "id": pool, "status": 0})
    db.insert(
        "mac_pools",
        {
            "id": macs,
            "name": "Default",
            "description": "Default MAC pool",
            "default_pool": 1,
            "allow_duplicate_mac_addresses": 0,
            "mac_ranges": json.dumps([{"from": "56:6f:54:31:00:00", "to": "56:6f:54:31:ff:ff"}]),
        },
    )
    add_contents(call, pool, "Management Network", {"network": NETWORK, "profile": PROFILE})
    columns = CLUSTER.take(
        call,
        {
            "name": "Default",
            "description": "The default server cluster",
            "memory_policy": {"transparent_hugepages": {"enabled": True}},
            "vnc_encryption": False,
            "migration": {"policy": {"@id": "80554327-0569-496b-bdeb-fcbbf52b827b"}},
        },
        "a",
    )
    db.insert("cluster", {**columns, "cluster_id": cluster, "storage_pool_id": pool, "mac_pool_id": macs})
    attach_management(call, cluster, NETWORK)
    db.insert("cpu_profiles", {"id": str(uuid.uuid4()), "name": "Default", "cluster_id": cluster})
