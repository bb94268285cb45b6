"""The suites of the project: what each runs, where, and how long it may take."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

from tree import ROOT

BIN = Path(sys.executable).parent
TOOLS = ROOT / "tests" / "tools"
COLLECTIONS = ROOT / ".cache" / "collections"
COLLECTION = COLLECTIONS / "ansible_collections" / "node0" / "hosted_engine"
LAB = ROOT / "tests" / "lab"
# The two lanes run side by side: what boots machines waits more than it works.
TOOLS_LANE, MACHINES = "tools", "machines"
PYTHON_PATH = ":".join(str(LAB / folder) for folder in (".", "host/vdsmd", "host/ha", "host/rootfs/usr/lib/lab"))


@dataclass(frozen=True)
class Suite:
    """A command, how its output is counted, and its budget in seconds.

    Attributes:
        name: one word.
        argv: the command.
        budget: seconds after which it is ended and counts as failed.
        cwd: where it runs.
        counted_by_pytest: its last line has pytest's counts; otherwise it is one test, passed with exit status 0.
        inputs: folders and files whose content decides about the result; a suite that passed with the same content is
            not run again on the same machine. Empty: it always runs.
        environment: variables that it gets beside those of the caller.
        lane: suites of one lane run one after the other.
    """

    name: str
    argv: tuple[str, ...]
    budget: int
    cwd: Path = ROOT
    counted_by_pytest: bool = False
    inputs: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    lane: str = TOOLS_LANE


def _tool(name: str, *words: str) -> tuple[str, ...]:
    return (str(BIN / name), *words)


def _script(name: str, *words: str) -> tuple[str, ...]:
    return (sys.executable, str(TOOLS / name), *words)


# What `ansible-test sanity` looks at: the collection without its lab.
CHECKED = (
    "changelogs",
    "docs",
    "galaxy.yml",
    "inventories",
    "meta",
    "molecule",
    "playbooks",
    "plugins",
    "README.md",
    "roles",
)
CHECKED += ("tests/conformance", "tests/fixtures", "tests/integration", "tests/tools", "tests/unit")
SANITY = {"2.14": "3.11", "2.16": "3.11", "2.19": "3.11", "2.21": "3.13"}
ON_HOSTS = "tests/integration/lab"
PARTS = (f"{ON_HOSTS}/test_driver.py", f"{ON_HOSTS}/test_vdsmd_on_hosts.py", "tests/lab/tests/appliance/test_boot.py")


def all_suites() -> list[Suite]:
    """Return the suites in the order in which each lane runs them: quick ones first."""
    static = [
        Suite("yamllint", _tool("yamllint", "-s", "."), 60),
        Suite("ruff", _tool("ruff", "check", "."), 60),
        Suite("format", _tool("ruff", "format", "--check", "."), 60),
        Suite("mypy", _mypy("ansible_collections.node0.hosted_engine.plugins"), 300, COLLECTIONS),
        Suite("mypy-lab", _lab_mypy(), 300, environment={"MYPYPATH": PYTHON_PATH}),
        Suite("generated", _script("generate.py", "--check"), 60),
        Suite("changelog", _tool("antsibull-changelog", "lint"), 60),
        Suite("artifact", _script("artifact.py"), 120),
        Suite("docs", _tool("antsibull-docs", "lint-collection-docs", "--plugin-docs", COLLECTION.as_posix()), 300),
        Suite("ansible-lint", _script("lint.py"), 600),
    ]
    tests = [
        _pytest("unit", "tests/unit/plugins", budget=300),
        _pytest("lab-unit", "tests/lab/tests", "tests/conformance/tests", "-m", "not lab", budget=900),
        _pytest("integration", "tests/integration/engine", budget=900),
        _pytest("bad-input", "tests/integration/settings", budget=900),
        Suite("conformance", (sys.executable, str(ROOT / "tests/conformance/run.py")), 300, counted_by_pytest=True),
    ]
    sanity = [
        Suite(f"sanity-{core}", _script("sanity.py", core, python), 900, inputs=CHECKED)
        for core, python in SANITY.items()
    ]
    machines = [
        _pytest("lab-parts", *PARTS, "-m", "lab", budget=900, lane=MACHINES),
        _pytest("lab-preflight", f"{ON_HOSTS}/test_preflight.py", budget=1200, lane=MACHINES),
        Suite("molecule", _script("scenario.py"), 1200, counted_by_pytest=True, lane=MACHINES),
        _pytest("lab-flows", f"{ON_HOSTS}/test_flows.py", budget=1500, lane=MACHINES),
        Suite("molecule-ha", _script("scenario.py", "ha"), 1500, counted_by_pytest=True, lane=MACHINES),
    ]
    return static + tests + sanity + machines


def _pytest(name: str, *words: str, budget: int, lane: str = TOOLS_LANE) -> Suite:
    return Suite(name, _tool("pytest", *words), budget, counted_by_pytest=True, lane=lane)


def _mypy(package: str) -> tuple[str, ...]:
    return _tool("mypy", "--config-file", str(ROOT / "mypy.ini"), "-p", package)


def _lab_mypy() -> tuple[str, ...]:
    packages = ("engine_sim", "vdsm_rpc", "vdsm", "vdsmd", "driver", "appliance")
    packages += ("ovirt_hosted_engine_ha", "ovirt_hosted_engine_setup")
    return _tool("mypy", "--config-file", "mypy.ini", *(word for name in packages for word in ("-p", name)))
