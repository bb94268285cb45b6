# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The reader of vm.conf behind ``hosted-engine --vm-start`` (host contract 2.2).

It is not the agent's: here all white space goes, and ``#`` starts a comment anywhere in a line.
"""

import base64
from typing import Any

from lxml import etree

_OVIRT_VM = "http://ovirt.org/vm/1.0"

Spec = dict[str, Any]


def _nested(text: str) -> tuple[Spec, str]:
    """Read ``key:value,...}`` after its opening brace; return it and what follows the closing one."""
    spec: Spec = {}
    rest = text
    while True:
        if not rest or ("}" not in rest):
            raise ValueError(f"nested spec not terminated with '}}' in '{rest}'")
        if rest[0] == "}":
            return spec, rest[1:]
        if rest[0] == ",":
            rest = rest[1:]
            continue
        key, _colon, rest = rest.partition(":")
        if rest.startswith("{"):
            spec[key], rest = _nested(rest[1:])
            continue
        end = min(position for position in (rest.find(","), rest.find("}")) if position >= 0)
        spec[key], rest = rest[:end], rest[end:]


def parse_device(text: str) -> Spec:
    """Read one device in vdsm's nested notation, with or without its outer braces.

    Raises ValueError for an unclosed brace or text behind the last one.
    """
    inner = text[1:] if text.startswith("{") else text + "}"
    spec, rest = _nested(inner)
    if rest:
        raise ValueError(f"Trailing garbage after spec: '{rest}'")
    return spec


def _launch_paused(xml: str, paused: str) -> str:
    """Return the XML with the start mode in its oVirt metadata, where the engine would put it."""
    root = etree.fromstring(xml.encode())
    vm = root.find(f"metadata/{{{_OVIRT_VM}}}vm")
    if vm is None:
        raise ValueError("the engine XML has no ovirt-vm:vm metadata")
    for child in list(vm):
        if etree.QName(child).localname == "launchPaused":
            vm.remove(child)
    etree.SubElement(vm, f"{{{_OVIRT_VM}}}launchPaused").text = paused
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8")).decode()


def parse_vm_conf(text: str) -> Spec:
    """Return the parameters of VM.create.

    ``devices`` is a list, ``custom_KEY`` goes under ``custom``, ``xmlBase64`` becomes ``xml``. Raises ValueError for a
    device or a base64 text that cannot be read (binascii.Error is one).
    """
    params: Spec = {}
    for raw in text.splitlines():
        line = "".join(raw.partition("#")[0].split())
        if not line:
            continue
        key, _equals, value = line.partition("=")
        if key == "devices":
            params.setdefault("devices", []).append(parse_device(value))
        elif key.startswith("custom_"):
            params.setdefault("custom", {})[key.removeprefix("custom_")] = value
        elif key == "xmlBase64":
            params["xml"] = base64.b64decode(value).decode()
        else:
            params[key] = value
    if "xml" in params and "launchPaused" in params:
        params["xml"] = _launch_paused(params["xml"], params["launchPaused"])
    return params


def parse_vm_conf_file(path: str) -> Spec:
    """Read the file; raises OSError, and ValueError as above."""
    with open(path, encoding="utf-8") as stream:
        return parse_vm_conf(stream.read())
