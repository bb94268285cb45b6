# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Debian packages from manifests, kept by digest."""

import os
import py_compile
import shutil
import sys
import tempfile
from fnmatch import fnmatchcase
from pathlib import Path

from driver.manifest import SCRIPTS, Manifest
from driver.run import run

HOST_PYTHON = (3, 11)
_MODULES = "/usr/lib/python3/dist-packages/"
_UNITS = "/usr/lib/systemd/system/"
_PROGRAMS = ("/usr/bin/", "/usr/sbin/", "/usr/libexec/")
_RELOAD = "if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi\n"
_FORMAT = 4


def deb_of(manifest: Manifest, store: Path, compression: str = "zstd") -> Path:
    """The package file; built only if no package of the same digest is in ``store``."""
    deb = store / f"{manifest.name}_{manifest.version}_{manifest.architecture}.{_FORMAT}{manifest.digest}.deb"
    if not deb.exists():
        store.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=store) as scratch:
            root = Path(scratch) / "root"
            lay_out(manifest, root)
            draft = Path(scratch) / "package.deb"
            run(["dpkg-deb", "--build", f"-Z{compression}", root, draft], timeout=120)
            draft.replace(deb)
    return deb


def lay_out(manifest: Manifest, root: Path) -> None:
    """The package's file tree, with modes and owners, and its control files."""
    root.mkdir(mode=0o755)
    for target in manifest.directories:
        _directory(root, root / target.lstrip("/"))
    for target, source in manifest.files.items():
        path = root / target.lstrip("/")
        _directory(root, path.parent)
        shutil.copy2(source, path, follow_symlinks=False)
        if not path.is_symlink():
            path.chmod(0o755 if _is_program(target, source) else 0o644)
            os.chown(path, 0, 0)
    _compile(root)
    for table, apply in ((manifest.modes, _apply_mode), (manifest.owners, _apply_owner)):
        for pattern, value in table.items():
            for path in _matching(root, pattern):
                apply(path, value)
    _control(manifest, root)


def _directory(root: Path, path: Path) -> None:
    for part in [*reversed(path.relative_to(root).parents[:-1]), path.relative_to(root)]:
        (root / part).mkdir(mode=0o755, exist_ok=True)


def _is_program(target: str, source: Path) -> bool:
    return target.startswith(_PROGRAMS) or bool(source.stat().st_mode & 0o100)


def _compile(root: Path) -> None:
    """Byte code for the host's Python: accounts that may not write it would compile at each start.

    Checked against the source's hash, so that a module edited on a host is read anew.
    """
    if sys.version_info[:2] != HOST_PYTHON:
        return
    for path in sorted((root / _MODULES.strip("/")).rglob("*.py")):
        inside = f"/{path.relative_to(root)}"
        mode = py_compile.PycInvalidationMode.CHECKED_HASH
        py_compile.compile(str(path), dfile=inside, doraise=True, invalidation_mode=mode)


def _matching(root: Path, pattern: str) -> list[Path]:
    return [path for path in sorted(root.rglob("*")) if fnmatchcase(f"/{path.relative_to(root)}", pattern.rstrip("/"))]


def _apply_mode(path: Path, mode: object) -> None:
    path.chmod(int(str(mode)))


def _apply_owner(path: Path, owner: object) -> None:
    user, _, group = str(owner).partition(":")
    os.chown(path, int(user), int(group), follow_symlinks=False)


def _control(manifest: Manifest, root: Path) -> None:
    control = root / "DEBIAN"
    control.mkdir(mode=0o755)
    fields = {
        "Package": manifest.name,
        "Version": manifest.version,
        "Architecture": manifest.architecture,
        "Maintainer": "node0.hosted_engine <lab@lab.test>",
        **{key.capitalize(): ", ".join(values) for key, values in manifest.relations.items() if values},
        "Description": manifest.description,
    }
    (control / "control").write_text("".join(f"{key}: {value}\n" for key, value in fields.items()), encoding="utf-8")
    if manifest.conffiles:
        (control / "conffiles").write_text("".join(f"{path}\n" for path in manifest.conffiles), encoding="utf-8")
    for name, text in _scripts(manifest).items():
        path = control / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)


def _scripts(manifest: Manifest) -> dict[str, str]:
    """The maintainer scripts; systemd learns of new and removed units, before a postinst can start one."""
    scripts = {name: manifest.scripts[name] for name in SCRIPTS if name in manifest.scripts}
    if any(target.startswith(_UNITS) for target in manifest.files):
        for name in ("postinst", "postrm"):
            own = scripts.get(name, "#!/bin/sh\nset -e\n")
            first, _, rest = own.partition("\n")
            scripts[name] = f"{first}\n{_RELOAD}{rest}"
    return scripts
