"""Build the collection as a user gets it, and compare its files with what a user needs.

Exit status 1 when a file is in the artifact that no user needs, or when one is missing.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tree import copy_collection, tracked_files

SHIPPED_FOLDERS = (
    "plugins/",
    "roles/",
    "playbooks/",
    "meta/",
    "docs/",
    "inventories/sample/",
    "changelogs/changelog.yaml",
)
SHIPPED_FILES = ("README.md", "LICENSE", "CHANGELOG.md", "CHANGELOG.rst")
ADDED_BY_THE_BUILD = ("MANIFEST.json", "FILES.json")


def main() -> int:
    """Build, list, compare."""
    wanted = {name for name in tracked_files() if name.startswith(SHIPPED_FOLDERS) or name in SHIPPED_FILES}
    with tempfile.TemporaryDirectory() as folder:
        source = copy_collection(Path(folder), left_out=())
        galaxy = Path(sys.executable).parent / "ansible-galaxy"
        subprocess.run([galaxy, "collection", "build", "--output-path", folder], cwd=source, check=True)
        (built,) = Path(folder).glob("*.tar.gz")
        with tarfile.open(built) as archive:
            seen = {entry.name for entry in archive if entry.isfile()} - set(ADDED_BY_THE_BUILD)
    for name in sorted(seen - wanted):
        print(f"no user needs: {name}")
    for name in sorted(wanted - seen):
        print(f"missing: {name}")
    print(f"{len(seen)} files in the artifact")
    return 0 if seen == wanted else 1


if __name__ == "__main__":
    sys.exit(main())
