# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sections that VDSM keeps in files of others, between its real markers (host contract 10.1, 10.6).

The content is what a lab host can bear. Real VDSM also asks for SASL on libvirt's socket, for the user qemu and for
sanlock as lock manager; QEMU runs as root in a container, so each section says what it leaves out.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

#: Version that real VDSM 4.50 writes into the markers.
SECTION_VERSION = "4.40.0"
BEGIN = f"## beginning of configuration section by vdsm-{SECTION_VERSION}\n"
END = f"## end of configuration section by vdsm-{SECTION_VERSION}\n"
_SECTION = re.compile(
    r"^## beginning of configuration section by vdsm-[0-9.]+\n.*?^## end of configuration section by vdsm-[0-9.]+\n",
    re.MULTILINE | re.DOTALL,
)
SASL = (
    "## start vdsm-4.50.0 configuration\nmech_list: scram-sha-256\nsasldb_path: /etc/libvirt/passwd.db\n"
    "## end vdsm configuration\n"
)


class Section(NamedTuple):
    """One file and the lines VDSM wants in it."""

    path: Path
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The section with its markers."""
        return BEGIN + "".join(f"{line}\n" for line in self.lines) + END


def sections(host_uuid: str, root: Path = Path("/")) -> list[Section]:
    """The sections of a host."""
    return [
        Section(
            root / "etc/libvirt/libvirtd.conf",
            (
                '# lab: auth_unix_rw="sasl" is left out, there is no SCRAM module; TLS listeners are not opened',
                'auth_unix_rw="none"',
                f'host_uuid="{host_uuid}"',
                "keepalive_interval=-1",
            ),
        ),
        Section(
            root / "etc/libvirt/qemu.conf",
            (
                '# lab: user, group, dynamic_ownership, max_core and lock_manager="sanlock" are left out (container)',
                "remote_display_port_max=6923",
                "remote_display_port_min=5900",
                'save_image_format="raw"',
            ),
        ),
        Section(root / "etc/libvirt/qemu-sanlock.conf", ("auto_disk_leases=0", "require_lease_for_disks=0")),
        Section(root / "etc/sysconfig/libvirtd", ("DAEMON_COREFILE_LIMIT=unlimited", "LIBVIRTD_ARGS=")),
    ]


def without_section(text: str) -> str:
    """The text without any section of VDSM, of whatever version."""
    return _SECTION.sub("", text)


def is_written(section: Section) -> bool:
    """Whether the file holds exactly this section."""
    return section.path.exists() and section.text in section.path.read_text(encoding="utf-8")


def write(section: Section) -> bool:
    """Put the section at the end of its file; true when that changed it."""
    old = section.path.read_text(encoding="utf-8") if section.path.exists() else ""
    new = without_section(old)
    if new and not new.endswith("\n"):
        new += "\n"
    new += section.text
    return _replace(section.path, old, new)


def remove(path: Path) -> bool:
    """Take every section out of a file; true when that changed it."""
    if not path.exists():
        return False
    old = path.read_text(encoding="utf-8")
    return _replace(path, old, without_section(old))


def _replace(path: Path, old: str, new: str) -> bool:
    if new == old:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = path.stat().st_mode & 0o7777 if path.exists() else 0o644
    draft = path.with_name(path.name + ".vdsm-new")
    draft.write_text(new, encoding="utf-8")
    draft.chmod(mode)
    draft.replace(path)
    return True
