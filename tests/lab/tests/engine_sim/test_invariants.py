# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What holds after any sequence of operations: no dangling link, every address resolves, events speak of objects that
exist or were removed, XML and JSON say the same."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from crawl import _as_json, plain
from engine_sim import doc as docs
from engine_sim.errors import ApiError, HtmlAnswer, NotFound
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from lxml import etree
from offline import Offline

API = "/ovirt-engine/api"
NAMES = ("a", "b", "ovirtmgmt", "Default")
#: Collections with what a new member's document says; `{x}` is the id of a random object of that kind.
KINDS = {
    "datacenters": "<data_center><name>{name}</name><local>false</local></data_center>",
    "clusters": "<cluster><name>{name}</name><data_center id='{datacenters}'/></cluster>",
    "networks": "<network><name>{name}</name><data_center id='{datacenters}'/></network>",
    "macpools": "<mac_pool><name>{name}</name><ranges><range><from>00:1a:4a:00:00:00</from>"
    "<to>00:1a:4a:00:00:ff</to></range></ranges></mac_pool>",
    "vnicprofiles": "<vnic_profile><name>{name}</name><network id='{networks}'/></vnic_profile>",
    "tags": "<tag><name>{name}</name><parent id='{tags}'/></tag>",
    "bookmarks": "<bookmark><name>{name}</name><value>Vms:</value></bookmark>",
    "roles": "<role><name>{name}</name><permits><permit id='1'/></permits></role>",
    "affinitylabels": "<affinity_label><name>{name}</name></affinity_label>",
    "vms": "<vm><name>{name}</name><cluster id='{clusters}'/>"
    "<template id='00000000-0000-0000-0000-000000000000'/></vm>",
    "events": "<event><custom_id>{number}</custom_id><description>d</description><origin>test</origin>"
    "<severity>normal</severity></event>",
    "jobs": "<job><description>{name}</description></job>",
    "datacenters/{datacenters}/quotas": "<quota><name>{name}</name></quota>",
    "datacenters/{datacenters}/qoss": "<qos><name>{name}</name><type>cpu</type><cpu_limit>5</cpu_limit></qos>",
    "clusters/{clusters}/networks": "<network id='{networks}'/>",
    "clusters/{clusters}/affinitygroups": "<affinity_group><name>{name}</name></affinity_group>",
    "clusters/{clusters}/permissions": "<permission><role><name>ClusterAdmin</name></role><user id='{users}'/>"
    "</permission>",
    "vms/{vms}/nics": "<nic><name>{name}</name><vnic_profile id='{vnicprofiles}'/></nic>",
    "vms/{vms}/tags": "<tag id='{tags}'/>",
    "vms/{vms}/affinitylabels": "<affinity_label id='{affinitylabels}'/>",
    "vms/{vms}/watchdogs": "<watchdog><action>reset</action><model>i6300esb</model></watchdog>",
    "networks/{networks}/networklabels": "<network_label id='{name}'/>",
}
CHANGES = {
    "datacenters": "<data_center><name>{name}</name><description>{name}</description></data_center>",
    "clusters": "<cluster><name>{name}</name></cluster>",
    "networks": "<network><name>{name}</name><vlan id='{number}'/></network>",
    "tags": "<tag><name>{name}</name></tag>",
    "vms": "<vm><name>{name}</name><memory>2147483648</memory></vm>",
    "bookmarks": "<bookmark><name>{name}</name></bookmark>",
}
steps = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "add", "change", "remove"]),
        st.sampled_from(sorted(KINDS)),
        st.sampled_from(NAMES),
        st.integers(0, 30),
    ),
    min_size=8,
    max_size=30,
)


