# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lab's bridge, and the name and DHCP server on it."""

import shutil
import subprocess
from pathlib import Path

from driver import processes
from driver.errors import LabError
from driver.paths import LabPaths
from driver.plan import Plan
from driver.run import run, wait_for
from driver.state import State

HOSTS_FILE = Path("/etc/hosts")


def make_bridge(plan: Plan, state: State) -> None:
    """A bridge with the gateway's address. Frames of the VMs behind the hosts pass it: nothing filters by MAC."""
    if Path(f"/sys/class/net/{plan.bridge}").exists():
        raise LabError(f"bridge {plan.bridge} exists already and no state file tells who made it")
    state.intend("bridge", name=plan.bridge)
    run(["ip", "link", "add", plan.bridge, "type", "bridge", "stp_state", "0", "forward_delay", "0"])
    run(["ip", "address", "add", f"{plan.gateway}/{plan.prefix}", "dev", plan.bridge])
    run(["ip", "link", "set", plan.bridge, "up"])


def cable(machine: str) -> str:
    """The bridge's end of a host's NIC, as systemd-nspawn names it."""
    return f"vb-{machine}"


def remove_cable(machine: str) -> None:
    """Unplug a host that is off: after a power cut the kernel takes its network apart some time later."""
    name = cable(machine)
    try:
        run(["ip", "link", "delete", name])
    except LabError:
        if Path(f"/sys/class/net/{name}").exists():
            raise


def dnsmasq_arguments(plan: Plan, paths: LabPaths) -> list[str]:
    """Forward and reverse names of the lab only: whatever else is asked has no answer, as the lab has no way out."""
    first, last = plan.dhcp_range
    reverse = ".".join(reversed(plan.subnet.split("."))) + ".in-addr.arpa"
    return [
        "--conf-file=/dev/null",
        "--keep-in-foreground",
        "--user=root",
        f"--log-facility={paths.logs / 'dnsmasq.log'}",
        f"--interface={plan.bridge}",
        "--except-interface=lo",
        "--bind-interfaces",
        "--no-resolv",
        "--no-hosts",
        f"--addn-hosts={paths.names / 'hosts'}",
        f"--local=/{plan.domain}/",
        f"--local=/{reverse}/",
        f"--address=/{plan.one_way_fqdn}/{plan.one_way_address}",
        f"--domain={plan.domain}",
        f"--dhcp-range={first},{last},255.255.255.0,1h",
        f"--dhcp-host={plan.engine_mac},{plan.engine_address},engine",
        f"--dhcp-option=option:router,{plan.gateway}",
        f"--dhcp-leasefile={paths.names / 'leases'}",
        "--dhcp-authoritative",
        "--no-ping",
    ]


def start_names(plan: Plan, paths: LabPaths, state: State) -> None:
    """Start dnsmasq on the gateway's address and wait until it listens."""
    program = shutil.which("dnsmasq", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if program is None:
        raise LabError("dnsmasq is not installed (package dnsmasq-base)")
    paths.names.mkdir(parents=True, exist_ok=True)
    lines = [f"{address} {' '.join(names)}\n" for address, names in plan.addresses()]
    (paths.names / "hosts").write_text("".join(lines), encoding="ascii")
    argv = [program, *dnsmasq_arguments(plan, paths)]
    resource = state.intend("process", role="dnsmasq", marker=str(paths.names / "leases"), grace=2.0)
    with (paths.logs / "dnsmasq.out").open("ab") as log:
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    state.settle(resource, pid=child.pid, start=processes.start_time(child.pid))

    def listening() -> object:
        if child.poll() is not None:
            said = (paths.logs / "dnsmasq.out").read_text(encoding="utf-8", errors="replace")[-500:]
            raise LabError(f"dnsmasq ended with status {child.returncode}: {said}")
        return _listens_on_udp(plan.gateway, 53) or "no socket on port 53"

    wait_for("name server of the lab", listening, deadline=10, poll=0.01)


def _listens_on_udp(address: str, port: int) -> bool:
    packed = "".join(f"{int(part):02X}" for part in reversed(address.split(".")))
    return f"{packed}:{port:04X}" in Path("/proc/net/udp").read_text(encoding="ascii")


def _marks(name: str) -> tuple[str, str]:
    return f"# begin of lab {name}\n", f"# end of lab {name}\n"


def without_block(text: str, name: str) -> str:
    """The hosts file without the lab's block."""
    begin, end = _marks(name)
    head, found, rest = text.partition(begin)
    if not found:
        return text
    _block, closed, tail = rest.partition(end)
    return head + tail if closed else head


def with_block(text: str, plan: Plan) -> str:
    """The hosts file with the lab's names in a marked block at its end."""
    text = without_block(text, plan.name)
    if text and not text.endswith("\n"):
        text += "\n"
    begin, end = _marks(plan.name)
    return text + begin + "".join(f"{address} {' '.join(names)}\n" for address, names in plan.addresses()) + end


def _rewrite_hosts(text: str) -> None:
    # In place: in a container /etc/hosts often is a mount of its own and cannot be replaced by another file.
    HOSTS_FILE.write_text(text, encoding="utf-8")


def name_on_this_machine(plan: Plan, state: State) -> None:
    """Make the lab's names known on the machine itself."""
    state.intend("hosts_block", name=plan.name)
    _rewrite_hosts(with_block(HOSTS_FILE.read_text(encoding="utf-8"), plan))


def unname_on_this_machine(name: str) -> None:
    """Take the lab's block out of the machine's hosts file."""
    text = HOSTS_FILE.read_text(encoding="utf-8")
    if without_block(text, name) != text:
        _rewrite_hosts(without_block(text, name))
