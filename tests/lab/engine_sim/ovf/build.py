# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""XML as the engine's writer spells it: attributes in the order given, empty elements with an end tag."""

from __future__ import annotations

import time

from lxml import etree

NAMESPACES = {
    "ovf": "http://schemas.dmtf.org/ovf/envelope/1/",
    "rasd": "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData",
    "vssd": "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "ovirt-tune": "http://ovirt.org/vm/tune/1.0",
    "ovirt-vm": "http://ovirt.org/vm/1.0",
}
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'


def el(
    tag: str, attributes: dict[str, object] | None = None, *content: object, namespaces: tuple[str, ...] = ()
) -> etree._Element:
    """An element. Names may have a prefix; content is text (numbers and booleans become text) or elements."""
    element = etree.Element(
        _qualified(tag),
        {_qualified(k): text(v) for k, v in (attributes or {}).items()},
        nsmap={prefix: NAMESPACES[prefix] for prefix in namespaces} or None,
    )
    element.text = ""
    for part in content:
        if isinstance(part, etree._Element):
            element.append(part)
        else:
            element.text += text(part)
    return element


def leaf(tag: str, value: object = "") -> etree._Element:
    """An element with nothing but text."""
    return el(tag, None, value)


def text(value: object) -> str:
    """Booleans in lower case, all else as Python prints it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def serialize(root: etree._Element) -> str:
    """The document, with the engine's declaration and no line breaks."""
    return _DECLARATION + etree.tostring(root, encoding="unicode")


def stamp(when: float) -> str:
    """A time in an OVF: `2026/11/25 02:10:30`, UTC."""
    return time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime(when))


def _qualified(name: str) -> str:
    prefix, colon, local = name.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{local}" if colon else name
