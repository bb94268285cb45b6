# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes `api.json`, the types of the API, from the installed Python SDK.

    python -m engine_sim.model.generate

Only names and kinds of members are taken (they are the interface). The SDK is needed for this alone, not at run time.
"""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

#: Enumerated types whose values the engine lists in another order than the SDK (recorded fault texts).
ORDER = {
    "DiskContentType": "data ovf_store memory_dump_volume memory_metadata_volume iso hosted_engine "
    "hosted_engine_sanlock "
    "hosted_engine_metadata hosted_engine_configuration backup_scratch",
    "LogSeverity": "normal warning error alert",
    "NfsVersion": "auto v3 v4 v4_0 v4_1 v4_2",
    "StepEnum": "validating executing finalizing rebalancing_volume removing_bricks unknown",
    "StorageDomainType": "data iso export image volume managed_block_storage",
    "VmType": "desktop server high_performance",
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

    text = inspect.getsource(readers)
    tags = {reader: tag for tag, reader in re.findall(r"register\('(\w+)', (\w+)Reader\.read_one\)", text)}
    api = {tag: members(inspect.getsource(getattr(readers, reader + "Reader")), tags) for reader, tag in tags.items()}
    enums = {}
    classes: list[tuple[str, Any]] = inspect.getmembers(types, inspect.isclass)
    for name, item in classes:
        if issubclass(item, types.Enum) and item is not types.Enum:
            known = [str(value) for value in item]
            ordered = ORDER[name].split() if name in ORDER else known
            enums[name] = ordered + sorted(set(known) - set(ordered))
    return {"types": api, "enums": enums}


if __name__ == "__main__":
    target = Path(__file__).with_name("api.json")
    target.write_text(json.dumps(generate(), indent=0, sort_keys=False, separators=(",", ":")) + "\n")
