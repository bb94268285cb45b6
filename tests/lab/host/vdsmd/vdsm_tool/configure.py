# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Configure, check and undo: libvirt's files, the host's certificates, what libvirt must not start by itself."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import sections
from .sections import SASL

PKI = Path("/etc/pki/vdsm")
VDSM_ID = Path("/etc/vdsm/vdsm.id")
SASL_CONF = Path("/etc/sasl2/libvirt.conf")
#: VDSM takes libvirt's network off the list of what starts with it (host contract 10.6).
AUTOSTART = Path("/etc/libvirt/qemu/networks/autostart/default.xml")
VDSM_UID = KVM_GID = 36


def host_uuid() -> str:
    """The host's id; made at install, or the system's own."""
    if VDSM_ID.exists():
        return VDSM_ID.read_text(encoding="ascii").strip()
    done = subprocess.run(["dmidecode", "-s", "system-uuid"], capture_output=True, text=True, check=False)
    return done.stdout.strip().lower()


def is_configured() -> dict[str, bool]:
    """By module."""
    return {
        "libvirt": all(sections.is_written(section) for section in sections.sections(host_uuid())),
        "certificates": all(
            (PKI / name).exists() for name in ("certs/cacert.pem", "certs/vdsmcert.pem", "keys/vdsmkey.pem")
        ),
        "passwd": SASL_CONF.exists() and SASL in SASL_CONF.read_text(encoding="utf-8"),
    }


def configure_libvirt() -> bool:
    """Write the sections; true when a file changed."""
    changed = [sections.write(section) for section in sections.sections(host_uuid())]
    if AUTOSTART.is_symlink() or AUTOSTART.exists():
        AUTOSTART.unlink()
        changed.append(True)
    return any(changed)


def configure_passwd() -> bool:
    """libvirt's SASL file and the password of vdsm@ovirt."""
    password = PKI / "keys/libvirt_password"
    if not password.exists():
        password.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(24))
        os.chown(password, VDSM_UID, KVM_GID)
    if SASL_CONF.exists() and SASL_CONF.read_text(encoding="utf-8") == SASL:
        return False
    SASL_CONF.parent.mkdir(parents=True, exist_ok=True)
    SASL_CONF.write_text(SASL, encoding="utf-8")
    return True


def configure_certificates() -> bool:
    """A CA and a certificate of the host's own, until an engine enrols it; true when they were made."""
    if is_configured()["certificates"]:
        return False
    (PKI / "certs").mkdir(parents=True, exist_ok=True)
    (PKI / "keys").mkdir(parents=True, exist_ok=True)
    name = os.uname().nodename
    scratch = Path(tempfile.mkdtemp(prefix="vdsm-gencerts-"))
    try:
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        _openssl(
            "req",
            "-x509",
            *curve,
            "-days",
            "365",
            "-subj",
            f"/O=VDSM Certificate/CN={name} CA",
            "-keyout",
            str(scratch / "ca.key"),
            "-out",
            str(scratch / "cacert.pem"),
        )
        _openssl(
            "req",
            *curve,
            "-subj",
            f"/O=VDSM Certificate/CN={name}",
            "-keyout",
            str(scratch / "vdsmkey.pem"),
            "-out",
            str(scratch / "vdsm.csr"),
        )
        (scratch / "san").write_text(f"subjectAltName=DNS:{name},DNS:localhost\n")
        _openssl(
            "x509",
            "-req",
            "-in",
            str(scratch / "vdsm.csr"),
            "-CA",
            str(scratch / "cacert.pem"),
            "-CAkey",
            str(scratch / "ca.key"),
            "-CAcreateserial",
            "-days",
            "365",
            "-extfile",
            str(scratch / "san"),
            "-out",
            str(scratch / "vdsmcert.pem"),
        )
        for file, folder, mode, owner in (
            ("cacert.pem", "certs", 0o644, 0),
            ("vdsmcert.pem", "certs", 0o644, 0),
            ("vdsmkey.pem", "keys", 0o440, VDSM_UID),
        ):
            target = PKI / folder / file
            shutil.move(scratch / file, target)
            os.chown(target, owner, KVM_GID)
            target.chmod(mode)
    finally:
        shutil.rmtree(scratch)
    return True


def restart(unit: str) -> None:
    """Restart a unit if it runs. Raises CalledProcessError."""
    subprocess.run(["systemctl", "try-restart", unit], check=True)


def is_active(unit: str) -> bool:
    """Whether a unit runs."""
    return subprocess.run(["systemctl", "is-active", "--quiet", unit], check=False).returncode == 0


def remove_config() -> bool:
    """Undo the sections; true when a file changed."""
    changed = [sections.remove(section.path) for section in sections.sections(host_uuid())]
    if SASL_CONF.exists() and SASL in SASL_CONF.read_text(encoding="utf-8"):
        SASL_CONF.write_text(SASL_CONF.read_text(encoding="utf-8").replace(SASL, ""), encoding="utf-8")
        changed.append(True)
    return any(changed)


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
