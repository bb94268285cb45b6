# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vdsm itself (role ovirt-host-deploy-vdsm): packages, the host's id, configuration, services."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

from ..errors import TaskFailed
from ..play import Play, Task
from . import certificates
from .facts import SET_FACT, look_at_services, nothing

ROLE = "ovirt-host-deploy-vdsm"
PACKAGE = "ansible.builtin.yum"
SERVICE = "ansible.builtin.service"

VDSM_ID = "/etc/vdsm/vdsm.id"
VDSM_CONF = "/etc/vdsm/vdsm.conf"
#: Ids that firmwares give when they have none.
_NO_ID = re.compile(r"Not|^0{8}-|^F{8}-", re.IGNORECASE)

_MODULAR = (
    "virtqemud.service virtqemud.socket virtinterfaced.socket virtnetworkd.socket virtnodedevd.socket "
    "virtnwfilterd.socket virtsecretd.socket virtstoraged.socket virtproxyd.socket"
)
_STOPPED = ("vdsmd.service", "supervdsmd.service", "libvirtd.service", "ovirt-imageio.service")
_STARTED = ("cgconfig.service", "messagebus.service", "vdsmd.service")


def install(*names: str) -> Callable[[Play], dict[str, Any]]:
    """A task that has packages present."""
    return lambda play: {"changed": play.packages.install(names)}


def is_x86(play: Play) -> bool:
    """Hosted engine exists on this architecture only."""
    return bool(play.facts["architecture"] == "x86_64")


# -- the host's id


def look_for_id(play: Play) -> dict[str, Any]:
    """vdsm.id as it is."""
    play.facts["vdsm_id"] = (play.session.read(VDSM_ID) or "").strip()
    play.facts["had_id"] = bool(play.facts["vdsm_id"])
    return {"stat": {"exists": play.facts["had_id"]}}


def had_id(play: Play) -> bool:
    """Whether the host brought an id."""
    return bool(play.facts["had_id"])


def asks_firmware(play: Play) -> bool:
    """A container sees the firmware of the machine that it shares with others: its id would not be its own."""
    return not play.facts["had_id"] and is_x86(play) and not _in_container(play)


def detect_id(play: Play) -> dict[str, Any]:
    """The firmware's id."""
    play.facts["firmware_id"] = play.sh("dmidecode -s system-uuid").strip()
    return {"changed": True, "stdout": play.facts["firmware_id"]}


def firmware_id_is_good(play: Play) -> bool:
    """One line that is an id."""
    found = play.facts.get("firmware_id", "")
    return bool(found) and "\n" not in found and not _NO_ID.search(found)


def take_firmware_id(play: Play) -> None:
    """From now on the host's id."""
    play.facts["vdsm_id"] = play.facts["firmware_id"].lower()


def lacks_id(play: Play) -> bool:
    """Neither file nor firmware has one."""
    return not play.facts["vdsm_id"]


def make_id(play: Play) -> None:
    """A random one."""
    play.facts["vdsm_id"] = str(uuid.uuid4())


def store_id(play: Play) -> dict[str, Any]:
    """Into vdsm.id, without a line end."""
    if play.facts["had_id"]:
        return {"changed": False}
    play.sh("mkdir -p /etc/vdsm")
    play.session.write(VDSM_ID, play.facts["vdsm_id"])
    return {"changed": True}


# -- configuration and services


def check_vdsm_package(play: Play) -> dict[str, Any]:
    """Packages after the installation; vdsm must be among them."""
    play.facts["packages"] = play.packages.installed()
    if "vdsm" not in play.facts["packages"]:
        raise TaskFailed("The packages were installed but vdsm is not among them")
    return {"vdsm": play.facts["packages"]["vdsm"]}


def write_vdsm_conf(play: Play) -> dict[str, Any]:
    """Encryption and port, with the engine's spacing (host contract 12.4)."""
    ssl = "true" if play.settings.encrypt else "false"
    wanted = f"[vars]\nssl= {ssl} \n \n[addresses]\nmanagement_port= {play.settings.vdsm_port} \n"
    if play.session.read(VDSM_CONF) == wanted:
        return {"changed": False}
    play.session.write(VDSM_CONF, wanted)
    return {"changed": True}


def mask_modular_libvirt(play: Play) -> dict[str, Any]:
    """EL9 starts modular daemons; vdsm wants the monolithic one."""
    play.sh(f"systemctl disable --now {_MODULAR}; systemctl mask {_MODULAR}")
    return {"changed": True}


