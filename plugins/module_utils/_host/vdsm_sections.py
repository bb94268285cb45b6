# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Take out of libvirt's configuration what an earlier vdsm has put in (host contract 10.1).

With it libvirt demands a password, TLS and leases, and the bootstrap VM cannot be started. vdsm puts it in again when
the host is added. Each file is kept as a dated copy first.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from collections.abc import Sequence

from ansible_collections.node0.hosted_engine.plugins.module_utils._host import textfile, undo
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.ledger import Ledger
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import run

KIND = "changed_file"
FILES = (
    "/etc/libvirt/libvirtd.conf",
    "/etc/libvirt/qemu.conf",
    "/etc/libvirt/qemu-sanlock.conf",
    "/etc/sysconfig/libvirtd",
    "/etc/sasl2/libvirt.conf",
)
# vdsm makes libvirtd ask for its TLS socket, which needs certificates that are not there any more.
TLS_LINK = "/etc/systemd/system/libvirtd.service.requires/libvirtd-tls.socket"
STOPPED = ("ovirt-ha-agent", "ovirt-ha-broker", "vdsmd", "libvirtd-tls.socket")

# Begin and end of the sections, whatever the version of vdsm.
_SECTIONS = tuple(
    re.compile(rf"^{begin}[^\n]*\n.*?^{end}[^\n]*(?:\n|\Z)", re.MULTILINE | re.DOTALL)
    for begin, end in (
        (r"## beginning of configuration section by vdsm", r"## end of configuration section by vdsm"),
        (r"## beginning of configuration section for VNC", r"## end of configuration section for VNC"),
        (r"## beginning configuration section for VNC", r"## end configuration section for VNC"),
        (r"## start vdsm-\S+ configuration", r"## end vdsm configuration"),
    )
)


def without_sections(text: str) -> str:
    """Return a configuration without vdsm's sections; one whose end is missing is left alone."""
    for section in _SECTIONS:
        text = section.sub("", text)
    return text


def remove(ledger: Ledger, dry_run: bool, files: Sequence[str] = FILES, tls_link: str = TLS_LINK) -> list[str]:
    """Remove vdsm's sections, then restart libvirt without them; return what was changed, in words.

    Args:
        ledger: the journal.
        dry_run: only say what would be changed.
        files: configuration files.
        tls_link: the link that vdsm has made.
    """
    changed = [path for path in files if textfile.edit(path, without_sections, dry_run=True)]
    linked = os.path.lexists(tls_link)
    words = [f"vdsm's section in {path}" for path in changed] + ([tls_link] if linked else [])
    if dry_run or not words:
        return words
    # vdsm would configure libvirt again, and the HA services would start the engine VM.
    run(["systemctl", "disable", "--now", *_known(STOPPED)], timeout=180, check=False)
    for path in changed:
        _edit(path, ledger)
    if linked:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(tls_link)
        run(["systemctl", "daemon-reload"])
    run(["systemctl", "try-restart", "libvirtd"], timeout=180)
    return words


def _edit(path: str, ledger: Ledger) -> None:
    backup = f"{path}.node0-{time.strftime('%Y%m%d%H%M%S', time.gmtime())}"
    with ledger.making(KIND, path, backup=backup) as entry:
        shutil.copy2(path, backup)
        found = os.stat(path)
        os.chown(backup, found.st_uid, found.st_gid)
        textfile.edit(path, without_sections)
        entry["digest"] = undo.digest(path)


def _known(units: Sequence[str]) -> list[str]:
    told = run(["systemctl", "list-unit-files", "--no-legend", "--plain"], check=False).stdout
    found = {line.split()[0] for line in told.splitlines() if line.strip()}
    return [unit for unit in units if unit in found or f"{unit}.service" in found]
