# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documents: XML and JSON say the same, bodies are read by the types of the API."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import pytest
from engine_sim import doc, model
from engine_sim.errors import HtmlAnswer, InvalidValue
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

texts = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), max_size=12)
kinds = {"string": texts, "integer": st.integers(0, 2**60), "boolean": st.booleans()}


@st.composite
def documents(draw: st.DrawFn, tag: str = "cluster", depth: int = 1) -> dict[str, Any]:
    """A document of a type, with some of its members."""
    members = model.members(tag) or {}
    found: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from(sorted(members)), max_size=4, unique=True)) if members else ():
        kind = members[name]
        if kind in kinds:
            found[name] = draw(kinds[kind])
        elif kind.startswith("enum:"):
            found[name] = draw(st.sampled_from(model.enum_values(kind[5:])))
        elif kind.startswith("type:") and depth:
            found[name] = draw(documents(kind[5:], depth - 1))
        elif kind.startswith("list:type:") and depth:
            items = draw(st.lists(documents(kind[10:], depth - 1), min_size=1, max_size=2))
            found[name] = {kind[10:]: items}
    if draw(st.booleans()):
        found["@id"] = draw(st.sampled_from(["1", "00000000-0000-0000-0000-000000000000"]))
    return found


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents())
def test_what_is_written_as_xml_is_read_back(document: dict[str, Any]) -> None:
    assert doc.from_xml(doc.to_xml("cluster", document), "cluster") == document


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents())
def test_what_is_written_as_json_is_read_back(document: dict[str, Any]) -> None:
    assert doc.from_json(doc.to_json(document), "cluster") == document


def test_leaves_in_json() -> None:
    when = datetime(2026, 1, 2, 3, 4, 5, 678000, timezone.utc)
    written = json.loads(
        doc.to_json({"port": 54321, "enabled": True, "speed": 2600.0, "time": when, "comment": "", "gone": None})
    )
    assert written == {"port": "54321", "enabled": "true", "speed": 2600, "time": 1767323045678, "comment": ""}
    assert b"<time>2026-01-02T03:04:05.678Z</time>" in doc.to_xml("event", {"time": when})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"<cluster><name>x</cluster>",
        b"<cluster><nosuch/></cluster>",
        b"<nosuch/>",
        b"<cluster><upgrade_percent_complete>half</upgrade_percent_complete></cluster>",
    ],
)
def test_bodies_that_are_none(body: bytes) -> None:
    with pytest.raises(doc.Malformed):
        doc.from_xml(body, "cluster")


def test_other_errors_of_bodies() -> None:
    with pytest.raises(
        InvalidValue, match="isn't a valid value for the 'DiskFormat' enumerated type. Valid values are: 'cow', 'raw'"
    ):
        doc.from_xml(b"<disk><format>x</format></disk>", "disk")
    with pytest.raises(HtmlAnswer, match="argument type mismatch"):
        doc.from_xml(b"<host/>", "disk")
    with pytest.raises(HtmlAnswer, match='Unrecognized field "x"'):
        doc.from_json(b'{"x": 1}', "tag")


def test_entities_of_a_body_are_not_followed() -> None:
    body = b'<!DOCTYPE c [<!ENTITY x SYSTEM "file:///etc/hostname">]><tag><name>&x;</name></tag>'
    assert doc.from_xml(body, "tag").get("name", "") == ""
