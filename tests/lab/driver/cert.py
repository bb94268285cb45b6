# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Enrol a host with an engine that does not do it itself (a real one with InstallVds=false).

Installs vdsm, has a request of the host signed by the engine's CA, lays the files where host-deploy would
(host contract 12.4), opens the firewall and starts vdsmd.
"""

import socket
import ssl
import tempfile
from pathlib import Path

from driver.errors import LabError
from driver.lab import exec_argv, loaded
from driver.plan import Host
from driver.run import run, wait_for
from driver.status import plan_of

PACKAGES = ("vdsm", "vdsm-client", "ovirt-host")
DAYS = 1800
PORT = 54321
START_DEADLINE = 60.0
_VDSM = "/etc/pki/vdsm"
AUTHORITIES = (
    f"{_VDSM}/certs/cacert.pem",
    f"{_VDSM}/libvirt-spice/ca-cert.pem",
    f"{_VDSM}/libvirt-migrate/ca-cert.pem",
    f"{_VDSM}/libvirt-vnc/ca-cert.pem",
    "/etc/pki/CA/cacert.pem",
)
CERTIFICATES = (
    f"{_VDSM}/certs/vdsmcert.pem",
    f"{_VDSM}/libvirt-spice/server-cert.pem",
    f"{_VDSM}/libvirt-migrate/server-cert.pem",
    f"{_VDSM}/libvirt-vnc/server-cert.pem",
    "/etc/pki/libvirt/clientcert.pem",
)
KEYS = (
    f"{_VDSM}/keys/vdsmkey.pem",
    f"{_VDSM}/libvirt-spice/server-key.pem",
    f"{_VDSM}/libvirt-migrate/server-key.pem",
    f"{_VDSM}/libvirt-vnc/server-key.pem",
    "/etc/pki/libvirt/private/clientkey.pem",
)
SERVICES = ("vdsm", "libvirt-tls", "ovirt-imageio", "ovirt-vmconsole")
_ROOM = "/run/lab-cert"


class _Inside:
    """Commands in one host."""

    def __init__(self, lab: str, host: str) -> None:
        self._lab, self._host = lab, host

    def sh(self, script: str, *, stdin: str | None = None, timeout: float = 60) -> str:
        return run(exec_argv(self._lab, self._host, ["sh", "-ec", script]), stdin=stdin, timeout=timeout)

    def write(self, path: str, text: str) -> None:
        parent = Path(path).parent
        self.sh(
            f"install -d -m 0755 -o vdsm -g kvm {parent}; umask 022; cat >{path}; chown root:kvm {path}", stdin=text
        )


def sign(request: str, names: list[str], ca: Path, key: Path) -> str:
    """Sign a host's certificate request for the given names and addresses; returns PEM."""
    alternatives = ",".join(f"{'IP' if name.replace('.', '').isdigit() else 'DNS'}:{name}" for name in names)
    with tempfile.TemporaryDirectory() as scratch:
        csr, extensions = Path(scratch) / "host.csr", Path(scratch) / "host.ext"
        csr.write_text(request, encoding="ascii")
        extensions.write_text(
            f"subjectAltName={alternatives}\nextendedKeyUsage=serverAuth,clientAuth\n"
            "keyUsage=digitalSignature,keyEncipherment\nbasicConstraints=CA:FALSE\nauthorityKeyIdentifier=keyid\n",
            encoding="ascii",
        )
        authority: list[str | Path] = ["-CA", ca, "-CAkey", key, "-set_serial", f"0x{_serial()}"]
        return run(
            ["openssl", "x509", "-req", "-sha256", "-days", str(DAYS), "-in", csr, "-extfile", extensions, *authority]
        )


def _serial() -> str:
    return run(["openssl", "rand", "-hex", "15"]).strip()


def enrol(lab: str, host_name: str, ca: Path, key: Path) -> dict[str, object]:
    """Install, enrol and start vdsm on one host; returns what a client needs to know of it."""
    for given in (ca, key):
        if not given.is_file():
            raise LabError(f"{given}: expected a PEM file")
    state, _paths = loaded(lab)
    host = plan_of(state).host(host_name)
    inside = _Inside(lab, host.name)
    apt = "DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends"
    inside.sh(f"apt-get -q update; {apt} install {' '.join(PACKAGES)}", timeout=300)
    request = inside.sh(
        f"umask 077; mkdir -p {_ROOM}; openssl req -new -newkey rsa:2048 -nodes -subj '/O=lab/CN={host.fqdn}'"
        f" -keyout {_ROOM}/key 2>/dev/null"
    )
    certificate = sign(request, [host.fqdn, host.address], ca, key)
    authority = run(["openssl", "x509", "-in", ca])
    for path in AUTHORITIES:
        inside.write(path, authority)
    for path in CERTIFICATES:
        inside.write(path, certificate)
    for path in KEYS:
        room = f"install -d -m 0755 -o vdsm -g kvm {Path(path).parent}"
        inside.sh(f"{room}; install -m 0440 -o vdsm -g kvm {_ROOM}/key {path}")
    inside.sh(f"rm -rf {_ROOM}")
    _open_firewall(inside)
    inside.sh("vdsm-tool configure --force; systemctl enable vdsmd; systemctl restart vdsmd", timeout=300)
    wait_for(f"vdsm of {host.name}", lambda: _answers(host, ca), deadline=START_DEADLINE)
    return {"host": host.fqdn, "address": host.address, "port": PORT}


def _answers(host: Host, ca: Path) -> object:
    """Whether vdsm shows a certificate that the CA signed for the host's name."""
    context = ssl.create_default_context(cafile=str(ca))
    try:
        with socket.create_connection((host.address, PORT), timeout=2) as connection:
            context.wrap_socket(connection, server_hostname=host.fqdn).close()
    except OSError as error:  # ssl.SSLError is one
        return str(error)
    return True


def _open_firewall(inside: _Inside) -> None:
    services = " ".join(f"--add-service={service}" for service in SERVICES)
    inside.sh(
        "systemctl -q is-active firewalld || exit 0; "
        f"firewall-cmd -q --permanent {services}; firewall-cmd -q {services}"
    )
