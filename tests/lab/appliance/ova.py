"""The OVA as `ovirt-engine-appliance` ships it: a gzipped tar with an OVF and the disk, as on an export domain."""

from __future__ import annotations

import gzip
import io
import tarfile
import uuid
from pathlib import Path
from string import Template

_TEMPLATE = Path(__file__).parent / "appliance.ovf.in"
_NAMESPACE = uuid.UUID("4b1d3c52-8d4e-5f0e-9a57-6f6a3a5b8f10")
_META = """DOMAIN={domain}
VOLTYPE=LEAF
CTIME=0
FORMAT=COW
IMAGE={image}
DISKTYPE=1
PUUID=00000000-0000-0000-0000-000000000000
LEGALITY=LEGAL
MTIME=0
POOL_UUID={pool}
SIZE={sectors}
TYPE=SPARSE
DESCRIPTION=engine_disk
EOF
"""


def build_ova(qcow2: Path, virtual_size: int, digest: str, target: Path) -> None:
    """Pack `qcow2` (`virtual_size` in bytes) into the OVA `target`; its ids follow from `digest`."""
    ids = {
        name: str(uuid.uuid5(_NAMESPACE, f"{digest}/{name}")) for name in ("vm", "image", "volume", "domain", "pool")
    }
    size = qcow2.stat().st_size
    ovf = Template(_TEMPLATE.read_text()).substitute(ids, size_gib=_gib(virtual_size), actual_gib=_gib(size))
    meta = _META.format(domain=ids["domain"], image=ids["image"], pool=ids["pool"], sectors=virtual_size // 512)
    disk = f"images/{ids['image']}/{ids['volume']}"
    with (
        gzip.GzipFile(target, "wb", compresslevel=1, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w|") as tar,
    ):
        _add(tar, f"master/vms/{ids['vm']}/{ids['vm']}.ovf", ovf.encode())
        with qcow2.open("rb") as file:
            tar.addfile(_member(disk, size), file)
        _add(tar, f"{disk}.meta", meta.encode())


def _gib(size: int) -> int:
    return -(-size // (1 << 30))


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    tar.addfile(_member(name, len(data)), io.BytesIO(data))


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size
    member.mode = 0o644
    return member
