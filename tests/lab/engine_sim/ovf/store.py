# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The tar of an OVF_STORE: info.json, an OVF per machine, metadata.json; it starts at byte 0 of the volume."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping, Sequence

from ..vdsm.flows.ovf_store import java_date

_BLOCK = tarfile.BLOCKSIZE


def store_tar(ovfs: Mapping[str, str], domain_ids: Sequence[str], when: float) -> bytes:
    """`ovfs`: {machine id: OVF}; `when` as in the store's description. Ends with two zero blocks and no padding."""
    members = {"info.json": _info(domain_ids, when)}
    members.update({f"{vm_id}.ovf": ovf for vm_id, ovf in ovfs.items()})
    members["metadata.json"] = '{\n  "VM Status" : { }\n}'
    return b"".join(_member(name, text.encode("utf-8"), when) for name, text in members.items()) + bytes(2 * _BLOCK)


def _info(domain_ids: Sequence[str], when: float) -> str:
    domains = ", ".join(f'{{\n    "uuid" : "{domain}"\n  }}' for domain in domain_ids)
    return f'{{\n  "Last Updated" : "{java_date(when)}",\n  "Storage Domains" : [ {domains} ]\n}}'


def _member(name: str, content: bytes, when: float) -> bytes:
    header = tarfile.TarInfo(name)
    header.size, header.mtime, header.mode = len(content), int(when), 0o644
    return header.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % _BLOCK)
