# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Around vdsm: clock, tuned, OVN, libvirt-guests, firewalld, VNC certificates, serial console."""

from __future__ import annotations

import shlex
from typing import Any

from ..play import Play, Task
from .facts import look_at_services
from .vdsm import PACKAGE, SERVICE, install, systemctl

VNC = "/etc/pki/vdsm/libvirt-vnc"
SPICE = "/etc/pki/vdsm/libvirt-spice"

#: firewalld services of the role, with the ports to open where firewalld does not know the service (contract 12.3).
_FIREWALL = {
    "common": {
        "cockpit": "9090/tcp",
        "libvirt-tls": "16514/tcp",
        "snmp": "161/udp",
        "vdsm": "54321/tcp",
        "ovirt-imageio": "54322/tcp",
    },
    "virt": {"ovirt-vmconsole": "2223/tcp"},
}
_OVN_PORT = "6081/udp"


# -- conditions


def has_chrony(play: Play) -> bool:
    """A host without chrony keeps time in some other way."""
    return play.has_unit("chronyd.service")


def wants_tuned(play: Play) -> bool:
    """A profile was asked for."""
    return play.settings.tuned_profile is not None


def wants_ovn(play: Play) -> bool:
    """The cluster has an OVN provider."""
    return play.settings.ovn_central is not None


def has_guests_unit(play: Play) -> bool:
    """libvirt's service that shuts guests down with the host."""
    return play.has_unit("libvirt-guests.service")


def firewalld_runs(play: Play) -> bool:
    """Asked once; hosts that deliberately run none keep none."""
    if "firewalld" not in play.facts:
        state = play.session.run(["systemctl", "is-active", "firewalld.service"], check=False).stdout.strip()
        play.facts["firewalld"] = state == "active"
    return play.settings.override_firewall and bool(play.facts["firewalld"])


# -- work


def set_tuned_profile(play: Play) -> dict[str, Any]:
    """tuned keeps it over reboots."""
    play.sh(f"tuned-adm profile {shlex.quote(str(play.settings.tuned_profile))}")
    return {"changed": True}


def configure_ovn(play: Play) -> dict[str, Any]:
    """Where the OVN databases are and by which network to tunnel."""
    play.session.run(
        [
            "vdsm-tool",
            "ovn-config",
            str(play.settings.ovn_central),
            play.settings.ovn_tunnel_network,
            play.host.address,
        ],
        timeout=120,
    )
    return {"changed": True}


def write_guests_conf(play: Play) -> dict[str, Any]:
    """Guests are shut down with the host and not started by it (host contract 12.2)."""
    path = "/etc/sysconfig/libvirt-guests" if play.el() else "/etc/default/libvirt-guests"
    wanted = f"URIS=qemu+tls://{play.host.address}/system\nON_BOOT=ignore\nON_SHUTDOWN=shutdown\n"
    if play.session.read(path) == wanted:
        return {"changed": False}
    play.session.write(path, wanted)
    return {"changed": True}


def open_ssh_port(play: Play) -> dict[str, Any]:
    """The port by which the engine came in."""
    return _open(play, [f"--add-port={play.host.port}/tcp"])


def open_services(play: Play) -> dict[str, Any]:
    """Now and for good; a service that this firewalld has no definition of is opened by its port."""
    known = set(play.sh("firewall-cmd --get-services").split())
    wanted = {name: port for group in _FIREWALL.values() for name, port in group.items()}
    options = [f"--add-service={name}" if name in known else f"--add-port={port}" for name, port in wanted.items()]
    return _open(play, [*options, f"--add-port={_OVN_PORT}"])


def make_vnc_directory(play: Play) -> dict[str, Any]:
    """vdsm's own."""
    play.sh(f"install -d -m 0755 -o vdsm -g kvm {VNC}")
    return {"changed": True}


def lay_vnc_certificates(play: Play) -> dict[str, Any]:
    """Those of SPICE, unless the administrator put others there."""
    play.sh(
        f"for f in ca-cert.pem server-cert.pem server-key.pem; do [ -e {VNC}/$f ] || "
        f"install -m 0644 -o root -g kvm {SPICE}/$f {VNC}/$f; done"
    )
    return {"changed": True}