class Player:
    """Carries out random steps; what the engine refuses is no failure, anything else that is raised is."""

    def __init__(self, engine: Offline) -> None:
        self.engine = engine
        engine.engine.db.execute("UPDATE cluster SET architecture = 'x86_64', bios_type = 'q35_ovmf'")  # a host was up
        self.removed: set[str] = set()
        self.done = 0

    def ids(self, path: str) -> list[str]:
        return [member["@id"] for member in next(iter(self.engine.get(path).values()), [])]

    def pick(self, path: str, number: int) -> str:
        found = self.ids(path)
        return found[number % len(found)] if found else "00000000-0000-0000-0000-00000000dead"

    def filled(self, text: str, name: str, number: int) -> str:
        values = {key: self.pick(key, number) for key in ("datacenters", "clusters", "networks", "tags", "users")}
        values |= {key: self.pick(key, number) for key in ("vms", "vnicprofiles", "affinitylabels")}
        return text.format(name=name, number=number, **values)

    def play_removal(self, path: str, key: str) -> None:
        try:
            self.engine.delete(f"{path}/{key}")
        except ApiError:
            return

    def play(self, verb: str, kind: str, name: str, number: int) -> None:
        path = self.filled(kind, name, number)
        try:
            if verb == "add":
                self.engine.post(path, self.filled(KINDS[kind], name, number).encode())
            elif verb == "change" and kind in CHANGES:
                change = self.filled(CHANGES[kind], name, number).encode()
                self.engine.put(f"{path}/{self.pick(path, number)}", change)
            elif verb == "remove":
                key = self.pick(path, number)
                self.engine.delete(f"{path}/{key}")
                self.removed.add(key)
            self.done += 1
        except (ApiError, HtmlAnswer, NotFound):
            return


@settings(
    max_examples=10, deadline=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(steps)
def test_whatever_was_done(orders: list[tuple[str, str, str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine = Offline(Path(folder))
        try:
            player = Player(engine)
            for order in orders:
                player.play(*order)
            seen = crawl(engine)
            assert len(seen) > 300
            check_events(engine, player.removed)
        finally:
            engine.engine.stop()
            engine.engine.db.close()


def crawl(engine: Offline) -> set[str]:
    """Follows every address of every document; each resolves, and both formats say the same."""
    todo, seen = [(API, "")], set[str]()
    while todo:
        path, referrer = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        try:
            found = engine.get(path.removeprefix(API))
        except (ApiError, HtmlAnswer, NotFound) as error:
            raise AssertionError(f"{path} does not resolve; {referrer} leads there") from error
        root = etree.fromstring(docs.to_xml("document", found))
        assert (plain(json.loads(docs.to_json(found))) or {}) == (plain(_as_json(root)) or {}), path
        if not path.startswith(f"{API}/events/"):  # events speak of objects that may be gone: `check_events`
            todo += [(href, path) for href in references(root) if href not in seen]
    return seen


def references(root: etree._Element) -> list[str]:
    found = []
    for element in root.iter():
        parent, href = element.getparent(), element.get("href")
        inside_event = any(above.tag == "event" for above in element.iterancestors())
        if href and "{" not in href and not inside_event and not (parent is not None and parent.tag == "actions"):
            found.append(href)
    return found


def check_events(engine: Offline, removed: set[str]) -> None:
    """What an event speaks of exists, or was removed since (with all that went with it)."""
    for event in engine.get("events").get("event", []):
        for name, member in event.items():
            if isinstance(member, dict) and "@href" in member and member["@id"] not in removed:
                assert engine.get(member["@href"].removeprefix(API)), (name, event)


def test_a_long_life_keeps_no_orphans(tmp_path: Any) -> None:
    """After everything that was made is removed again, only the installation is left."""
    engine = Offline(tmp_path)
    tables = [row["name"] for row in engine.engine.db.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
    quiet = {"audit_log", "job", "sqlite_sequence", "step"}

    def counts() -> dict[str, int]:
        return {name: int(engine.engine.db.value(f"SELECT count(*) FROM {name}") or 0) for name in set(tables) - quiet}

    before = counts()
    player = Player(engine)
    player.play("add", "datacenters", "a", 0)
    for kind in sorted(KINDS):
        player.play("add", kind, "a", 1)
    assert player.done > 15
    assert counts() != before
    for path in ("vms", "affinitylabels", "tags", "bookmarks", "roles", "macpools"):
        for key in player.ids(path):
            player.play_removal(path, key)
    for key in player.ids("clusters"):
        for part in ("affinitygroups",):
            for group in player.ids(f"clusters/{key}/{part}"):
                player.play_removal(f"clusters/{key}/{part}", group)
    assert player.engine.get("vms") == {}
    assert player.engine.get("tags")["tag"][0]["name"] == "root"
    left = counts()
    for name in ("vm_static", "vm_dynamic", "vm_interface", "vm_device", "snapshots", "labels", "labels_map"):
        assert left[name] == before[name], name
    for name in ("tags_vm_map", "affinity_groups", "affinity_group_members", "roles_groups", "bookmarks"):
        assert left[name] == before[name], name
    engine.engine.stop()
