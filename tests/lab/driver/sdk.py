# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""python3-ovirt-engine-sdk4 for the hosts.

Debian has no such package and the SDK is published as source only, with an extension in C: it is built here, once, for
the Python of the host tree (the same 3.11 as this machine's).
"""

import re
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

from driver.debs import HOST_PYTHON, deb_of
from driver.errors import LabError
from driver.manifest import load
from driver.paths import HOST_SOURCES, cache
from driver.registry import locked
from driver.run import run

NAME = "python3-ovirt-engine-sdk4"
_MANIFEST = HOST_SOURCES / "packages" / NAME / "package.toml"
_PROJECT = "ovirt-engine-sdk-python"


def sdk_version() -> str:
    """The version of the SDK, from the package's manifest."""
    match = re.search(r'^version = "([0-9.]+)"', _MANIFEST.read_text(encoding="utf-8"), re.MULTILINE)
    if match is None:
        raise LabError(f"{_MANIFEST} names no version")
    return match.group(1)


def _python() -> str:
    """An interpreter of the host tree's version."""
    if sys.version_info[:2] == HOST_PYTHON:
        return sys.executable
    wanted = "python{}.{}".format(*HOST_PYTHON)
    found = shutil.which(wanted)
    if found is None:
        raise LabError(f"{wanted} is needed to build the SDK for the hosts and is not installed")
    return found


def _wheel(store: Path) -> Path:
    """The SDK's wheel, built from its source."""
    pattern = f"ovirt_engine_sdk_python-{sdk_version()}-*.whl"
    for wheel in store.glob(pattern):
        return wheel
    with tempfile.TemporaryDirectory(dir=store) as scratch:
        environment = Path(scratch) / "venv"
        run([_python(), "-m", "venv", environment], timeout=120)
        pip: list[str | Path] = [environment / "bin" / "python", "-m", "pip", "--quiet"]
        wheels = ["wheel", "--no-deps", "--no-binary", _PROJECT, "--wheel-dir", scratch, f"{_PROJECT}=={sdk_version()}"]
        run([*pip, *wheels], timeout=300)
        for wheel in Path(scratch).glob(pattern):
            return wheel.rename(store / wheel.name)
    raise LabError(f"pip made no wheel of {_PROJECT} {sdk_version()}")


def sdk_deb() -> Path:
    """The package, from the cache where it has been built before."""
    store = cache() / "sdk"
    with locked(store / "lock"):
        tree = store / f"tree-{sdk_version()}"
        if not tree.is_dir():
            draft = store / f".tree-{sdk_version()}"
            shutil.rmtree(draft, ignore_errors=True)
            with zipfile.ZipFile(_wheel(store)) as wheel:
                wheel.extractall(draft)
            draft.rename(tree)
        return deb_of(load(_MANIFEST, tree.parent), cache() / "packages")
