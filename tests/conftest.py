"""Make the checkout importable as the collection it is, and the lab's packages by their names."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAB = ROOT / "tests" / "lab"


def _collection_path() -> Path:
    tree = ROOT / ".cache" / "collections"
    link = tree / "ansible_collections" / "node0" / "hosted_engine"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink() or link.resolve() != ROOT:
        link.unlink(missing_ok=True)
        link.symlink_to(ROOT)
    return tree


for path in (_collection_path(), LAB, LAB / "host" / "vdsmd", LAB / "host" / "ha"):
    if str(path) not in sys.path:
        sys.path.insert(0, str(path))
