# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The engine's public key infrastructure, laid out as in a real engine's /etc/pki/ovirt-engine.

Made once by engine-setup with the `openssl` command: in a virtual machine without KVM its eight short processes cost
less than the import of a cryptography library, and a real engine works the same way (`openssl ca`, pki-enroll-request).
The engine's own key is RSA, because hosts take it as an ssh key; the others are elliptic, which costs no time.

    pki = create("/etc/pki/ovirt-engine", "engine.demo.lab.test", "demo.lab.test")
    certificate = pki.sign_csr(request, name="he-host1.demo.lab.test", san=["he-host1.demo.lab.test"])
"""

from __future__ import annotations

import datetime
import fcntl
import ipaddress
import os
import secrets
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

#: Where a real engine keeps it.
DEFAULT_DIR = Path("/etc/pki/ovirt-engine")

#: Validity in days: authorities as measured on ovirt-engine 4.5.8, the others as its defaults.
AUTHORITY_DAYS = 7300
WEB_DAYS = 398
ENGINE_DAYS = 1827
HOST_DAYS = 1825

_DIRECTORIES = ("certs", "certs-qemu", "keys", "private", "requests", "requests-qemu")
_EC_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
_RSA_KEY = ("-newkey", "rsa:2048")

#: Configuration of both authorities; `prefix` is empty or "qemu-" (they keep separate books).
_CONFIGURATION = """\
    [req]
    distinguished_name = dn
    prompt = no
    string_mask = utf8only
    [dn]
    CN = unused
    [ca]
    default_ca = authority
    [authority]
    dir = {directory}
    database = $dir/{prefix}database.txt
    serial = $dir/{prefix}serial.txt
    new_certs_dir = $dir/certs{suffix}
    certificate = $dir/{prefix}ca.pem
    private_key = $dir/private/{prefix}ca.pem
    default_md = sha256
    unique_subject = no
    email_in_dn = no
    policy = policy_any
    [policy_any]
    countryName = optional
    organizationName = optional
    organizationalUnitName = optional
    commonName = optional
    [v3_authority]
    subjectKeyIdentifier = hash
    authorityKeyIdentifier = keyid:always,issuer:always
    basicConstraints = critical,CA:TRUE
    keyUsage = critical,cRLSign,keyCertSign
"""

_LEAF = """\
    [leaf]
    subjectKeyIdentifier = hash
    authorityKeyIdentifier = keyid:always
    basicConstraints = CA:FALSE
    keyUsage = critical,digitalSignature,keyEncipherment
    extendedKeyUsage = serverAuth,clientAuth
    subjectAltName = {san}
