# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ssh keys of a lab: the client's pair, each host's own, and the pinned list of both."""

from pathlib import Path

from driver.paths import LabPaths
from driver.plan import Plan
from driver.run import run


def _make_key(path: Path, comment: str) -> None:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path])


def make_keys(plan: Plan, paths: LabPaths) -> None:
    """Make what is missing and pin the hosts' keys by name and address."""
    _make_key(paths.key, f"lab {plan.name}")
    lines = []
    for host in plan.hosts:
        key = paths.host(host.name) / "ssh_host_ed25519_key"
        _make_key(key, host.fqdn)
        kind, blob = key.with_suffix(".pub").read_text(encoding="ascii").split()[:2]
        lines.append(f"{host.fqdn},{host.name},{host.address} {kind} {blob}\n")
    paths.known_hosts.write_text("".join(lines), encoding="ascii")
