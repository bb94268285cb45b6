"""The lower layer: a Debian tree with the kernel, made by mmdebstrap. Slow (about 40 s) and rarely redone."""

from __future__ import annotations

import shutil
from pathlib import Path

from .profiles import SUITE, Profile
from .run import BuildError, chroot, run

HOOKS = Path(__file__).parent / "hooks"

_EXCLUDED = (
    "/usr/share/man/*",
    "/usr/share/doc/*",
    "/usr/share/locale/*",
    "/usr/share/info/*",
    "/usr/share/lintian/*",
    "/usr/share/bash-completion/*",
    "/usr/share/zsh/*",
    "/usr/share/i18n/*",
)
_UNUSED = ("var/lib/apt/lists", "var/cache/apt", "var/cache/debconf", "etc/resolv.conf", "etc/hostname")


def apt_sources() -> list[Path]:
    """The machine's own apt source files that serve the appliance's suite. Raises BuildError if there is none."""
    candidates = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    found = [path for path in candidates if path.suffix in (".list", ".sources") and SUITE in _active(path)]
    if not found:
        raise BuildError(f"no file of /etc/apt/sources.list* offers the suite {SUITE}")
    return found


def _active(path: Path) -> str:
    """The lines of an apt source file that are not comments; '' if there is no such file."""
    lines = path.read_text().splitlines() if path.is_file() else []
    return "\n".join(line for line in lines if not line.lstrip().startswith("#"))


def build_tree(profile: Profile, target: Path) -> None:
    """Make the tree of `profile` in the directory `target`, which must not exist."""
    run(
        "mmdebstrap",
        "--variant=essential",
        "--format=directory",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in _EXCLUDED),
        '--aptopt=APT::Install-Recommends "false"',
        f"--include={','.join(profile.packages)}",
        f'--customize-hook={HOOKS / "kernel"} "$1" {profile.kernel}',
        SUITE,
        target,
        *apt_sources(),
    )
    for name in _UNUSED:
        path = target / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for key in (target / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    (target / "etc/machine-id").write_text("")
    _keep_modules(target, profile.modules)


def kernel_version(tree: Path) -> str:
    """Version of the only kernel in `tree`, as in /lib/modules/VERSION."""
    (version,) = (path.name for path in (tree / "usr/lib/modules").iterdir())
    return version


def module_files(tree: Path, names: tuple[str, ...]) -> list[str]:
    """Paths (relative to the kernel's module directory) of `names` and all they need, in the order of loading."""
    directory = tree / "usr/lib/modules" / kernel_version(tree)
    needs = {}
    for line in (directory / "modules.dep").read_text().splitlines():
        path, _, rest = line.partition(":")
        needs[path] = rest.split()
    by_name = {_module_name(path): path for path in needs}
    order: list[str] = []
    for name in names:
        wanted = by_name.get(name.replace("-", "_"))
        if wanted is not None:  # otherwise it is built into this kernel
            order += [path for path in (*reversed(needs[wanted]), wanted) if path not in order]
    return order


def _module_name(path: str) -> str:
    return Path(path).name.split(".")[0].replace("-", "_")


def _keep_modules(tree: Path, names: tuple[str, ...]) -> None:
    version = kernel_version(tree)
    chroot(tree, "depmod", version)
    directory = tree / "usr/lib/modules" / version
    kept = set(module_files(tree, names))
    for path in directory.rglob("*.ko*"):
        if str(path.relative_to(directory)) not in kept:
            path.unlink()
    chroot(tree, "depmod", version)
