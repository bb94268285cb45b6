# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Walks all addresses of a running simulator and compares its two formats."""

from __future__ import annotations

import base64
import http.client
import json
import re
import ssl
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from lxml import etree

DATE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
#: What changes between two looks.
MOVING = {"time", "datum", "max_scheduling_memory", "data"}


class Crawler:
    """Gets documents over one connection; `broken` holds what did not answer 200."""

    def __init__(self, state: dict[str, Any]) -> None:
        address = urlsplit(state["url"])
        context = ssl.create_default_context(cafile=state["ca_file"])
        self._connection = http.client.HTTPSConnection(
            address.hostname or "", address.port, context=context, timeout=60
        )
        secret = base64.b64encode(f"{state['user']}:{state['password']}".encode()).decode()
        self._headers = {"Authorization": f"Basic {secret}"}
        self.seen: set[str] = set()
        self.broken: dict[str, int] = {}

    def get(self, path: str, accept: str) -> tuple[int, bytes]:
        self._connection.request("GET", path, headers={**self._headers, "Accept": accept})
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def crawl(self, start: str) -> None:
        todo = [start]
        while todo:
            path = todo.pop()
            if path in self.seen:
                continue
            self.seen.add(path)
            status, body = self.get(path, "application/xml")
            if status != 200:
                self.broken[path] = status
                continue
            root = etree.fromstring(body)
            status, text = self.get(path, "application/json")
            assert status == 200, path
            assert (plain(json.loads(text)) or {}) == (plain(_as_json(root)) or {}), path
            todo += [href for href in _references(root) if href not in self.seen]


def _references(root: etree._Element) -> list[str]:
    """Addresses in a document; those of actions take POST only, templates are none."""
    found = []
    if str(root.tag).startswith("event"):  # events speak of objects that may be gone
        return [str(event.get("href")) for event in root.iter("event")]
    for element in root.iter():
        parent = element.getparent()
        href = element.get("href")
        if href and "{" not in href and not (parent is not None and parent.tag == "actions"):
            found.append(href)
    return found


def _as_json(element: etree._Element) -> Any:
    """The XML as the JSON would be: lists for what repeats is decided by `plain`."""
    if len(element) == 0 and not element.attrib:
        return element.text or ""
    found: dict[str, Any] = {str(key): value for key, value in element.attrib.items()}
    for child in element:
        found.setdefault(str(child.tag), []).append(_as_json(child))
    return found


def plain(value: Any) -> Any:
    """Both formats in one form: single items and lists alike, leaves as text, times as milliseconds."""
    if isinstance(value, dict):
        members = {key: plain(item) for key, item in value.items() if key not in MOVING}
        return {key: item for key, item in members.items() if item not in ({}, "", [])}
    if isinstance(value, list):
        items = [plain(item) for item in value]
        return items[0] if len(items) == 1 else items
    if isinstance(value, str) and DATE.fullmatch(value):
        return str(round(datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp() * 1000))
    return str(value)
