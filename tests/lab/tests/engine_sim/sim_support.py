# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Starts simulators for the tests of this folder and reaches the sides of them that no API client has."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import ovirtsdk4 as sdk
from engine_sim.tell import ask

LAB = Path(__file__).resolve().parents[2]


@dataclass
class Simulator:
    """A standalone simulator: what it printed, and ways to its sides that no API client has."""

    process: subprocess.Popen[str]
    state: dict[str, Any]

    def connect(self, **options: Any) -> sdk.Connection:
        return sdk.Connection(
            url=self.state["url"],
            username=self.state["user"],
            password=self.state["password"],
            ca_file=self.state["ca_file"],
            timeout=60,
            **options,
        )

    def control(self, path: str, **values: Any) -> dict[str, Any]:
        request = Request(
            self.state["control"] + path, json.dumps(values).encode() if values or path != "/state" else None
        )
        with urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def order(self, method: str, path: str, values: Any = None) -> tuple[int, Any]:
        """Status and answer of any request to the control interface."""
        status, body = ask(self.state["control"], method, path, values)
        return status, json.loads(body)

    def host(self, action: str, where: str = "host1", **values: Any) -> None:
        request = Request(f"{self.state['vdsm_control']}/host/{where}/{action}", json.dumps(values).encode())
        with urlopen(request, timeout=10):
            pass

    def sql(self, statement: str, *params: Any) -> list[tuple]:
        with sqlite3.connect(self.state["database"], timeout=30) as db:
            return db.execute(statement, params).fetchall()


def start(directory: Path, *options: str, speed: float = 30) -> Simulator:
    command = [
        sys.executable,
        "-m",
        "engine_sim",
        "standalone",
        "--speed",
        str(speed),
        "--directory",
        str(directory),
        *options,
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(LAB)})
    assert process.stdout
    line = process.stdout.readline()
    assert line, f"the simulator ended with {process.wait()}"
    return Simulator(process, json.loads(line))


def end(simulator: Simulator) -> None:
    simulator.process.terminate()
    simulator.process.wait(20)


def until(look: Callable[[], Any], wanted: Callable[[Any], bool], seconds: float = 30) -> Any:
    """Polls until what is seen is wanted; the last thing seen is in the message."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if wanted(seen):
            return seen
        assert time.monotonic() < deadline, f"not reached within {seconds} s, last seen: {seen}"
        time.sleep(0.05)
