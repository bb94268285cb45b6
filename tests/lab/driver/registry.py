# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which lab has which index on this machine: several labs, also of several checkouts, live beside each other."""

import errno
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from driver.errors import LabError
from driver.state import write_json

DIRECTORY = Path("/run/node0-lab")
DEMO = "demo"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold ``path`` as a lock; the kernel frees it when the process ends, however it ends.

    The holder may remove the file: who waited for it then takes the new one.
    """
    stream = _take(path)
    while stream is None:
        stream = _take(path)
    with stream:
        yield


def _take(path: Path) -> IO[str] | None:
    """The locked file; None if the last holder removed it meanwhile."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("w", encoding="ascii")
    except (FileNotFoundError, FileExistsError):
        if path.parent.exists() and not path.parent.is_dir():
            raise
        return None  # the directory went between two of these steps
    fcntl.flock(stream, fcntl.LOCK_EX)
    with suppress(FileNotFoundError):
        if os.path.samestat(os.fstat(stream.fileno()), path.stat()):
            return stream
    stream.close()
    return None


def remove_with_lock(directory: Path, lock: Path) -> None:
    """Remove the held lock's file and its directory, unless somebody has begun anew in it."""
    lock.unlink()
    try:
        directory.rmdir()
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.ENOENT):
            raise


class Registry:
    """The file of labs; use it inside ``with Registry.open() as registry``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.labs: dict[str, dict[str, object]] = {}
        if path.exists():
            self.labs = json.loads(path.read_text(encoding="utf-8"))

    @classmethod
    @contextmanager
    def open(cls, directory: Path = DIRECTORY) -> Iterator["Registry"]:
        with locked(directory / "lock"):
            registry = cls(directory / "labs.json")
            yield registry
            if registry.labs:
                write_json(registry.path, registry.labs)
            else:
                registry.path.unlink(missing_ok=True)
                remove_with_lock(directory, directory / "lock")

    def claim(self, name: str, root: Path) -> int:
        """Index of lab ``name``, whose directory is ``root``; the demo has 0, the others the lowest free one above.

        Raises LabError if another checkout has a lab of that name up.
        """
        entry = self.labs.get(name)
        if entry is not None:
            if entry["root"] != str(root):
                raise LabError(
                    f"lab {name} is up already, in {entry['root']}: take it down there or choose another name"
                )
            return int(str(entry["index"]))
        taken = {int(str(lab["index"])) for lab in self.labs.values()}
        index = 0 if name == DEMO else next(number for number in range(1, 256) if number not in taken)
        self.labs[name] = {"index": index, "root": str(root)}
        return index

    def release(self, name: str, root: Path) -> None:
        """Forget the lab, if it is the one of ``root``."""
        entry = self.labs.get(name)
        if entry is not None and entry["root"] == str(root):
            del self.labs[name]
