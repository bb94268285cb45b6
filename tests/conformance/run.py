# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Holds the engine simulator against recorded answers of a real engine: starts a fresh one, replays, ends it.

    tests/conformance/run [ONLY ...]

Environment (or options): SCENARIOS, GOLDEN (folders), ONLY (names of scenarios), SPEED (engine seconds per second).
Exit status of the replay: 0 when every step of level `must` passed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shlex
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
LAB = HERE.parent / "lab"
PORT = 8443  # that of the recorded engine: it is part of texts that are compared


def start(speed: float, directory: str | None) -> tuple[subprocess.Popen[str], dict]:
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
        str(PORT),
        "--speed",
        str(speed),
        "--world",
        str(HERE / "world.json"),
        *(["--directory", directory] if directory else []),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(LAB)})
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise SystemExit(f"the simulator ended with {process.wait()} before it served")
    return process, json.loads(line)


def replay(state: dict, options: argparse.Namespace, rest: list[str]) -> int:
    hook = f"{shlex.quote(sys.executable)} {shlex.quote(str(HERE / 'hooks.py'))}"
    variables = {
        "host1_address": state["hosts"][0]["address"],
        "host2_address": state["hosts"][1]["address"],
        "dead_address": state["dead_address"],
        "external_vm": state["external_vm"],
    }
    environment = {**os.environ, "SIM_DATABASE": state["database"], "SIM_VDSM_CONTROL": state["vdsm_control"]}
    command = [
        sys.executable,
        str(HERE / "conformance.py"),
        "replay",
        "--url",
        state["url"].removesuffix("/api"),
        "--user",
        state["user"],
        "--password-file",
        state["password_file"],
        "--ca",
        state["ca_file"],
        "--every",
        "0.1",
        "--time-scale",
        str(max(1.5 / options.speed, 0.02)),
        "--scenarios",
        options.scenarios,
        "--golden",
        options.golden,
    ]
    for name, value in variables.items():
        command += ["--var", f"{name}={value}"]
    for name in ("ha_configured", "he_origin", "he_vm_running", "he_released"):
        command += ["--hook", f"{name}={hook} {name}"]
    if options.only:
        command += ["--only", *options.only]
    return subprocess.run(command + rest, env=environment, check=False).returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "only", nargs="*", default=os.environ.get("ONLY", "").split(), help="scenarios, and what they need"
    )
    parser.add_argument("--scenarios", default=os.environ.get("SCENARIOS", str(HERE / "scenarios")))
    parser.add_argument("--golden", default=os.environ.get("GOLDEN", str(HERE / "golden")))
    parser.add_argument("--speed", type=float, default=float(os.environ.get("SPEED", "10")))
    parser.add_argument("--directory", help="keep the simulator's state and logs here")
    options, rest = parser.parse_known_args()
    process, state = start(options.speed, options.directory)
    try:
        return replay(state, options, rest)
    finally:
        process.terminate()
        process.wait(20)


if __name__ == "__main__":
    sys.exit(main())
