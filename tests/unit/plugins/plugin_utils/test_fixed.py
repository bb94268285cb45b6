"""What a deployment has been made with stays so; what is not made yet may change."""

from __future__ import annotations

from typing import Any

import pytest
from settings_cases import GOOD, HOST

from ansible_collections.node0.hosted_engine.plugins.filter.changed_settings import changed_settings
from ansible_collections.node0.hosted_engine.plugins.plugin_utils import _settings
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._fixed import FIXED, changed
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._validate import validate

# In the order in which a deployment makes them.
THINGS = ("local_vm", "engine", "engine_host", "storage", "target_vm", "ha_service")


def settings(**changes: Any) -> dict[str, Any]:
    return _settings.complete(_settings.build(validate({**GOOD, **changes})[0]), HOST)


def journal(last: str) -> dict[str, Any]:
    """The journal of a deployment that has come as far as this."""
    made = THINGS[: THINGS.index(last) + 1]
    return {"state": {"appliance": {}, "settings": settings(), **dict.fromkeys(made, {})}}


def test_all_that_is_fixed_is_a_setting_with_a_name() -> None:
    assert sorted(FIXED) == sorted(THINGS)
    for areas in FIXED.values():
        for area, keys in areas.items():
            assert set(keys) <= set(_settings.VARIABLES[area])


@pytest.mark.parametrize(
    ("change", "free", "fixed"),
    [
        ({"he_fqdn": "other.example.com"}, "", "local_vm"),
        ({"he_vm_mac_addr": "00:16:3e:00:00:01"}, "", "local_vm"),
        ({"he_enable_keycloak": False}, "local_vm", "engine"),
        ({"he_host_name": "other"}, "engine", "engine_host"),
        ({"he_cluster": "Other"}, "engine", "engine_host"),
        ({"he_storage_domain_path": "/exports/other"}, "engine_host", "storage"),
        ({"he_mem_size_MB": 5000}, "storage", "target_vm"),
        ({"he_gateway": "192.0.2.1"}, "target_vm", "ha_service"),
        ({"he_timeout_ha": 99}, "ha_service", ""),
    ],
)
def test_a_change_is_found_from_when_it_comes_too_late(change: dict[str, Any], free: str, fixed: str) -> None:
    if free:
        assert changed(settings(**change), journal(free)) == []
    if fixed:
        names = [finding.source for finding in changed(settings(**change), journal(fixed))]
        assert next(iter(change)) in names


def test_a_finding_says_what_was_and_what_is() -> None:
    found = changed_settings(
        settings(he_fqdn="other.example.com", he_vm_mac_addr=settings()["vm"]["mac"]), journal("engine")
    )
    assert found["findings"] == [
        {
            "id": "settings.fixed",
            "source": "he_fqdn",
            "expected": "'engine.example.com', with which the deployment on this host was begun",
            "seen": "'other.example.com'",
            "advice": "Set it back, or undo the deployment with cleanup.yml and begin anew.",
            "severity": "block",
        }
    ]
    assert found["told"].startswith("  [settings.fixed] he_fqdn: expected 'engine.example.com'")


def test_a_finished_deployment_is_told_about_and_goes_on() -> None:
    found = changed_settings(settings(he_mem_size_MB=5000), journal("ha_service"), True)
    assert [(one["severity"], one["seen"]) for one in found["findings"]] == [("warn", "5000 MiB")]
    assert found["told"] == ""


@pytest.mark.parametrize("noted", [None, {}, {"state": {"settings": {}}}, {"state": {"local_vm": {}}}])
def test_nothing_is_compared_before_something_is_made(noted: dict[str, Any] | None) -> None:
    assert changed(settings(he_fqdn="other.example.com"), noted) == []
