# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Holds the engine simulator against recorded answers of a real engine: starts a fresh one, replays, ends it.

    tests/conformance/run [ONLY ...] [--scenarios DIR] [--golden DIR]

What the simulator offers (hosts, exports, LUNs) follows from the variables of the scenarios' folder. Ends with the line
`N passed, N failed`; exit status 0 when no step failed but those that `deviations.yaml` accepts, 2 when nothing could
be run. Arguments that are not its own go to `conformance.py replay`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import backend
import verdict

HERE = Path(__file__).resolve().parent
LAB = HERE.parent / "lab"
HOOKS = ("ha_configured", "he_origin", "he_vm_running", "he_released")
#: Real seconds that the tool waits for one second of the engine's time: pauses and time limits of scenarios.
PATIENCE = 1.5


def start(
    plan: backend.Backend, port: int, options: argparse.Namespace, world: Path
) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    """A fresh simulator on a loopback address of its own; the process and what it says of itself."""
    address = f"127.{random.randint(1, 254)}.{random.randint(1, 254)}.10"
    command = [
        sys.executable,
        "-m",
        "engine_sim",
        "standalone",
        "--listen",
        address,
        "--fqdn",
        address,
        "--port",
        str(port),
    ]
    command += ["--speed", str(options.speed), "--world", str(world), "--hosts", str(max(len(plan.hosts), 1))]
    command += ["--external-vm", plan.external_vm]
    if options.directory:
        command += ["--directory", options.directory]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(LAB)})
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise SystemExit(f"the simulator ended with {process.wait()} before it served")
    return process, json.loads(line)


def replay(state: dict[str, Any], plan: backend.Backend, options: argparse.Namespace, rest: list[str]) -> int:
    """Runs the tool against a simulator; prints its report and the verdict."""
    hook = f"{shlex.quote(sys.executable)} {shlex.quote(str(HERE / 'hooks.py'))}"
    environment = {
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        "SIM_DATABASE": state["database"],
        "SIM_VDSM_CONTROL": state["vdsm_control"],
    }
    command = [sys.executable, str(HERE / "conformance.py"), "replay", "--url", state["url"].removesuffix("/api")]
    command += ["--user", state["user"], "--password-file", state["password_file"], "--ca", state["ca_file"]]
    command += ["--every", "0.1", "--time-scale", str(max(PATIENCE / options.speed, 0.02))]
    command += ["--scenarios", str(options.scenarios), "--golden", str(options.golden)]
    for given in options.var:
        command += ["--var", given]
    for name, host in zip(plan.hosts, state["hosts"], strict=False):
        command += ["--var", f"{name}={host['address']}"]
    for name in plan.dead:
        command += ["--var", f"{name}={state['dead_address']}"]
    for name in HOOKS:
        command += ["--hook", f"{name}={hook} {name}"]
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        command += ["--json", report.name]
        if options.only:
            command += ["--only", *options.only]
        accepted = verdict.accepted(options.deviations)
        process = subprocess.Popen(command + rest, env=environment, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        verdict.relay(process.stdout, accepted)
        if process.wait() not in (0, 1):
            print("0 passed, 1 failed")
            return 2
        steps = json.load(report)["steps"]
    result = verdict.judge(steps, accepted)
    print("\n".join(verdict.report(result)), flush=True)
    if options.summary:
        verdict.write_summary(options.summary, result)
    return 0 if result.good else 1


def _arguments() -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("only", nargs="*", help="scenarios by name or its beginning, and what they need")
    parser.add_argument("--scenarios", type=Path, default=HERE / "scenarios", metavar="DIR")
    parser.add_argument("--var", action="append", default=[], metavar="NAME=VALUE", help="overrides vars.yaml")
    parser.add_argument("--golden", type=Path, metavar="DIR", help="default: the folder `golden` beside the scenarios")
    parser.add_argument(
        "--deviations",
        type=Path,
        metavar="FILE",
        help="accepted deviations; default: deviations.yaml, for the scenarios of this folder",
    )
    parser.add_argument(
        "--speed", type=float, default=10.0, help="engine seconds per second, of the simulator and its hosts alike (10)"
    )
    parser.add_argument("--directory", help="keep the simulator's state and logs here")
    parser.add_argument("--summary", type=Path, metavar="FILE", help="write the figures of each scenario here, as JSON")
    options, rest = parser.parse_known_args()
    own = options.scenarios.resolve() == HERE / "scenarios"
    options.golden = options.golden or options.scenarios.resolve().parent / "golden"
    options.deviations = options.deviations or (HERE / "deviations.yaml" if own else None)
    return options, rest


def main() -> int:
    options, rest = _arguments()
    variables = backend.load(options.scenarios, HERE / "scenarios")
    variables.update(given.partition("=")[::2] for given in options.var)
    plan = backend.plan(variables)
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        world = Path(folder) / "world.json"
        world.write_text(json.dumps(plan.world))
        process, state = start(plan, backend.port_of(options.golden), options, world)
        try:
            return replay(state, plan, options, rest)
        finally:
            process.terminate()
            process.wait(20)


if __name__ == "__main__":
    sys.exit(main())
