# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The password of a machine's console (verbs updateDevice and setTicket)."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET
from typing import Any

import libvirt

from .. import errors

#: QEMU's VNC takes no longer password, in characters.
LONGEST = 8


def set_password(domain: Any, params: dict[str, Any]) -> None:
    """Set `password`, valid for `ttl` seconds. Raises libvirt.libvirtError, VdsmError without a console."""
    root = ET.fromstring(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_SECURE))
    kind = str(params.get("graphicsType", "vnc"))
    graphics = next((g for g in root.iterfind("devices/graphics") if g.get("type") == kind), None)
    if graphics is None:
        raise errors.error("UpdateDeviceFailed", f"no {kind} console")
    password = str(params.get("password", ""))[:LONGEST]
    graphics.set("passwd", password)
    ttl = float(params.get("ttl", 0) or 0)
    until = time.gmtime(time.time() + ttl) if password else time.gmtime(1)
    graphics.set("passwdValidTo", time.strftime("%Y-%m-%dT%H:%M:%S", until))
    graphics.attrib.pop("connected", None)
    action = params.get("existingConnAction")
    if action in ("keep", "disconnect", "fail"):
        graphics.set("connected", str(action))
    domain.updateDeviceFlags(ET.tostring(graphics, encoding="unicode"), 0)
