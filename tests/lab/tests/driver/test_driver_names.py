"""The machine's hosts file, the name server's arguments and the registry of labs."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from driver.errors import LabError
from driver.network import dnsmasq_arguments, with_block, without_block
from driver.paths import LabPaths
from driver.plan import Plan
from driver.registry import Registry, locked

PLAN = Plan("unit", 9, 2)


@pytest.mark.parametrize("before", ["", "127.0.0.1 localhost\n", "127.0.0.1 localhost"])
def test_the_block_comes_and_goes(before: str) -> None:
    during = with_block(before, PLAN)
    assert "10.77.9.11 he-host1.unit.lab.test\n" in during
    assert without_block(during, "unit").rstrip("\n") == before.rstrip("\n")


def test_the_block_is_not_doubled() -> None:
    once = with_block("127.0.0.1 localhost\n", PLAN)
    assert with_block(once, PLAN) == once


def test_other_labs_keep_their_block() -> None:
    both = with_block(with_block("", Plan("other", 3, 1)), PLAN)
    assert without_block(both, "unit") == with_block("", Plan("other", 3, 1))


def test_a_block_cut_short_goes_whole() -> None:
    assert without_block("a\n# begin of lab unit\n10.77.9.11 x\n", "unit") == "a\n"


def test_the_engine_has_its_reservation(tmp_path: Path) -> None:
    arguments = dnsmasq_arguments(PLAN, LabPaths(tmp_path))
    assert "--dhcp-host=00:16:3e:77:09:50,10.77.9.50,engine" in arguments
    assert "--local=/9.77.10.in-addr.arpa/" in arguments
    assert "--no-resolv" in arguments


def test_the_demo_has_index_0_and_others_the_lowest_free(tmp_path: Path) -> None:
    with Registry.open(tmp_path) as registry:
        assert registry.claim("one", Path("/a")) == 1
        assert registry.claim("demo", Path("/b")) == 0
        assert registry.claim("two", Path("/c")) == 2
        registry.release("one", Path("/a"))
    with Registry.open(tmp_path) as registry:
        assert registry.claim("three", Path("/d")) == 1
        assert registry.claim("two", Path("/c")) == 2


def test_two_checkouts_cannot_have_one_lab(tmp_path: Path) -> None:
    with Registry.open(tmp_path) as registry:
        registry.claim("demo", Path("/a"))
        with pytest.raises(LabError, match="/a"):
            registry.claim("demo", Path("/b"))
        registry.release("demo", Path("/b"))
        assert "demo" in registry.labs


def test_the_last_lab_takes_the_registry_with_it(tmp_path: Path) -> None:
    directory = tmp_path / "labs"
    with Registry.open(directory) as registry:
        registry.claim("demo", Path("/a"))
    assert (directory / "labs.json").exists()
    with Registry.open(directory) as registry:
        registry.release("demo", Path("/a"))
    assert not directory.exists()


def test_labs_that_start_together_get_different_indexes(tmp_path: Path) -> None:
    """Also while others leave, and the lock's file with them."""

    def come_and_go(number: int) -> list[int]:
        seen = []
        for _round in range(20):
            with Registry.open(tmp_path / "labs") as registry:
                seen.append(registry.claim(f"l{number}", Path("/a")))
                assert len({lab["index"] for lab in registry.labs.values()}) == len(registry.labs)
            with Registry.open(tmp_path / "labs") as registry:
                assert f"l{number}" in registry.labs
                registry.release(f"l{number}", Path("/a"))
        return seen

    with ThreadPoolExecutor(4) as pool:
        assert all(0 < index <= 4 for seen in pool.map(come_and_go, range(4)) for index in seen)
    assert not (tmp_path / "labs").exists()


def test_an_error_inside_frees_the_lock(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), locked(tmp_path / "lock"):
        raise FileNotFoundError("inside")
    with locked(tmp_path / "lock"):
        assert (tmp_path / "lock").exists()
