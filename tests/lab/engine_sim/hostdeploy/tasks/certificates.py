# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The host's certificates (role ovirt-host-deploy-vdsm-certificates; paths and owners: host contract 12.4).

Keys are made on the host and never leave it: only requests and certificates travel.
"""

from __future__ import annotations

from typing import Any

from ..play import Play, Task
from .facts import SET_FACT, look_at_services, nothing

ROLE = "ovirt-host-deploy-vdsm-certificates"
COPY = "ansible.builtin.copy"
FILE = "ansible.builtin.file"

VDSM, LIBVIRT, CA = "/etc/pki/vdsm", "/etc/pki/libvirt", "/etc/pki/CA"
_DIRECTORIES = (
    f"{VDSM}/certs",
    f"{VDSM}/keys",
    f"{VDSM}/libvirt-spice",
    f"{VDSM}/libvirt-migrate",
    f"{VDSM}/libvirt-vnc",
    f"{LIBVIRT}/private",
    CA,
)
_CA_FILES = (f"{VDSM}/certs/cacert.pem", f"{VDSM}/libvirt-spice/ca-cert.pem", f"{CA}/cacert.pem")
_CERTIFICATES = (f"{VDSM}/certs/vdsmcert.pem", f"{VDSM}/libvirt-spice/server-cert.pem", f"{LIBVIRT}/clientcert.pem")
_KEYS = (f"{VDSM}/keys/vdsmkey.pem", f"{VDSM}/libvirt-spice/server-key.pem", f"{LIBVIRT}/private/clientkey.pem")
_MIGRATE = f"{VDSM}/libvirt-migrate"
_RESTARTED = ("libvirtd.service", "ovirt-imageio.service")


def make_room(play: Play) -> dict[str, Any]:
    """A directory of root's alone for the new keys."""
    play.facts["key_dir"] = play.sh("umask 077; mktemp -d /run/vdsm-keys.XXXXXX").strip()
    return {"changed": True}


def make_requests(play: Play) -> dict[str, Any]:
    """Two key pairs; the requests come back on standard output."""
    play.facts["requests"] = {}
    for name in ("vdsm", "qemu"):
        key = f"{play.facts['key_dir']}/{name}"
        play.facts["requests"][name] = play.sh(
            f"umask 077; openssl req -new -newkey rsa:2048 -nodes -subj / -keyout {key} 2>{key}.err || "
            f"{{ rc=$?; cat {key}.err >&2; exit $rc; }}"
        )
    return {"changed": True}


def sign(play: Play) -> dict[str, Any]:
    """By the engine's authorities, for the address under which the engine knows the host."""
    name = play.host.address
    play.facts["certificates"] = {
        kind: play.settings.pki.sign_csr(request, san=name, name=name, qemu=kind == "qemu")
        for kind, request in play.facts["requests"].items()
    }
    return {"changed": True}


def make_directories(play: Play) -> dict[str, Any]:
    """vdsm's own."""
    play.sh(f"install -d -m 0755 -o vdsm -g kvm {' '.join(_DIRECTORIES)}")
    return {"changed": True}


def lay_authorities(play: Play) -> dict[str, Any]:
    """The engine's authority wherever something verifies by it."""
    return _lay(play, play.settings.pki.ca_file.read_text(encoding="ascii"), _CA_FILES)


def lay_qemu_authority(play: Play) -> dict[str, Any]:
    """That of QEMU's own TLS."""
    return _lay(play, play.settings.pki.qemu_ca_file.read_text(encoding="ascii"), (f"{_MIGRATE}/ca-cert.pem",))


def lay_certificates(play: Play) -> dict[str, Any]:
    """vdsm, SPICE and libvirt's client share one."""
    return _lay(play, play.facts["certificates"]["vdsm"], _CERTIFICATES)


def lay_qemu_certificate(play: Play) -> dict[str, Any]:
    """For migrations."""
    return _lay(play, play.facts["certificates"]["qemu"], (f"{_MIGRATE}/server-cert.pem",))


def link_qemu_certificate(play: Play) -> dict[str, Any]:
    """Server and client are the same."""
    play.sh(f"ln -sfn server-cert.pem {_MIGRATE}/client-cert.pem")
    return {"changed": True}


def lay_keys(play: Play) -> dict[str, Any]:
    """Copied on the host."""
    copies = "; ".join(f"install -m 0440 -o vdsm -g kvm {play.facts['key_dir']}/vdsm {path}" for path in _KEYS)
    play.sh(f"set -e; {copies}")
    return {"changed": True}


def lay_qemu_key(play: Play) -> dict[str, Any]:
    """QEMU's group reads it; where a distribution has no such group, that of kvm."""
    play.sh(
        f"g=qemu; getent group qemu >/dev/null || g=kvm; "
        f"install -m 0440 -o root -g $g {play.facts['key_dir']}/qemu {_MIGRATE}/server-key.pem"
    )
    return {"changed": True}


def link_qemu_key(play: Play) -> dict[str, Any]:
    """Server and client are the same."""
    play.sh(f"ln -sfn server-key.pem {_MIGRATE}/client-key.pem")
    return {"changed": True}


def restart(play: Play) -> dict[str, Any]:
    """Those that are enabled or run read their certificates anew."""
    units = [unit for unit in _RESTARTED if play.has_unit(unit)]
    if units:
        play.sh(f"systemctl try-restart {' '.join(units)}", timeout=300)
    return {"changed": bool(units)}


def clear_room(play: Play) -> dict[str, Any]:
    """The keys are where they belong; the room goes, also after a failure."""
    room = play.facts.pop("key_dir", None)
    if room:
        play.sh(f"rm -rf {room}")
    return {"changed": True}


def _lay(play: Play, content: str, paths: tuple[str, ...]) -> dict[str, Any]:
    for path in paths:
        play.session.write(path, content, "0644", "root", "kvm")
    return {"changed": True}


TASKS = [
    Task("Create vdsm and QEMU key temporary files", make_room, ROLE, "ansible.builtin.tempfile"),
    Task("Generate vdsm and QEMU CSRs", make_requests, ROLE),
    Task("Copy vdsm and QEMU CSRs", nothing, ROLE, COPY),
    Task("Run PKI enroll request for vdsm and QEMU", sign, ROLE),
    Task("Prepare directories for vdsm certificate files", make_directories, ROLE, FILE),
    Task("Add vdsm cacert files", lay_authorities, ROLE, COPY),
    Task("Add QEMU cacert file", lay_qemu_authority, ROLE, COPY),
    Task("Add vdsm cert files", lay_certificates, ROLE, COPY),
    Task("Add QEMU server cert file", lay_qemu_certificate, ROLE, COPY),
    Task("Add QEMU client cert file link", link_qemu_certificate, ROLE, FILE),
    Task("Set vdsm key path", nothing, ROLE, SET_FACT),
    Task("Add vdsm key files", lay_keys, ROLE, COPY),
    Task("Set QEMU key path", nothing, ROLE, SET_FACT),
    Task("Add QEMU server key file", lay_qemu_key, ROLE, COPY),
    Task("Add QEMU client key file link", link_qemu_key, ROLE, FILE),
    Task("Populate service facts", look_at_services, ROLE, "ansible.builtin.service_facts"),
    Task("Restart services", restart, ROLE, "ansible.builtin.service"),
    Task("Remove temp file", clear_room, ROLE, FILE),
]
