"""What the base tree is made from."""

from pathlib import Path

import pytest
from driver.errors import LabError
from driver.layer import tree_digest
from driver.tree import apt_sources, base_digest, offers_suite, package_names

DEB822 = "Types: deb\nURIs: http://mirror.test/debian\nSuites: bookworm bookworm-updates\nComponents: main\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (DEB822, True),
        (DEB822 + "\nTypes: deb\nURIs: http://x.test\nSuites: trixie\nComponents: main\n", True),
        (DEB822.replace("deb\n", "deb-src\n", 1), False),
        (DEB822 + "Enabled: no\n", False),
        (DEB822.replace("bookworm bookworm-updates", "bookworm-security"), False),
        ("deb http://mirror.test/debian bookworm main contrib\n", True),
        ("deb [signed-by=/k.gpg arch=amd64] http://mirror.test/debian bookworm contrib main\n", True),
        ("# deb http://mirror.test/debian bookworm main\n", False),
        ("deb http://packages.test/node nodistro main\n", False),
        ("", False),
    ],
)
def test_sources_of_the_suite(text: str, expected: bool) -> None:
    assert offers_suite(text) is expected


def test_only_fitting_sources_are_taken(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d" / "debian.sources").write_text(DEB822)
    (tmp_path / "sources.list.d" / "other.sources").write_text(DEB822.replace("bookworm", "noble"))
    (tmp_path / "sources.list.d" / "old.list.disabled").write_text("deb http://x.test bookworm main\n")
    assert apt_sources(tmp_path) == [tmp_path / "sources.list.d" / "debian.sources"]


def test_no_source_is_said(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="bookworm"):
        apt_sources(tmp_path)


def test_package_names_are_plain() -> None:
    names = package_names()
    assert {"libvirt-daemon-system", "qemu-system-x86", "sanlock", "firewalld", "python3-libvirt"} <= set(names)
    assert len(names) == len(set(names))
    assert all(" " not in name and "," not in name for name in names)


def test_digest_is_stable() -> None:
    assert base_digest() == base_digest()


def test_tree_digest_sees_names_modes_and_contents(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("x")
    digests = {tree_digest([tmp_path])}
    path.chmod(0o755)
    digests.add(tree_digest([tmp_path]))
    path.write_text("y")
    digests.add(tree_digest([tmp_path]))
    path.rename(tmp_path / "b")
    digests.add(tree_digest([tmp_path]))
    digests.add(tree_digest([tmp_path], "seed"))
    assert len(digests) == 5
