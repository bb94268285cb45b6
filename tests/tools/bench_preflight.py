"""Print the time to each verdict: from the start of ansible-playbook on a lab host to the report of the mistake.

Usage: bench_preflight.py [LAB]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tree import ROOT

LAB = sys.argv[1] if len(sys.argv) > 1 else "bench"
# Within which every verdict must be there.
LIMIT = 15.0

# A mistake, the variables that make it, and the finding that tells it; an empty one is the verdict that all is well.
MISTAKES: tuple[tuple[str, dict[str, object], str], ...] = (
    ("nothing is wrong", {}, ""),
    ("engine's name does not resolve", {"he_fqdn": "nobody.DOMAIN"}, "names.engine.forward"),
    ("MAC is multicast", {"he_vm_mac_addr": "01:16:3e:00:00:01"}, "settings.mac"),
    ("disk smaller than the appliance", {"he_disk_size_GB": 1}, "vm.disk.too_small"),
    ("gateway does not answer", {"he_gateway": "SUBNET.77"}, "network.gateway.silent"),
    ("name server does not answer", {"he_dns_addr": ["SUBNET.99"]}, "network.dns.silent"),
    ("no room for the bootstrap VM", {"he_local_vm_dir_path": "/proc"}, "host.space"),
    ("NFS path is wrong", {"he_storage_domain_path": "/exports/none"}, "storage.nfs.mount.missing"),
    ("NFS denied", {"he_storage_domain_path": "/exports/denied"}, "storage.nfs.mount.denied"),
    ("NFS read-only for 36:36", {"he_storage_domain_path": "/exports/readonly"}, "storage.nfs.access.read_only"),
    (
        "storage too small",
        {"he_storage_domain_path": "/exports/small", "he_disk_size_GB": 30},
        "storage.nfs.space.too_small",
    ),
    ("nobody at the NFS server's address", {"he_storage_domain_addr": "SUBNET.99"}, "storage.nfs.server.silent"),
    (
        "five at once",
        {
            "he_fqdn": "oneway.DOMAIN",
            "he_vm_ip_addr": "SUBNET.60",
            "he_vm_mac_addr": "01:16:3e:00:00:01",
            "he_gateway": "SUBNET.77",
            "he_storage_domain_path": "/exports/readonly",
            "he_disk_size_GB": 1,
        },
        "storage.nfs.access.read_only",
    ),
)


def main() -> int:
    """Bring a lab up, measure, take it down; exit status 1 when a verdict is missing or late."""
    _lab("appliance", "build", "--profile", "faithful")
    report = json.loads(_lab("driver", "up", "--lab", LAB, "--hosts", "1"))
    words = {"SUBNET": report["engine"]["address"].rpartition(".")[0], "DOMAIN": report["lab"]["domain"]}
    good = True
    try:
        print(f"{'mistake':<38}{'seconds':>8}{'checks':>8}  findings that block")
        for mistake, settings, finding in MISTAKES:
            text = json.dumps(settings)
            for word, value in words.items():
                text = text.replace(word, value)
            seconds, told = _verdict(text)
            blocking = [one["id"] for one in told["findings"] if one["severity"] == "block"]
            print(f"{mistake:<38}{seconds:>8.1f}{told['duration']:>8.1f}  {', '.join(blocking)}", flush=True)
            good = good and seconds < LIMIT and (finding in blocking if finding else not blocking)
    finally:
        _lab("driver", "down", "--lab", LAB)
    print("every verdict is there in time" if good else f"a verdict is missing, or later than {LIMIT:g} s")
    return 0 if good else 1


def _verdict(settings: str) -> tuple[float, dict[str, Any]]:
    """Run the preflight; return the seconds that it took and its report."""
    with tempfile.TemporaryDirectory() as logs:
        environment = {**os.environ, "LAB": LAB, "NODE0_LOG_DIR": logs, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
        playbook = Path(sys.executable).parent / "ansible-playbook"
        command = [str(playbook), "-i", "inventories/lab", "playbooks/preflight.yml", "-e", settings]
        begun = time.monotonic()
        subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=False)
        seconds = time.monotonic() - begun
        (path,) = Path(logs).glob("node0-preflight-*.json")
        return seconds, json.loads(path.read_text())


def _lab(module: str, *words: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests" / "lab")}
    command = [sys.executable, "-m", module, *words]
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    sys.exit(main())
