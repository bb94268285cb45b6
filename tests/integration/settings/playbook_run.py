"""Run a playbook for real and read what became of its tasks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
PLAYBOOK = Path(os.path.dirname(sys.executable)) / "ansible-playbook"
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3"}
NOWHERE = {"ansible_connection": "ssh", "ansible_host": "192.0.2.200"}
GOOD: dict[str, Any] = {
    "he_fqdn": "engine.example.com",
    "he_domain_type": "nfs",
    "he_storage_domain_addr": "nas.example.com",
    "he_storage_domain_path": "/exports/he",
    "he_admin_password": "canary-admin-9f3k",
    "he_appliance_password": "canary-root-7d2m",
    "he_vm_ip_addr": "192.0.2.10",
    "he_vm_ip_prefix": 24,
    "he_gateway": "192.0.2.254",
    "he_dns_addr": ["192.0.2.53"],
}


class Run:
    """A finished run.

    Attributes:
        status: its exit status.
        printed: everything that it printed.
        outcomes: one dict for each task on each host, in order.
    """

    def __init__(self, folder: Path, playbook: Path, inventory: Path | None, *words: str) -> None:
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callback_plugins"),
            "ANSIBLE_FORKS": "4",
            "NODE0_LOG_DIR": str(folder / "logs"),
            "OUTCOMES": str(folder / "outcomes"),
        }
        (folder / "outcomes").unlink(missing_ok=True)
        call: list[str] = [str(PLAYBOOK), *(["-i", str(inventory)] if inventory else []), str(playbook), *words]
        done = subprocess.run(call, env=environment, capture_output=True, text=True, cwd=ROOT, timeout=300, check=False)
        self.status, self.printed = done.returncode, done.stdout + done.stderr
        written = folder / "outcomes"
        self.outcomes = [json.loads(line) for line in written.read_text().splitlines()] if written.exists() else []

    def settings(self) -> dict[str, Any]:
        """Return the frozen settings of the only host."""
        return next(outcome["settings"] for outcome in self.outcomes if "settings" in outcome)


def inventory(folder: Path, hosts: dict[str, dict[str, Any]], way: dict[str, Any]) -> Path:
    """Write an inventory; JSON is YAML and needs no signs of its own for odd characters."""
    path = folder / "hosts.yml"
    path.write_text(json.dumps({"node0": {"hosts": hosts, "vars": way}}))
    return path
