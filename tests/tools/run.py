"""Run the suites, print what each found and took, and end with the sum over all.

Usage: run.py [--only NAME ...] [--list]
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from suites import Suite, all_suites
from tree import ROOT, tracked_files

REPORTS = ROOT / ".cache" / "reports"
PASSED = ROOT / ".cache" / "passed"
COUNTS = re.compile(r"(\d+) (passed|failed|errors?)\b")


def main() -> int:
    """Run what was asked for; exit status 0 when nothing failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--list", action="store_true")
    asked = parser.parse_args()
    suites = [suite for suite in all_suites() if not asked.only or suite.name in asked.only]
    if asked.list:
        print("\n".join(suite.name for suite in suites))
        return 0
    REPORTS.mkdir(parents=True, exist_ok=True)
    passed = failed = 0
    begun = time.monotonic()
    lanes = [[suite for suite in suites if suite.lane == lane] for lane in dict.fromkeys(one.lane for one in suites)]
    with ThreadPoolExecutor(max_workers=max(len(lanes), 1)) as pool:
        for good, bad in pool.map(_run_lane, lanes):
            passed, failed = passed + good, failed + bad
    print(f"all suites: {time.monotonic() - begun:.0f} s")
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed or not passed else 0


def _run_lane(suites: list[Suite]) -> tuple[int, int]:
    counts = [_run(suite) for suite in suites]
    return sum(good for good, _bad in counts), sum(bad for _good, bad in counts)


def _run(suite: Suite) -> tuple[int, int]:
    known = _known(suite)
    if known is not None and known.exists():
        good = int(known.read_text())
        _say(f"{suite.name:<16} {good} passed, 0 failed  (unchanged since it last passed)")
        return good, 0
    log = REPORTS / f"{suite.name}.log"
    begun = time.monotonic()
    status = _execute(suite, log)
    seconds = time.monotonic() - begun
    good, bad = _count(suite, status, log.read_text(errors="replace"))
    _say(f"{suite.name:<16} {good} passed, {bad} failed  {seconds:.0f} s of {suite.budget} s")
    if bad:
        end = log.read_text(errors="replace").splitlines()[-60:]
        _say("\n".join([f"--- {suite.name}: the end of {log.relative_to(ROOT)}", *end]))
    elif known is not None:
        known.parent.mkdir(parents=True, exist_ok=True)
        known.write_text(str(good))
    return good, bad


def _say(text: str) -> None:
    """Print in one piece; the lanes talk at the same time."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _execute(suite: Suite, log: Path) -> int:
    """Run a suite in a process group of its own, so that its budget ends all of it."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **suite.environment}
    with log.open("wb") as stream:
        process = subprocess.Popen(
            suite.argv,
            cwd=suite.cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            return process.wait(timeout=suite.budget)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            stream.write(f"\nended after its budget of {suite.budget} s\n".encode())
            return 124


def _count(suite: Suite, status: int, output: str) -> tuple[int, int]:
    if not suite.counted_by_pytest:
        return (1, 0) if status == 0 else (0, 1)
    found = {"passed": 0, "failed": 0, "error": 0}
    for line in reversed(output.splitlines()):
        counts = COUNTS.findall(line)
        if counts:
            for number, word in counts:
                found[word.rstrip("s") if word.startswith("error") else word] += int(number)
            break
    bad = found["failed"] + found["error"]
    return found["passed"], bad if bad or status == 0 else 1


def _known(suite: Suite) -> Path | None:
    """Return the file that says that a suite passed with the same content."""
    if not suite.inputs:
        return None
    digest = hashlib.sha256(repr(suite.argv).encode())
    for name in tracked_files():
        if name.startswith(suite.inputs):
            digest.update(name.encode() + b"\0" + (ROOT / name).read_bytes())
    return PASSED / f"{suite.name}-{digest.hexdigest()[:16]}"


if __name__ == "__main__":
    sys.exit(main())
