# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documents of the API: one tree of plain Python values, written and read as XML or JSON.

A document is a dict. Keys that begin with `@` are attributes (`@id`, `@href`); a list is a repeated element; a dict is
an element with members; "" is an empty element; None is left out. Leaves keep their type, which JSON needs: the engine
writes numbers and booleans as strings there, but times and decimals as numbers (measured on 4.5.8).
"""

from __future__ import annotations

import calendar
import json
from datetime import datetime, timezone
from typing import Any

from lxml import etree

from . import model
from .errors import ApiError, HtmlAnswer, InvalidValue

Doc = dict[str, Any]
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


class Malformed(Exception):
    """The body is not a document of the expected kind."""


def timestamp(seconds: float) -> datetime:
    """A time leaf from epoch seconds."""
    return datetime.fromtimestamp(seconds, timezone.utc)


# -- writing


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"
    if isinstance(value, float):
        return format(value, "g") if value == int(value) else str(value)
    return str(value)


def _append(parent: etree._Element, key: str, value: Any) -> None:
    if value is None:
        return
    if key.startswith("@"):
        parent.set(key[1:], _text(value))
    elif isinstance(value, list):
        for item in value:
            _append(parent, key, item)
    else:
        child = etree.SubElement(parent, key)
        if isinstance(value, dict):
            for name, member in value.items():
                _append(child, name, member)
        elif value != "":
            child.text = _text(value)


def to_xml(tag: str, doc: Doc) -> bytes:
    """The document as the engine writes it: no indentation needed, UTF-8, with declaration."""
    root = etree.Element(tag)
    for name, member in doc.items():
        _append(root, name, member)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, standalone=True)


def _json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key.lstrip("@"): _json(member) for key, member in value.items() if member is not None}
    if isinstance(value, list):
        return [_json(item) for item in value]
    if isinstance(value, datetime):
        return calendar.timegm(value.utctimetuple()) * 1000 + value.microsecond // 1000
    if isinstance(value, float):
        return int(value) if value == int(value) else value
    return _text(value)


def to_json(doc: Doc) -> bytes:
    """The document as JSON; the root element has no name there."""
    return json.dumps(_json(doc), ensure_ascii=False).encode()


# -- reading


def _leaf(kind: str, text: str) -> Any:
    if kind.startswith("enum:"):
        values = model.enum_values(kind[5:])
        if text.lower() not in values:
            listed = ", ".join(f"'{value}'" for value in values)
            raise InvalidValue(
                f"The string '{text}' isn't a valid value for the '{kind[5:]}' enumerated type. "
                f"Valid values are: {listed}."
            )
        return text.lower()
    if kind == "boolean":
        if text.lower() not in _BOOLEANS:
            raise InvalidValue(f'Value "{text}" isn\'t a valid boolean, it should be "true" , "false", "0" or "1"')
        return _BOOLEANS[text.lower()]
    try:
        if kind == "integer":
            number = int(text)
            if not -(2**63) <= number < 2**63:
                raise ValueError(text)
            return number
        if kind == "decimal":
            return float(text)
    except ValueError:
        raise Malformed(text) from None
    return text


def _from_element(element: etree._Element, tag: str) -> Doc:
    members = model.members(tag)
    doc: Doc = {"@" + str(name): value for name, value in element.attrib.items()}
    for child in element.iterchildren(etree.Element):
        name = str(child.tag)
        if name in ("link", "actions"):
            continue
        if members is None or name not in members:
            raise Malformed(name)
        doc[name] = _member(child, members[name])
    return doc


def _member(child: etree._Element, kind: str) -> Any:
    if kind.startswith("list:"):
        items: Doc = {}
        for item in child.iterchildren(etree.Element):
            items.setdefault(str(item.tag), []).append(_member(item, kind[5:]))
        return items
    if kind.startswith("type:"):
        return _from_element(child, kind[5:])
    return _leaf(kind, child.text or "")


def from_xml(body: bytes, tag: str) -> Doc:
    """Reads a request body of the type `tag`. Raises Malformed, InvalidValue."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Malformed(str(error)) from None
    name = str(root.tag)
    if name != tag:
        if model.members(name) is not None:
            raise HtmlAnswer(500, "argument type mismatch")
        raise Malformed(name)
    return _from_element(root, tag)


def _from_value(value: Any, kind: str, owner: str) -> Any:
    if kind.startswith("list:"):
        if isinstance(value, list):
            value = {"item": value}
        return {name: [_from_value(item, kind[5:], owner) for item in items] for name, items in value.items()}
    if kind.startswith("type:"):
        if not isinstance(value, dict):
            raise Malformed(owner)
        return _from_object(value, kind[5:])
    if isinstance(value, (dict, list)):
        raise Malformed(owner)
    return _leaf(kind, _text(value))


def _from_object(value: dict[str, Any], tag: str) -> Doc:
    members = model.members(tag) or {}
    doc: Doc = {}
    for name, member in value.items():
        if name in ("id", "href"):
            doc["@" + name] = member
        elif name in ("link", "actions") or member is None:
            continue
        elif name in members:
            doc[name] = _from_value(member, members[name], name)
        else:
            kind = "".join(part.capitalize() for part in tag.split("_"))
            raise HtmlAnswer(
                400, f'Unrecognized field "{name}" (class org.ovirt.engine.api.model.{kind}), not marked as ignorable'
            )
    return doc


def from_json(body: bytes, tag: str) -> Doc:
    """Reads a JSON request body of the type `tag`. Raises Malformed, InvalidValue, HtmlAnswer."""
    try:
        value = json.loads(body)
    except ValueError as error:
        raise Malformed(str(error)) from None
    if not isinstance(value, dict):
        raise Malformed("not an object")
    return _from_object(value, tag)


# -- access


def dig(doc: Any, path: str) -> Any:
    """The value at `a/b/@c`, or None."""
    for part in path.split("/"):
        if not isinstance(doc, dict) or part not in doc:
            return None
        doc = doc[part]
    return doc


def put(doc: Doc, path: str, value: Any) -> None:
    """Sets the value at `a/b/@c`, making the elements on the way."""
    *way, last = path.split("/")
    for part in way:
        doc = doc.setdefault(part, {})
    doc[last] = value


def items(doc: Any, path: str) -> list[Any]:
    """All items of the list at `path`, whatever their element is called."""
    found = dig(doc, path)
    return [item for group in found.values() for item in group] if isinstance(found, dict) else []


def fault(error: ApiError) -> Doc:
    """The members of a fault document."""
    return {"detail": error.detail, "reason": error.reason}
