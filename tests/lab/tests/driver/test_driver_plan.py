"""Names and addresses of a lab."""

import pytest
from driver.errors import LabError
from driver.plan import Plan


def test_everything_follows_from_name_and_index() -> None:
    plan = Plan("drv", 7, 2)
    assert plan.bridge == "nl-drv"
    assert [(host.fqdn, host.address) for host in plan.hosts] == [
        ("he-host1.drv.lab.test", "10.77.7.11"),
        ("he-host2.drv.lab.test", "10.77.7.12"),
    ]
    assert (plan.engine_fqdn, plan.engine_address) == ("engine.drv.lab.test", "10.77.7.50")
    assert plan.engine_mac == "00:16:3e:77:07:50"
    assert plan.gateway == "10.77.7.1"


def test_interface_names_fit_the_kernel() -> None:
    plan = Plan("a" * 8, 0, 30)
    names = [plan.bridge, *(f"vb-{host.machine}" for host in plan.hosts)]
    assert max(len(name) for name in names) <= 15
    assert len(set(names)) == 31


def test_hosts_keep_their_uuid() -> None:
    assert Plan("a", 1, 1).hosts[0].uuid == Plan("a", 9, 3).hosts[0].uuid
    assert Plan("a", 1, 1).hosts[0].uuid != Plan("b", 1, 1).hosts[0].uuid


def test_each_address_has_one_reverse_name() -> None:
    rows = Plan("demo", 0, 3).addresses()
    assert len({address for address, _names in rows}) == len(rows)
    assert ("10.77.0.1", ["nfs.demo.lab.test", "gateway.demo.lab.test"]) in rows


def test_a_host_is_found_by_both_names() -> None:
    plan = Plan("demo", 0, 2)
    assert plan.host("he-host2") == plan.host("he-host2.demo.lab.test")
    with pytest.raises(LabError, match="no host 'he-host3'; it has he-host1, he-host2"):
        plan.host("he-host3")


@pytest.mark.parametrize(
    ("name", "index", "hosts"),
    [
        ("Demo", 0, 1),
        ("1a", 0, 1),
        ("a" * 9, 0, 1),
        ("a-", 0, 1),
        ("a/b", 0, 1),
        ("a", 256, 1),
        ("a", 0, 0),
        ("a", 0, 31),
    ],
)
def test_what_no_lab_can_be(name: str, index: int, hosts: int) -> None:
    with pytest.raises(LabError):
        Plan(name, index, hosts)