def protect_vnc_key(play: Play) -> dict[str, Any]:
    """vdsm and the kvm group read it."""
    play.sh(f"chown vdsm:kvm {VNC}/server-key.pem && chmod 0440 {VNC}/server-key.pem")
    return {"changed": True}


def start_console(play: Play) -> dict[str, Any]:
    """The ssh server of serial consoles."""
    return systemctl(play, "enable --now", ["ovirt-vmconsole-host-sshd.service"])


def _open(play: Play, options: list[str]) -> dict[str, Any]:
    """Services and ports in calls of their own: firewall-cmd does not take both at once."""
    kinds = ("--add-service", "--add-port")
    for chosen in filter(None, ([option for option in options if option.startswith(kind)] for kind in kinds)):
        play.session.run(["firewall-cmd", "--permanent", *chosen])
        play.session.run(["firewall-cmd", *chosen])
    return {"changed": True, "options": options}


_MISC = "ovirt-host-deploy-misc"
_OVN = "ovirt-provider-ovn-driver"
_GUESTS = "ovirt-host-deploy-libvirt-guests"
_FIREWALLD = "ovirt-host-deploy-firewalld"
_VNC = "ovirt-host-deploy-vnc-certificates"
_CONSOLE = "ovirt-host-deploy-vm-console"
_FIREWALL_MODULE = "ansible.posix.firewalld"

TASKS = [
    Task("Start chrony daemon", lambda play: systemctl(play, "start", ["chronyd.service"]), _MISC, SERVICE, has_chrony),
    Task(
        "Wait for chronyd to synchronise",
        lambda play: {"stdout": play.sh("chronyc waitsync 1")},
        _MISC,
        when=has_chrony,
    ),
    Task("Get lastest tune package", install("tuned"), _MISC, PACKAGE, wants_tuned),
    Task("Start tune service", lambda play: systemctl(play, "start", ["tuned.service"]), _MISC, SERVICE, wants_tuned),
    Task("Set tune profile", set_tuned_profile, _MISC, when=wants_tuned),
    Task("Enable tune service", lambda play: systemctl(play, "enable", ["tuned.service"]), _MISC, SERVICE, wants_tuned),
    Task("Install ovs", install("openvswitch"), _OVN, PACKAGE, wants_ovn),
    Task("Install ovirt-provider-ovn-driver", install("ovirt-provider-ovn-driver"), _OVN, PACKAGE, wants_ovn),
    Task(
        "Ensure ovn-controller is started",
        lambda play: systemctl(play, "enable --now", ["ovn-controller.service"]),
        _OVN,
        SERVICE,
        wants_ovn,
    ),
    Task("Configure OVN for oVirt", configure_ovn, _OVN, when=wants_ovn),
    Task("Setup the configuration file", write_guests_conf, _GUESTS, "ansible.builtin.template", has_guests_unit),
    Task(
        "Start libvirt-guests service and ensure its enabled",
        lambda play: systemctl(play, "enable --now", ["libvirt-guests.service"]),
        _GUESTS,
        SERVICE,
        has_guests_unit,
    ),
    Task("Enable SSH port", open_ssh_port, _FIREWALLD, _FIREWALL_MODULE, firewalld_runs),
    Task("Enable firewalld rules", open_services, _FIREWALLD, _FIREWALL_MODULE, firewalld_runs),
    Task("Create cert dir", make_vnc_directory, _VNC, "ansible.builtin.file"),
    Task("Setup VNC PKI", lay_vnc_certificates, _VNC, "ansible.builtin.copy"),
    Task("Set server-key permissions", protect_vnc_key, _VNC, "ansible.builtin.file"),
    Task("Install ovirt-vmconsole-host package", install("ovirt-vmconsole-host"), _CONSOLE, PACKAGE),
    Task("Populate service facts", look_at_services, _CONSOLE, "ansible.builtin.service_facts"),
    Task(
        "Start ovirt-vmconsole-host-sshd",
        start_console,
        _CONSOLE,
        SERVICE,
        lambda play: play.has_unit("ovirt-vmconsole-host-sshd.service"),
    ),
]
