"""Fixtures of the host layer's tests."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest
from fake_host import FakeConnection, FakeFirewalld, LibvirtError

from ansible_collections.node0.hosted_engine.plugins.module_utils._host import firewall
from ansible_collections.node0.hosted_engine.plugins.module_utils._journal import Journal


@pytest.fixture
def libvirt(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeConnection]:
    """The hypervisor that C(import libvirt) leads to."""
    connection = FakeConnection()
    module = types.ModuleType("libvirt")
    constants = {
        "VIR_CRED_AUTHNAME": 2,
        "VIR_CRED_PASSPHRASE": 5,
        "VIR_DOMAIN_UNDEFINE_MANAGED_SAVE": 1,
        "VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA": 2,
        "VIR_DOMAIN_UNDEFINE_NVRAM": 4,
        "VIR_NETWORK_UPDATE_COMMAND_ADD_LAST": 3,
        "VIR_NETWORK_SECTION_IP_DHCP_HOST": 4,
        "VIR_NETWORK_UPDATE_AFFECT_LIVE": 1,
        "VIR_NETWORK_UPDATE_AFFECT_CONFIG": 2,
    }

    def open_auth(uri: str, auth: list[Any], _flags: int) -> FakeConnection:
        connection.opened.append(uri)
        if connection.refuse == "sasl":
            kinds, callback, data = auth
            questions = [[kind, "prompt", None, None, None] for kind in kinds]
            if callback(questions, data) != 0 or [q[4] for q in questions] != ["vdsm@ovirt", "canary"]:
                raise LibvirtError("authentication failed: Failed to start SASL negotiation")
        elif connection.refuse:
            raise LibvirtError(connection.refuse)
        return connection

    def open_read_only(uri: str) -> FakeConnection:
        connection.opened.append(f"{uri} ro")
        return connection

    functions = {
        "libvirtError": LibvirtError,
        "openAuth": open_auth,
        "openReadOnly": open_read_only,
        "registerErrorHandler": lambda _handler, _data: None,
    }
    for name, value in {**constants, **functions}.items():
        setattr(module, name, value)
    monkeypatch.setitem(sys.modules, "libvirt", module)
    yield connection


@pytest.fixture
def firewalld(monkeypatch: pytest.MonkeyPatch) -> FakeFirewalld:
    """The firewalld that C(from firewall.client import FirewallClient) leads to."""
    daemon = FakeFirewalld()
    contents: dict[str, dict[str, Any]] = {
        "dbus": {},
        "dbus.exceptions": {"DBusException": type("DBusException", (Exception,), {})},
        "firewall": {},
        "firewall.client": {"FirewallClient": lambda: daemon},
        "firewall.errors": {"FirewallError": type("FirewallError", (Exception,), {})},
    }
    for name, attributes in contents.items():
        module = types.ModuleType(name)
        for key, value in attributes.items():
            setattr(module, key, value)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(firewall.shutil, "which", lambda name: f"/usr/bin/{name}")
    return daemon


@pytest.fixture
def journal(tmp_path: Any) -> Journal:
    return Journal(str(tmp_path / "journal.json"), "bootstrap_local_vm")
