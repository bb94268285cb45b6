"""Deploy a hosted engine in a lab of two hosts, leave it up, and say where everything is.

Usage: demo.py [LAB]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from tree import ROOT

LAB = sys.argv[1] if len(sys.argv) > 1 else "demo"
STATE = ROOT / ".cache" / "lab" / LAB
LOGS = STATE / "logs"


def main() -> int:
    """Return the exit status of the deployment."""
    begun = time.monotonic()
    _python("appliance", "build", "--profile", "faithful")
    _driver("up", "--lab", LAB, "--hosts", "2")
    lab_seconds = time.monotonic() - begun
    deployed = time.monotonic()
    status = deploy("playbooks/deploy.yml")
    seconds = time.monotonic() - deployed
    if status == 0:
        _tell(lab_seconds, seconds)
    return status


def deploy(playbook: str, *more: str) -> int:
    """Run a playbook on the lab, as a user would."""
    words = [Path(sys.executable).parent / "ansible-playbook", "-i", "inventories/lab", playbook, *more]
    environment = {**os.environ, "LAB": LAB, "NODE0_LOG_DIR": str(LOGS), "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    return subprocess.run(words, cwd=ROOT, env=environment, check=False).returncode


def _driver(*words: str) -> str:
    return _python("driver", *words)


def _python(module: str, *words: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests" / "lab")}
    command = [sys.executable, "-m", module, *words]
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def _tell(lab_seconds: float, seconds: float) -> None:
    lab = json.loads(_driver("status", "--lab", LAB))
    host, engine = lab["hosts"][0], lab["engine"]
    report = max(LOGS.glob("node0-report-*.json"), key=lambda path: path.stat().st_mtime)
    ca = f"ssh -i {host['ssh_key']} -p {host['ssh_port']} root@{host['address']} cat /etc/pki/vdsm/certs/cacert.pem"
    print(
        f"""
The hosted engine is up: https://{engine["fqdn"]}/ovirt-engine/ ({engine["address"]})
  from the lab's network, for example:  {ca} > ca.pem
                                        curl --cacert ca.pem https://{engine["fqdn"]}/ovirt-engine/services/health
  user                                  admin@ovirt@internalsso or admin@internal, password: inventories/lab/group_vars
  host                                  ssh -i {host["ssh_key"]} -p {host["ssh_port"]} root@{host["address"]}
  HA status                             hosted-engine --vm-status on that host
  report                                {report}
  logs                                  {LOGS}
lab up in {lab_seconds:.0f} s, deployed in {seconds:.0f} s; `make demo-clean` takes everything down"""
    )


if __name__ == "__main__":
    sys.exit(main())
