# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The base tree of all hosts: Debian by mmdebstrap, kept by digest, unpacked and as an archive."""

import hashlib
import re
import shutil
from pathlib import Path

from driver.errors import LabError
from driver.paths import HOST_SOURCES, cache
from driver.registry import locked
from driver.run import run

SUITE = "bookworm"
_TREE_SOURCES = HOST_SOURCES / "tree"
_EXCLUDES = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/info/*", "/usr/share/help/*")
# A host knows nothing of the machine that built it: no mirror, no proxy, no name, no resolver.
_OF_THE_BUILDER = ("etc/apt/sources.list.d/*", "etc/apt/apt.conf.d/99mmdebstrap", "etc/hostname", "etc/resolv.conf")
_APT_SOURCES = Path("/etc/apt")
# Settings of the machine's apt without which its archive may not be reachable: proxies, certificates, checks.
_APT_ACCESS = re.compile(r"Acquire::(https?::|Check-Date|Check-Valid-Until|Retries)[^;]*;")


def package_names() -> list[str]:
    """The packages of a fresh host, from tree/packages.txt."""
    lines = (_TREE_SOURCES / "packages.txt").read_text(encoding="ascii").splitlines()
    return [line for line in (raw.partition("#")[0].strip() for raw in lines) if line]


def base_digest() -> str:
    """Changes with the package list, the scripts and the suite; not with the archive's daily updates."""
    digest = hashlib.sha256(f"3 {SUITE} {_EXCLUDES}".encode())
    for name in ("packages.txt", "reserve-ids", "finish-ids", "kernel"):
        digest.update((_TREE_SOURCES / name).read_bytes())
    return digest.hexdigest()[:16]


def offers_suite(text: str, suite: str = SUITE) -> bool:
    """Whether an apt sources file (one-line or deb822) names Debian's ``suite`` with its section main."""
    for stanza in re.split(r"\n\s*\n", text):
        fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.*)$", stanza, re.MULTILINE))
        if fields.get("Enabled", "yes") != "no" and "deb" in fields.get("Types", "").split():
            suites = fields.get("Suites", "").split()
            if suite in suites and "main" in fields.get("Components", "").split():
                return True
    one_line = re.compile(rf"^deb\s+(\[[^]]*\]\s+)?\S+\s+{suite}\s+(.*\s)?main\b", re.MULTILINE)
    return bool(one_line.search(text))


def apt_sources(directory: Path = _APT_SOURCES) -> list[Path]:
    """The machine's own sources files that offer the suite."""
    candidates = [directory / "sources.list", *sorted((directory / "sources.list.d").glob("*"))]
    found = [
        path
        for path in candidates
        if path.suffix in (".list", ".sources") and path.is_file() and offers_suite(path.read_text(encoding="utf-8"))
    ]
    if not found:
        raise LabError(f"no file of {directory}/sources.list* offers Debian {SUITE} main, of which hosts are made")
    return found


def _apt_access() -> list[str]:
    return [line for line in run(["apt-config", "dump"]).splitlines() if _APT_ACCESS.match(line)]


def base_tree() -> Path:
    """Directory of the base tree; builds it if the cache has it neither unpacked nor as an archive."""
    store = cache() / "tree"
    with locked(store / "lock"):
        root = store / f"base-{base_digest()}"
        archive = root.with_suffix(".tar.zst")
        if root.is_dir():
            return root
        draft = root.with_name(f".{root.name}")
        _discard(draft)
        if archive.exists():
            draft.mkdir(mode=0o755, parents=True)
            run(["tar", "--zstd", "--numeric-owner", "--xattrs", "-xpf", archive, "-C", draft], timeout=300)
        else:
            _bootstrap(draft)
            packed = Path(f"{archive}.new")
            tar = ["tar", "--numeric-owner", "--xattrs", "--use-compress-program=zstd -T0 -3"]
            run([*tar, "-cf", packed, "-C", draft, "."], timeout=300)
            packed.replace(archive)
        draft.rename(root)
        return root


def _bootstrap(root: Path) -> None:
    options = [
        'APT::Install-Recommends "false"',
        'Acquire::Languages "none"',
        *_apt_access(),
    ]
    argv: list[str | Path] = ["mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory"]
    argv += [f"--aptopt={option}" for option in options]
    argv += [f"--dpkgopt=path-exclude={pattern}" for pattern in _EXCLUDES]
    argv += [
        f'--essential-hook={_TREE_SOURCES / "reserve-ids"} "$1"',
        f'--customize-hook={_TREE_SOURCES / "finish-ids"} "$1"',
        f'--customize-hook={_TREE_SOURCES / "kernel"} "$1"',
        f'--customize-hook=cd "$1" && rm -f {" ".join(_OF_THE_BUILDER)}',
        f"--include={','.join(package_names())}",
        SUITE,
        root,
        *apt_sources(),
    ]
    try:
        run(argv, timeout=900)
    except LabError:
        _discard(root)
        raise


def _discard(root: Path) -> None:
    if root.exists():
        shutil.rmtree(root)
