"""Run C(ansible-test sanity) of one ansible-core release on a copy of the collection.

Usage: sanity.py CORE [PYTHON]      for example: sanity.py 2.16 3.11
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

from tree import ROOT, copy_collection

TOOLS = Path(__file__).parent
# Names of the downloads that the releases look for in their cache.
GET_PIP_VERSIONS = ("20_3_4", "21_3_1", "23_1_2", "24_2", "24_3_1", "25_0_1", "25_2", "25_3")


def main(core: str, python: str) -> int:
    """Prepare a virtual environment with that core, and run the tests in it."""
    base = ROOT / ".cache" / "sanity" / core
    environment = base / "venv"
    if not (environment / "bin" / "ansible-test").exists():
        venv.create(environment, with_pip=True, clear=True)
        pip = environment / "bin" / "pip"
        subprocess.run([pip, "install", "--quiet", f"ansible-core=={core}.*"], check=True)
    home = base / "home"
    _offer_pip(home)
    collection = copy_collection(base)
    # Without a repository of its own the copy would count as an ignored folder of this one.
    subprocess.run(["git", "init", "--quiet"], cwd=collection, check=True)
    tests = [environment / "bin" / "ansible-test", "sanity", "--venv", "--python", python, "--color", "no"]
    path = f"{environment / 'bin'}:{Path(sys.executable).resolve().parent}:/usr/local/bin:/usr/bin:/bin"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE", "VIRTUAL_ENV"))}
    return subprocess.run(tests, cwd=collection, env={**kept, "HOME": str(home), "PATH": path}, check=False).returncode


def _offer_pip(home: Path) -> None:
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    script = (TOOLS / "get_pip.py").read_text()
    for version in GET_PIP_VERSIONS:
        (cache / f"get_pip_{version}.py").write_text(script)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "3.11"))
