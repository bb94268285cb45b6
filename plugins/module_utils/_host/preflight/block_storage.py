# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Storage of a SAN: what an iSCSI portal offers, Fibre Channel's links, and the disk that is asked for."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine import sizes
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import iscsi, luns
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.preflight.registry import (
    Context,
    Finding,
    Result,
    check,
)

_LUN = "he_lun_id"
_WIPE = "Name another LUN; or wipe it, once you are sure that nobody needs what is on it: wipefs -a."


def _is_iscsi(context: Context) -> bool:
    return context.settings.storage_type == "iscsi" and bool(context.settings.iscsi_portals)


def _is_fc(context: Context) -> bool:
    return context.settings.storage_type == "fc"


@check(
    "storage.iscsi",
    block=(
        ".tools",
        ".portal",
        ".discovery_chap",
        ".login_chap",
        ".target",
        ".login",
        *(f".lun_{word}" for word in ("missing", "too_small", "in_use")),
    ),
    warn=(".unread", ".lun_single_path"),
    when=_is_iscsi,
)
def iscsi_target(context: Context) -> Result:
    """The portal offers the target, lets the host log in, and the LUN is there, empty and large enough."""
    settings = context.settings
    if not iscsi.is_installed():
        yield Finding("storage.iscsi.tools", "iscsiadm", "not there", "Install iscsi-initiator-utils (or open-iscsi).")
        return
    found = context.storage()
    first = settings.iscsi_portals[0]
    portal = f"{first['address']}:{first.get('port') or iscsi.PORT}"
    if found.get("error"):
        resolution = "Try it by hand: iscsiadm -m discovery -t sendtargets -p PORTAL; the engine will try it too."
        yield Finding("storage.iscsi.unread", f"an answer of {portal}", found["error"], resolution)
    elif found.get("failed") == "driver":
        resolution = "Load the kernel module iscsi_tcp, and start iscsid."
        yield Finding("storage.iscsi.tools", "a kernel with iSCSI", found["words"], resolution)
    elif found.get("failed") == "authentication":
        discovery = found["step"] == "discovery"
        name, source = (
            ("discovery_chap", "he_iscsi_discover_username") if discovery else ("login_chap", "he_iscsi_username")
        )
        resolution = f"Correct {source} and its password; the target must know this host's initiator name too."
        yield Finding(f"storage.iscsi.{name}", f"{portal} to accept the user", found["words"], resolution, source)
    elif found.get("step") == "discovery":
        resolution = "Start the target, open its port 3260/tcp, or correct he_iscsi_portal_addr."
        yield Finding(
            "storage.iscsi.portal", f"targets at {portal}", found["words"], resolution, "he_iscsi_portal_addr"
        )
    elif settings.iscsi_target not in found.get("targets", []):
        offered = ", ".join(found.get("targets", [])) or "none"
        resolution = "Correct he_iscsi_target, or allow this host's initiator name there."
        yield Finding("storage.iscsi.target", settings.iscsi_target, offered, resolution, "he_iscsi_target")
    elif found.get("step") == "login":
        resolution = "Allow this host's initiator name (/etc/iscsi/initiatorname.iscsi) at the target."
        yield Finding("storage.iscsi.login", "the login to succeed", found["words"], resolution, "he_iscsi_target")
    else:
        yield f"{settings.iscsi_target} at {portal}"
        yield from _lun("storage.iscsi", context, [luns.Lun(**one) for one in found.get("luns", [])])


@check(
    "storage.fc",
    block=(".adapter", ".link", ".lun_missing", ".lun_too_small", ".lun_in_use"),
    warn=(".lun_single_path", ".link_down"),
    when=_is_fc,
)
def fibre_channel(context: Context) -> Result:
    """A Fibre Channel port has a link, and the LUN is there, empty and large enough."""
    ports = luns.fc_ports()
    told = ", ".join(f"{name} {state}" for name, state in ports.items())
    if not ports:
        yield Finding("storage.fc.adapter", "a Fibre Channel adapter", "none", "Install one, or load its driver.")
        return
    if "Online" not in ports.values():
        yield Finding("storage.fc.link", "a port with a link", told, "Check cabling, zoning and the switch.")
        return
    if set(ports.values()) != {"Online"}:
        yield Finding("storage.fc.link_down", "all ports with a link", told, "Check cabling, zoning and the switch.")
    yield told
    yield from _lun("storage.fc", context, [one for one in luns.read() if one.transport == "fc"])


def _lun(prefix: str, context: Context, found: Sequence[luns.Lun]) -> Result:
    settings = context.settings
    if not settings.lun:
        return
    chosen = next((one for one in found if one.is_called(settings.lun)), None)
    if chosen is None:
        seen = ", ".join(f"{one.wwn or one.name} ({sizes.human(one.size)})" for one in found) or "no LUN"
        resolution = "Correct he_lun_id, or map the LUN to this host."
        yield Finding(f"{prefix}.lun_missing", f"LUN {settings.lun}", seen, resolution, _LUN)
        return
    needed = sizes.required_space(settings.disk_size) if settings.disk_size else 0
    if chosen.size < needed:
        resolution = "Take a larger LUN, or lower he_disk_size_GB."
        yield Finding(f"{prefix}.lun_too_small", sizes.human(needed), sizes.human(chosen.size), resolution, _LUN)
    if chosen.content and not context.begun("create_storage_domain"):
        yield Finding(f"{prefix}.lun_in_use", "an empty LUN", ", ".join(chosen.content), _WIPE, _LUN)
    if chosen.paths < 2:
        resolution = "Give the LUN a second path, or live with the only one."
        yield Finding(f"{prefix}.lun_single_path", "two paths or more", "one", resolution, _LUN)
    yield f"LUN {chosen.wwn}, {sizes.human(chosen.size)}, {chosen.paths} paths"
