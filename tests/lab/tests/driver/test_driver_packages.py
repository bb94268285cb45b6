"""Manifests, packages and the repository."""

import shutil
import subprocess
from pathlib import Path

import pytest
from driver import build, sdk
from driver.debs import deb_of
from driver.errors import LabError
from driver.manifest import load
from driver.paths import CHECKOUT, HOST_SOURCES
from driver.repository import deb_name, repository_of

needs_dpkg = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not installed")

MANIFEST = """
version = "4.50.5"
depends = ["python3", "sanlock"]
conffiles = ["/etc/vdsm/vdsm.conf"]
directories = ["/rhev/data-center"]
postinst = "postinst"
[files]
"/etc/vdsm/vdsm.conf" = "src/vdsm.conf"
"/usr/lib/python3/dist-packages/vdsmd" = "src/vdsmd"
"/usr/bin/vdsm-client" = "src/client"
"/usr/lib/systemd/system/vdsmd.service" = "src/vdsmd.service"
[modes]
"/etc/vdsm/vdsm.conf" = "0640"
[owners]
"/rhev/*" = "36:36"
"""


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    files = {
        "vdsm/package.toml": MANIFEST,
        "vdsm/postinst": "#!/bin/sh\nset -e\necho installed\n",
        "src/vdsm.conf": "[vars]\n",
        "src/vdsmd/__init__.py": "",
        "src/vdsmd/deep/inner.py": "ANSWER = 42\n",
        "src/vdsmd/__pycache__/x.pyc": "old",
        "src/client": "#!/usr/bin/python3\n",
        "src/vdsmd.service": "[Service]\nExecStart=/bin/true\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def edited(sources: Path, old: str, new: str) -> Path:
    path = sources / "vdsm" / "package.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


def test_a_directory_brings_its_files_without_byte_code(sources: Path) -> None:
    manifest = load(sources / "vdsm" / "package.toml", sources)
    assert manifest.name == "vdsm"
    assert "/usr/lib/python3/dist-packages/vdsmd/deep/inner.py" in manifest.files
    assert not [target for target in manifest.files if "__pycache__" in target]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('version = "4.50.5"', "", "expected a version"),
        ("src/client", "src/absent", "there is no src/absent"),
        ('"/usr/bin/vdsm-client"', '"/bin/vdsm-client"', "/usr/bin/vdsm-client"),
        ('"/usr/bin/vdsm-client"', '"usr/bin/vdsm-client"', "not an absolute path"),
        ('conffiles = ["/etc/vdsm', 'conffiles = ["/etc/other', "not among the files"),
        ('"0640"', '"rw"', "not octal"),
        ('depends = ["python3', 'dependz = ["python3', "unknown keys dependz"),
        ('postinst = "postinst"', 'postinst = "other"', "no maintainer script other"),
        ("[files]", "[files", "package.toml"),
    ],
)
def test_what_is_wrong_is_named(sources: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(LabError, match=said):
        load(edited(sources, old, new), sources)


def test_the_digest_follows_every_input(sources: Path) -> None:
    path = sources / "vdsm" / "package.toml"
    digests = [load(path, sources).digest]
    (sources / "src" / "vdsmd" / "deep" / "inner.py").write_text("ANSWER = 43\n")
    digests.append(load(path, sources).digest)
    (sources / "vdsm" / "postinst").write_text("#!/bin/sh\n")
    digests.append(load(path, sources).digest)
    edited(sources, '"0640"', '"0600"')
    digests.append(load(path, sources).digest)
    assert len(set(digests)) == 4


@needs_dpkg
def test_the_package_is_what_dpkg_expects(sources: Path, tmp_path: Path) -> None:
    deb = deb_of(load(sources / "vdsm" / "package.toml", sources), tmp_path / "store")
    assert deb_of(load(sources / "vdsm" / "package.toml", sources), tmp_path / "store") == deb
    assert deb_name(deb) == "vdsm_4.50.5_all.deb"
    contents = subprocess.run(["dpkg-deb", "-c", deb], capture_output=True, text=True, check=True).stdout
    rows = {line.split()[-1]: line.split()[:2] for line in contents.splitlines()}
    assert rows["./usr/bin/vdsm-client"] == ["-rwxr-xr-x", "root/root"]
    assert rows["./etc/vdsm/vdsm.conf"] == ["-rw-r-----", "root/root"]
    assert rows["./usr/lib/python3/dist-packages/vdsmd/deep/inner.py"] == ["-rw-r--r--", "root/root"]
    assert "./usr/lib/python3/dist-packages/vdsmd/deep/__pycache__/inner.cpython-311.pyc" in rows
    owner = subprocess.run(
        ["sh", "-c", f"dpkg-deb --fsys-tarfile {deb} | tar --numeric-owner -tv"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert [line for line in owner.splitlines() if line.endswith(" ./rhev/data-center/")][0].split()[1] == "36/36"
    control = tmp_path / "control"
    subprocess.run(["dpkg-deb", "-e", deb, control], check=True)
    assert "Depends: python3, sanlock\n" in (control / "control").read_text()
    assert (control / "conffiles").read_text() == "/etc/vdsm/vdsm.conf\n"
    lines = (control / "postinst").read_text().splitlines()
    assert lines[0] == "#!/bin/sh"
    assert lines.index("echo installed") > next(i for i, line in enumerate(lines) if "daemon-reload" in line)
    assert "daemon-reload" in (control / "postrm").read_text()


@needs_dpkg
def test_the_repository_lists_its_packages(sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))
    deb = deb_of(load(sources / "vdsm" / "package.toml", sources), tmp_path / "cache" / "packages")
    repository = repository_of([deb])
    index = (repository / "Packages").read_text()
    assert "Package: vdsm\n" in index
    assert "Filename: ./vdsm_4.50.5_all.deb\n" in index
    assert "SHA256:" in (repository / "Release").read_text()
    assert repository_of([deb]) == repository


def test_every_manifest_of_the_lab_can_be_read() -> None:
    found = {path.parent.name for path in (HOST_SOURCES / "packages").glob("*/package.toml")}
    assert {"ovirt-host", "ovirt-vmconsole-host", sdk.NAME} <= found
    for name in sorted(found - {sdk.NAME}):
        assert load(HOST_SOURCES / "packages" / name / "package.toml", CHECKOUT).name == name


def test_all_broken_manifests_are_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "package.toml").write_text("")
    monkeypatch.setattr(build, "_MANIFESTS", tmp_path)
    monkeypatch.setattr(sdk, "sdk_deb", lambda: tmp_path / "sdk.deb")
    with pytest.raises(LabError, match=r"one/package\.toml.*two/package\.toml"):
        build.build_packages()


def test_the_sdk_is_pinned_in_one_place() -> None:
    manifest = (HOST_SOURCES / "packages" / sdk.NAME / "package.toml").read_text()
    assert f'"tree-{sdk.sdk_version()}"' in manifest
