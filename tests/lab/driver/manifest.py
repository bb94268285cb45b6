# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""package.toml: how a package of the lab is made (see README, "Packages")."""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomllib

from driver.errors import LabError

SCRIPTS = ("preinst", "postinst", "prerm", "postrm")
_RELATIONS = ("depends", "recommends", "provides", "conflicts", "replaces")
_KEYS = {"name", "version", "architecture", "description", "files", "directories", "modes", "owners", "conffiles"}
_MERGED = ("/bin/", "/sbin/", "/lib/", "/lib64/")
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")
_SKIPPED = ("__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache")


@dataclass(frozen=True)
class Manifest:
    """One package: its control fields, and where each of its files comes from."""

    name: str
    version: str
    files: dict[str, Path]
    directories: tuple[str, ...] = ()
    architecture: str = "all"
    description: str = ""
    relations: dict[str, tuple[str, ...]] = field(default_factory=dict)
    modes: dict[str, int] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    conffiles: tuple[str, ...] = ()
    scripts: dict[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Changes with whatever would change the package."""
        digest = hashlib.sha256(repr((self.name, self.version, self.architecture, self.description)).encode())
        for part in (self.directories, self.relations, self.modes, self.owners, self.conffiles, self.scripts):
            digest.update(repr(part).encode())
        for target, source in sorted(self.files.items()):
            digest.update(f"\0{target}\0{source.lstat().st_mode & 0o111:o}\0".encode())
            digest.update(str(source.readlink()).encode() if source.is_symlink() else source.read_bytes())
        return digest.hexdigest()[:16]


def load(path: Path, sources: Path) -> Manifest:
    """Read a package.toml whose sources are relative to ``sources``; raises LabError naming what is wrong with it."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise LabError(f"{path}: {error}") from error
    unknown = set(raw) - _KEYS - set(_RELATIONS) - set(SCRIPTS)
    if unknown:
        raise LabError(f"{path}: unknown keys {', '.join(sorted(unknown))}")
    name = str(raw.get("name", path.parent.name))
    if "version" not in raw or not _NAME.fullmatch(name):
        raise LabError(f"{path}: expected a version and a package name, got {raw.get('version')!r} and {name!r}")
    files = _all_files(raw.get("files", {}), sources, path)
    conffiles = tuple(raw.get("conffiles", ()))
    absent = [target for target in conffiles if target not in files]
    if absent:
        raise LabError(f"{path}: conffiles {', '.join(absent)} are not among the files")
    return Manifest(
        name=name,
        version=str(raw["version"]),
        architecture=str(raw.get("architecture", "all")),
        description=str(raw.get("description", f"{name} for lab hosts")),
        files=files,
        directories=tuple(_target(name, path) for name in raw.get("directories", ())),
        relations={key: tuple(raw[key]) for key in _RELATIONS if key in raw},
        modes={target: _mode(value, path) for target, value in raw.get("modes", {}).items()},
        owners=dict(raw.get("owners", {})),
        conffiles=conffiles,
        scripts={key: _script(raw[key], path, sources) for key in SCRIPTS if key in raw},
    )


def _target(target: str, path: Path) -> str:
    if not target.startswith("/") or ".." in target.split("/"):
        raise LabError(f"{path}: {target!r} is not an absolute path")
    if target.startswith(_MERGED):
        raise LabError(f"{path}: {target!r} lies in a directory that is a link on the host; write /usr{target}")
    return target


def _all_files(table: dict[str, str], sources: Path, path: Path) -> dict[str, Path]:
    """Every file by its target; a directory as source brings all files below it."""
    found: dict[str, Path] = {}
    for target, name in table.items():
        source = sources / name
        target = _target(target, path)
        if source.is_dir():
            for below in sorted(source.rglob("*")):
                if not below.is_dir() and not set(below.parts) & set(_SKIPPED):
                    found[f"{target.rstrip('/')}/{below.relative_to(source)}"] = below
        elif source.exists() or source.is_symlink():
            found[target + source.name if target.endswith("/") else target] = source
        else:
            raise LabError(f"{path}: {target}: there is no {name} in {sources}")
    return found


def _mode(value: Any, path: Path) -> int:
    try:
        return int(str(value), 8)
    except ValueError as error:
        raise LabError(f"{path}: mode {value!r} is not octal text like '0644'") from error


def _script(name: str, path: Path, sources: Path) -> str:
    """Text of a maintainer script: a file beside the manifest, or relative to the repository."""
    for source in (path.parent / name, sources / name):
        if source.is_file():
            return source.read_text(encoding="utf-8")
    raise LabError(f"{path}: there is no maintainer script {name}")
