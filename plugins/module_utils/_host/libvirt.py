# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The connection to the host's hypervisor, through libvirt's own bindings.

The bindings are imported when they are used: a host that lacks them must get a message and not a traceback.
"""

from __future__ import annotations

import configparser
import contextlib
from collections.abc import Iterator
from typing import Any, Optional

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare

LIBVIRT_MISSING = declare(
    "libvirt.bindings_missing",
    "libvirt's Python bindings are not installed on the host",
    "Install the package python3-libvirt (it comes with vdsm) for the interpreter that Ansible uses on the host.",
)
LIBVIRT_FAILED = declare(
    "libvirt.failed",
    "libvirt refused a request",
    "Read libvirt's own words above; 'journalctl -u libvirtd -u virtqemud' has more.",
)
LIBVIRT_NO_CREDENTIALS = declare(
    "libvirt.no_credentials",
    "libvirt asks for a user and a password, and the file that holds them cannot be used",
    "vdsm has closed libvirt; install ovirt-hosted-engine-setup, which brings the file, or run the initial clean.",
)

URI = "qemu:///system"
AUTH_FILE = "/etc/ovirt-hosted-engine/virsh_auth.conf"

# Objects of the bindings: they carry no types.
Connection = Any
Domain = Any
Network = Any


@contextlib.contextmanager
def connection(read_only: bool = False, auth_file: str = AUTH_FILE) -> Iterator[Connection]:
    """Open libvirt, and close it at the end of the body; libvirt's errors inside become ours.

    Before the host is added anybody who is root may connect; vdsm then demands SASL on the socket for changes, with
    the user and password of C(auth_file) (host contract 10.6).

    Args:
        read_only: look only; never needs a password.
        auth_file: libvirt's client authentication file.

    Raises:
        HostedEngineError: C(libvirt.bindings_missing), C(libvirt.failed) or C(libvirt.no_credentials).
    """
    try:
        import libvirt
    except ImportError as error:
        raise HostedEngineError(LIBVIRT_MISSING, observed=str(error)) from error
    # The bindings print every error by themselves, into the middle of the module's JSON.
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    try:
        if read_only:
            opened = libvirt.openReadOnly(URI)
        else:
            answer = _Answer(auth_file, libvirt.VIR_CRED_AUTHNAME)
            kinds = [libvirt.VIR_CRED_AUTHNAME, libvirt.VIR_CRED_PASSPHRASE]
            try:
                opened = libvirt.openAuth(URI, [kinds, answer, None], 0)
            except libvirt.libvirtError:
                if answer.problem:
                    raise answer.problem from None
                raise
        try:
            yield opened
        finally:
            opened.close()
    except libvirt.libvirtError as error:
        raise HostedEngineError(LIBVIRT_FAILED, observed=str(error)) from error


class _Answer:
    """Answers libvirt's questions for a user and a password from a file, which is read when it asks."""

    def __init__(self, path: str, name_kind: int) -> None:
        self.path = path
        self.name_kind = name_kind
        self.problem: Optional[HostedEngineError] = None

    def __call__(self, questions: list[list[Any]], _data: object) -> int:
        try:
            user, password = credentials(self.path)
        except HostedEngineError as error:
            self.problem = error
            return -1
        for question in questions:
            question[4] = user if question[0] == self.name_kind else password
        return 0


def credentials(path: str) -> tuple[str, str]:
    """Return user and password of libvirt on this host, from a client authentication file.

    Raises:
        HostedEngineError: C(libvirt.no_credentials).
    """
    parser = configparser.ConfigParser(interpolation=None)
    try:
        with open(path, encoding="utf-8") as stream:
            parser.read_file(stream)
        section = "credentials-" + parser.get("auth-libvirt-localhost", "credentials")
        return parser.get(section, "authname"), parser.get(section, "password")
    except (OSError, configparser.Error) as error:
        # The message of a parser holds the line it stumbled over, and that can be the password.
        reason = error.strerror if isinstance(error, OSError) else type(error).__name__
        raise HostedEngineError(LIBVIRT_NO_CREDENTIALS, observed=f"{path}: {reason}") from None


def find_domain(connected: Connection, name: str) -> Optional[Domain]:
    """Return the domain with exactly this name, running or not, or None."""
    return next((domain for domain in connected.listAllDomains() if domain.name() == name), None)


def find_network(connected: Connection, name: str) -> Optional[Network]:
    """Return the network with exactly this name, active or not, or None."""
    return next((network for network in connected.listAllNetworks() if network.name() == name), None)
