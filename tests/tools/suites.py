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
    """

    name: str
    argv: tuple[str, ...]
    budget: int
    cwd: Path = ROOT
    counted_by_pytest: bool = False
    inputs: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)


def _tool(name: str, *words: str) -> tuple[str, ...]:
    return (str(BIN / name), *words)


def _script(name: str, *words: str) -> tuple[str, ...]:
    return (sys.executable, str(TOOLS / name), *words)


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
LAB_PARTS = (
    "tests/integration/lab/test_driver.py",
    "tests/integration/lab/test_vdsmd_on_hosts.py",
    "tests/lab/tests/appliance/test_boot.py",
)
SANITY = {"2.14": "3.11", "2.16": "3.11", "2.19": "3.11", "2.21": "3.13"}


def all_suites() -> list[Suite]:
    """Return the suites in the order in which they run: quick ones first."""
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
        Suite("unit", _tool("pytest", "tests/unit/plugins"), 300, counted_by_pytest=True),
        Suite(
            "lab-unit",
            _tool("pytest", "tests/lab/tests", "tests/conformance/tests", "-m", "not lab"),
            600,
            counted_by_pytest=True,
        ),
        Suite("integration", _tool("pytest", "tests/integration/engine"), 600, counted_by_pytest=True),
        Suite("bad-input", _tool("pytest", "tests/integration/settings"), 300, counted_by_pytest=True),
    ]
    tests.append(
        Suite("conformance", (sys.executable, str(ROOT / "tests/conformance/run.py")), 180, counted_by_pytest=True)
    )
    sanity = [
        Suite(f"sanity-{core}", _script("sanity.py", core, python), 900, inputs=CHECKED)
        for core, python in SANITY.items()
    ]
    lab = [
        Suite("lab-parts", _tool("pytest", *LAB_PARTS, "-m", "lab"), 600, counted_by_pytest=True),
        Suite("lab-flows", _tool("pytest", "tests/integration/lab/test_flows.py"), 900, counted_by_pytest=True),
    ]
    scenario = [
        Suite(
            "lab-preflight",
            _tool("pytest", "tests/integration/lab/test_preflight.py"),
            1500,
            counted_by_pytest=True,
        ),
        Suite("molecule", _script("scenario.py"), 1500),
        Suite("molecule-ha", _script("scenario.py", "ha"), 1500),
    ]
    return static + tests + lab + scenario + sanity


def _mypy(package: str) -> tuple[str, ...]:
    return _tool("mypy", "--config-file", str(ROOT / "mypy.ini"), "-p", package)


def _lab_mypy() -> tuple[str, ...]:
    packages = ("engine_sim", "vdsm_rpc", "vdsm", "vdsmd", "driver", "appliance")
    packages += ("ovirt_hosted_engine_ha", "ovirt_hosted_engine_setup")
    return _tool("mypy", "--config-file", "mypy.ini", *(word for name in packages for word in ("-p", name)))