def configure_lvm_filter(play: Play) -> dict[str, Any]:
    """Tolerated when it fails, as the engine does."""
    done = play.session.run(["vdsm-tool", "config-lvm-filter", "-y"], timeout=300, check=False)
    return {"changed": True, "rc": done.rc, "stderr": done.stderr.strip()}


def configure_vdsm(play: Play) -> dict[str, Any]:
    """libvirt, sanlock and what else vdsm-tool knows to configure."""
    out = play.session.run(["vdsm-tool", "configure", "--force"], timeout=600).stdout
    return {"changed": True, "stdout_lines": out.splitlines()}


def stop_services(play: Play) -> dict[str, Any]:
    """Those of vdsm that the host knows."""
    return systemctl(play, "stop", [unit for unit in _STOPPED if play.has_unit(unit)])


def start_services(play: Play) -> dict[str, Any]:
    """vdsmd brings up what it needs."""
    return systemctl(play, "enable --now", [unit for unit in _STARTED if play.has_unit(unit)])


def systemctl(play: Play, verb: str, units: list[str]) -> dict[str, Any]:
    """Act on units; when it fails, the unit's last words are part of the reason."""
    if not units:
        return {"changed": False}
    names = " ".join(units)
    script = (
        f"systemctl {verb} {names} || {{ rc=$?; for u in {names}; do systemctl is-failed -q $u && "
        "journalctl -u $u -n 20 --no-pager -o cat >&2; done; exit $rc; }"
    )
    play.sh(script, timeout=300)
    return {"changed": True, "item": units}


def _in_container(play: Play) -> bool:
    return play.facts.get("container", "none") not in ("", "none")


TASKS = [
    Task(
        "Include packages, vdsmid, pki, configure, and restart services tasks",
        nothing,
        ROLE,
        "ansible.builtin.include_tasks",
    ),
    Task("Create custom libvirt preset", nothing, ROLE, when=lambda play: play.el(9)),
    Task("Install ovirt-hosted-engine-setup package", install("ovirt-hosted-engine-setup"), ROLE, PACKAGE, is_x86),
    Task("Install ovirt-host package", install("ovirt-host"), ROLE, PACKAGE),
    Task("Get packages", check_vdsm_package, ROLE, "ansible.builtin.package_facts"),
    Task("Check if vdsm id exists", look_for_id, ROLE, "ansible.builtin.stat"),
    Task("Get vdsm id", nothing, ROLE, when=had_id),
    Task("Set vdsm id", nothing, ROLE, SET_FACT, had_id),
    Task("Install dmidecode package", install("dmidecode"), ROLE, PACKAGE, asks_firmware),
    Task("Detect vdsm id for x86_64 or i686", detect_id, ROLE, when=asks_firmware),
    Task("Set vdsm id for x86_64 or i686", take_firmware_id, ROLE, SET_FACT, firmware_id_is_good),
    Task("Set vdsm id if it wasn't found", make_id, ROLE, SET_FACT, lacks_id),
    Task("Store vdsm id", store_id, ROLE, "ansible.builtin.copy"),
    Task("Fetch vdsm id", nothing, ROLE, "ansible.builtin.slurp"),
    Task("Create vdsm.conf content", nothing, ROLE, SET_FACT),
    Task("Add adresses to vdsm.conf", nothing, ROLE, SET_FACT),
    Task("Copy vdsm config prefix to vdsm.conf", write_vdsm_conf, ROLE, "ansible.builtin.copy"),
    Task("Run vdsm-certificates role", nothing, ROLE, "ansible.builtin.include_role"),
    *certificates.TASKS,
    Task("mask libvirt modular daemon units", mask_modular_libvirt, ROLE, SERVICE, lambda play: play.el(9)),
    Task(
        "enable libvirtd monolithic daemon unit",
        lambda play: systemctl(play, "enable", ["libvirtd.service"]),
        ROLE,
        SERVICE,
        lambda play: play.el(9),
    ),
    Task("Configure LVM filter", configure_lvm_filter, ROLE, when=lambda play: play.el(8)),
    Task("Configure host for vdsm", configure_vdsm, ROLE),
    Task("populate service facts", look_at_services, ROLE, "ansible.builtin.service_facts"),
    Task("Stop services", stop_services, ROLE, SERVICE),
    Task("Start and enable services", start_services, ROLE, SERVICE),
    Task(
        "Reload NetworkManager config",
        lambda play: {"changed": bool(play.sh("nmcli general reload conf") or True)},
        ROLE,
        when=lambda play: play.el(8) and play.has_unit("NetworkManager.service"),
    ),
]
