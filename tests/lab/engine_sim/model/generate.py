# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes `api.json`, the types of the API, and `services.json`, its addresses, from the installed Python SDK.

    python -m engine_sim.model.generate

Only names and kinds of members are taken (they are the interface). The SDK is needed for this alone, not at run time.
"""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

#: Enumerated types whose values the engine lists in another order than the SDK: that of their declaration in the API's
#: model (recorded fault texts; ovirt-engine-api-model).
ORDER = {
    "Architecture": "undefined x86_64 ppc64 s390x aarch64",
    "BiosType": "cluster_default i440fx_sea_bios q35_sea_bios q35_ovmf q35_secure_boot",
    "BootProtocol": "autoconf dhcp poly_dhcp_autoconf static none",
    "DiskBackup": "none incremental",
    "DiskContentType": "data ovf_store memory_dump_volume memory_metadata_volume iso hosted_engine "
    "hosted_engine_sanlock hosted_engine_metadata hosted_engine_configuration backup_scratch",
    "DiskInterface": "ide virtio_scsi virtio spapr_vscsi sata",
    "FipsMode": "undefined disabled enabled",
    "FirewallType": "iptables firewalld",
    "InheritableBoolean": "true false inherit",
    "LogSeverity": "normal warning error alert",
    "MigrateOnError": "migrate do_not_migrate migrate_highly_available",
    "NfsVersion": "auto v3 v4 v4_0 v4_1 v4_2",
    "NicInterface": "e1000 e1000e virtio rtl8139 rtl8139_virtio spapr_vlan pci_passthrough",
    "QosType": "storage cpu network hostnetwork",
    "QuotaModeType": "enabled disabled audit",
    "RngSource": "random urandom hwrng",
    "StepEnum": "validating executing finalizing rebalancing_volume removing_bricks unknown",
    "StorageDomainType": "data iso export image volume managed_block_storage",
    "StorageType": "iscsi fcp nfs localfs posixfs glusterfs glance cinder managed_block_storage",
    "VmAffinity": "migratable user_migratable pinned",
    "VmStorageErrorResumeBehaviour": "leave_paused auto_resume kill",
    "VmType": "desktop server high_performance",
    "VnicPassThroughMode": "enabled disabled",
    "WatchdogAction": "none reset poweroff pause dump",
    "WatchdogModel": "i6300esb diag288",
}
KINDS = {
    "read_string": "string",
    "read_integer": "integer",
    "read_boolean": "boolean",
    "read_decimal": "decimal",
    "read_date": "date",
    "read_strings": "list:string",
    "read_integers": "list:integer",
}


def members(source: str, tags: dict[str, str]) -> dict[str, str]:
    """Member name to kind, from the text of one reader class of the SDK."""
    found = {}
    pattern = re.compile(
        r"tag == '(\w+)':\s+obj\.\w+ = (?:Reader\.(read_\w+)\((?:types\.(\w+))?|(\w+)Reader\.read_(one|many))"
    )
    for name, plain, enum, reader, count in pattern.findall(source):
        if plain in ("read_enum", "read_enums"):
            found[name] = ("list:" if plain == "read_enums" else "") + "enum:" + enum
        elif plain:
            found[name] = KINDS[plain]
        else:
            found[name] = ("list:" if count == "many" else "") + "type:" + tags[reader]
    return found


def generate() -> dict[str, object]:
    from ovirtsdk4 import readers, types

    item: Any

    text = inspect.getsource(readers)
    tags = {reader: tag for tag, reader in re.findall(r"register\('(\w+)', (\w+)Reader\.read_one\)", text)}
    api = {tag: members(inspect.getsource(getattr(readers, reader + "Reader")), tags) for reader, tag in tags.items()}
    enums = {}
    for name, item in inspect.getmembers(types, inspect.isclass):
        if issubclass(item, types.Enum) and item is not types.Enum:
            enums[name] = ORDER[name].split() if name in ORDER else [str(value) for value in item]
            if name in ORDER and set(enums[name]) != {str(value) for value in item}:
                enums[name] = enums[name] + sorted({str(v) for v in item} - set(enums[name]))
    return {"types": api, "enums": enums}


def services() -> dict[str, Any]:
    """Every service by its name in the documentation: methods, actions, sub-services, the service of a member."""
    from ovirtsdk4 import services as module

    found: dict[str, Any] = {}
    texts = re.split(r"^class (\w+)\(", inspect.getsource(module), flags=re.MULTILINE)[1:]
    for name, source in sorted(zip(texts[::2], texts[1::2])):
        if not name.endswith("Service") or name == "Service":
            continue
        methods = [m for m in ("list", "get", "add", "update", "remove") if re.search(rf"def {m}\(", source)]
        if "add" not in methods and re.search(r"def add_\w+\(", source):
            methods.append("add")
        bodies = re.split(r"\n    def (?=\w)", source)
        actions = [
            (body.partition("(")[0], hit[1])
            for body in bodies
            if (hit := re.search(r"_internal_action\(action, '(\w+)'", body))
        ]
        below = dict(re.findall(r"if path == '(\w+)':\s+return self\.(\w+)\(\)", source))
        member = re.search(r"return self\.(\w+)\(path\)", source)
        found[_service(name)] = {
            "methods": methods,
            "actions": {address: method.partition("_using_")[0] for method, address in actions},
            "services": {address: _made(source, method) for address, method in below.items()},
            **({"member": _made(source, member[1])} if member else {}),
        }
    return found


def _made(source: str, method: str) -> str:
    """The service that a method of the SDK makes."""
    match = re.search(rf"def {method}\(self[^)]*\):.*?return (\w+)\(", source, re.S)
    assert match, method
    return _service(match[1])


def _service(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.removesuffix("Service")).lower()


def write(name: str, content: Any) -> None:
    Path(__file__).with_name(name).write_text(json.dumps(content, indent=0, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    write("api.json", generate())
    write("services.json", services())