"""


class PkiError(RuntimeError):
    """openssl or ssh-keygen refused; the text holds its own words."""


def create(directory: str | Path, fqdn: str, organization: str) -> Pki:
    """Make the authority, its qemu twin, the engine's and the web server's key pairs; returns the finished PKI.

    Raises FileExistsError when the directory holds an authority already, PkiError when openssl fails.
    """
    pki = Pki(directory)
    if pki.ca_file.exists():
        raise FileExistsError(f"{pki.ca_file} exists; a second authority would cut off every enrolled host")
    pki.directory.mkdir(parents=True, exist_ok=True)
    for name in _DIRECTORIES:
        (pki.directory / name).mkdir(exist_ok=True, mode=0o750 if name == "private" else 0o755)
    subject = f"/C=US/O={_escape(organization)}"
    pki._make_authority("", f"{subject}/CN={_authority_name(fqdn)}")
    pki._make_authority("qemu-", f"{subject}/OU=qemu/CN={_authority_name(fqdn)}")
    pki._make_pair("engine", pki.directory / "keys/engine_id_rsa", _RSA_KEY, f"{subject}/CN={fqdn}", fqdn, ENGINE_DAYS)
    pki._make_pair("apache", pki.directory / "keys/apache.key.nopass", _EC_KEY, f"{subject}/CN={fqdn}", fqdn, WEB_DAYS)
    (pki.directory / "apache-ca.pem").symlink_to("ca.pem")
    return pki


class Pki:
    """An existing PKI directory. Cheap to make; reads nothing before it is asked."""

    def __init__(self, directory: str | Path = DEFAULT_DIR) -> None:
        self.directory = Path(directory)

    @property
    def ca_file(self) -> Path:
        """The authority that clients and hosts trust."""
        return self.directory / "ca.pem"

    @property
    def qemu_ca_file(self) -> Path:
        """The authority of QEMU's own TLS (migration, VNC)."""
        return self.directory / "qemu-ca.pem"

    @property
    def web_certificate(self) -> Path:
        """What the web server shows; its key is `web_key`."""
        return self.directory / "certs/apache.cer"

    @property
    def web_key(self) -> Path:
        """Key of `web_certificate`, without passphrase."""
        return self.directory / "keys/apache.key.nopass"

    @property
    def engine_certificate(self) -> Path:
        """What the engine shows to vdsm and serves as `engine-certificate`; its key is `ssh_key`."""
        return self.directory / "certs/engine.cer"

    @property
    def ssh_key(self) -> Path:
        """The engine's private key (RSA, 0600): for TLS to vdsm and for ssh to hosts."""
        return self.directory / "keys/engine_id_rsa"

    def ssh_public_key(self) -> str:
        """`ssh-rsa AAAA... ovirt-engine`, as pki-resource serves it (engine contract 3)."""
        kind, blob = _run(["ssh-keygen", "-y", "-f", str(self.ssh_key)]).split()[:2]
        return f"{kind} {blob} ovirt-engine"

    def organization(self) -> str:
        """The organization in the authority's subject, which the certificates of hosts carry on."""
        text = _openssl("x509", "-in", self.ca_file, "-noout", "-subject", "-nameopt", "multiline,utf8,-esc_msb")
        for line in text.splitlines():
            key, _, value = line.partition("=")
            if key.strip() == "organizationName":
                return value.strip()
        raise PkiError(f"{self.ca_file} has no organization in its subject")

    def sign_csr(
        self, csr_pem: str, san: str | Sequence[str], name: str = "", qemu: bool = False, days: int = HOST_DAYS
    ) -> str:
        """Sign a request and return the certificate (PEM).

        `san`: names and addresses; `name` (default: the first of them) is the common name and that of the files
        certs/NAME.cer and requests/NAME.req, as pki-enroll-request keeps them. `qemu` signs by the twin. Only the
        request's key is used: subject and names are the engine's choice.
        """
        names = [san] if isinstance(san, str) else list(san)
        name = name or names[0]
        unit = "/OU=qemu" if qemu else ""
        subject = f"/O={_escape(self.organization())}/CN={_escape(name)}{unit}"
        suffix, prefix = ("-qemu", "qemu-") if qemu else ("", "")
        request = self.directory / f"requests{suffix}" / f"{name}.req"
        request.write_text(csr_pem, encoding="ascii")
        certificate = self.directory / f"certs{suffix}" / f"{name}.cer"
        self._sign(prefix, request, certificate, subject, names, days)
        return certificate.read_text(encoding="ascii")

    # -- how it is made

    def _make_authority(self, prefix: str, subject: str) -> None:
        key, certificate = self.directory / f"private/{prefix}ca.pem", self.directory / f"{prefix}ca.pem"
        (self.directory / f"{prefix}database.txt").touch()
        (self.directory / f"{prefix}serial.txt").write_text("1000\n", encoding="ascii")
        configuration = self._configuration(prefix)
        configuration.write_text(
            dedent(_CONFIGURATION).format(directory=self.directory, prefix=prefix, suffix="-qemu" if prefix else ""),
            encoding="ascii",
        )
        with _private_umask():
            _openssl(
                "req",
                "-new",
                "-utf8",
                "-nodes",
                *_EC_KEY,
                "-config",
                configuration,
                "-subj",
                subject,
                "-keyout",
                key,
                "-out",
                self.directory / f"requests/{prefix}ca.csr",
            )
        key.chmod(0o640)
        _openssl(
            "ca",
            "-batch",
            "-utf8",
            "-selfsign",
            "-notext",
            "-config",
            configuration,
            "-keyfile",
            key,
            "-extensions",
            "v3_authority",
            "-in",
            self.directory / f"requests/{prefix}ca.csr",
            "-out",
            certificate,
            "-startdate",
            _yesterday(),
            "-days",
            AUTHORITY_DAYS,
        )
        certificate.chmod(0o644)

    def _make_pair(self, name: str, key: Path, kind: Sequence[str], subject: str, fqdn: str, days: int) -> None:
        request = self.directory / f"requests/{name}.req"
        with _private_umask():
            _openssl(
                "req",
                "-new",
                "-utf8",
                "-nodes",
                *kind,
                "-config",
                self._configuration(""),
                "-subj",
                subject,
                "-keyout",
                key,
                "-out",
                request,
            )
        request.chmod(0o644)
        self._sign("", request, self.directory / f"certs/{name}.cer", subject, [fqdn], days)

    def _sign(self, prefix: str, request: Path, certificate: Path, subject: str, san: Sequence[str], days: int) -> None:
        with self._books(), tempfile.NamedTemporaryFile("w", suffix=".cnf", encoding="ascii") as extensions:
            extensions.write(dedent(_LEAF).format(san=",".join(map(_alternative_name, san))))
            extensions.flush()
            _openssl(
                "ca",
                "-batch",
                "-utf8",
                "-notext",
                "-config",
                self._configuration(prefix),
                "-in",
                request,
                "-out",
                certificate,
                "-subj",
                subject,
                "-startdate",
                _yesterday(),
                "-days",
                days,
                "-extfile",
                extensions.name,
                "-extensions",
                "leaf",
            )
        certificate.chmod(0o644)

    def _configuration(self, prefix: str) -> Path:
        return self.directory / f"{prefix}openssl.conf"

    @contextmanager
    def _books(self) -> Iterator[None]:
        """`openssl ca` keeps its books (database.txt, serial.txt) without a lock of its own."""
        with open(self.directory / ".openssl.lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _alternative_name(name: str) -> str:
    try:
        return f"IP:{ipaddress.ip_address(name)}"
    except ValueError:
        return f"DNS:{name}"


def _authority_name(fqdn: str) -> str:
    """Names of authorities end in a number, so that a set-up made anew is told from the old one."""
    return f"{fqdn}.{10000 + secrets.randbelow(89999)}"


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("/", "\\/").replace("+", "\\+")


def _yesterday() -> str:
    """Certificates start a day early, so that a clock that lags behind takes them (ovirt-engine does so too)."""
    start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    return start.strftime("%Y%m%d%H%M%SZ")


@contextmanager
def _private_umask() -> Iterator[None]:
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _openssl(*arguments: object) -> str:
    return _run(["openssl", *map(str, arguments)])


def _run(argv: Sequence[str]) -> str:
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PkiError(f"{' '.join(argv[:2])} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout
