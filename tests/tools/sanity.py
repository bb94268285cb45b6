"""Run C(ansible-test sanity) of one ansible-core release on a copy of the collection.

Usage: sanity.py CORE PYTHON      for example: sanity.py 2.16 3.11

A Python that this machine lacks comes from a tree of the Debian release that has it, in which the tests then run.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tree import ROOT, copy_collection

TOOLS = Path(__file__).parent
SUITES_BY_PYTHON = {"3.13": "trixie"}
# Names of the downloads that the releases look for in their cache.
GET_PIP_VERSIONS = ("20_3_4", "21_3_1", "23_1_2", "24_2", "24_3_1", "25_0_1", "25_2", "25_3")
PREPARE = """
set -eu
test -x "$BASE/venv/bin/ansible-test" || {{
    python{python} -m venv "$BASE/venv"
    "$BASE/venv/bin/pip" install --quiet "ansible-core=={core}.*"
}}
cd "$BASE/ansible_collections/node0/hosted_engine"
exec "$BASE/venv/bin/ansible-test" sanity --venv --python {python} --color no
"""


def main(core: str, python: str) -> int:
    """Copy the collection, and run the tests here or in a tree that has the Python."""
    base = ROOT / ".cache" / "sanity" / core
    _offer_pip(base / "home")
    collection = copy_collection(base)
    # Without a repository of its own the copy would count as an ignored folder of this one.
    subprocess.run(["git", "init", "--quiet"], cwd=collection, check=True)
    script = PREPARE.format(core=core, python=python)
    if python == f"{sys.version_info.major}.{sys.version_info.minor}":
        return _here(script, base)
    return _in_tree(script, base, SUITES_BY_PYTHON[python])


def _here(script: str, base: Path) -> int:
    path = f"{base / 'venv' / 'bin'}:{Path(sys.executable).resolve().parent}:/usr/local/bin:/usr/bin:/bin"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE", "VIRTUAL_ENV"))}
    environment = {**kept, "HOME": str(base / "home"), "PATH": path, "BASE": str(base)}
    return subprocess.run(["sh", "-c", script], env=environment, check=False).returncode


def _in_tree(script: str, base: Path, suite: str) -> int:
    tree = ROOT / ".cache" / "sanity" / suite
    if not (tree / "complete").exists():
        _build_tree(tree, suite)
    inside = "/srv/sanity"
    words = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--resolv-conf=copy-host", "--pipe"]
    words += [f"--directory={tree / 'root'}", f"--bind={base}:{inside}", "--bind-ro=/etc/ssl/certs"]
    words += ["--bind-ro=/etc/pip.conf"] if Path("/etc/pip.conf").exists() else []
    environment = {"HOME": f"{inside}/home", "BASE": inside, "PIP_CERT": os.environ.get("PIP_CERT", "")}
    words += [f"--setenv={name}={value}" for name, value in environment.items() if value]
    return subprocess.run([*words, "sh", "-c", script], check=False).returncode


def _build_tree(tree: Path, suite: str) -> None:
    """Build a minimal tree of another Debian release from the mirror that this machine uses itself."""
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)"]
    listed = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.splitlines()
    mirror = next(line.split()[0] for line in listed if line.split()[1:] == ["bookworm"])
    subprocess.run(["rm", "-rf", str(tree)], check=True)
    tree.mkdir(parents=True)
    words = ["mmdebstrap", "--quiet", "--variant=minbase", "--include=python3,python3-venv,git,ca-certificates"]
    subprocess.run([*words, suite, str(tree / "root"), f"deb {mirror} {suite} main"], check=True)
    (tree / "complete").touch()


def _offer_pip(home: Path) -> None:
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    script = (TOOLS / "get_pip.py").read_text()
    for version in GET_PIP_VERSIONS:
        (cache / f"get_pip_{version}.py").write_text(script)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
