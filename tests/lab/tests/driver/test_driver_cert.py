"""Certificates of hosts, and the file that tells where the appliance is."""

import subprocess
from pathlib import Path

import pytest
from driver import appliance_package, cert
from driver.errors import LabError
from driver.run import run


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    directory = tmp_path_factory.mktemp("ca")
    ca, key = directory / "ca.pem", directory / "ca.key"
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=engine CA", "-days", "30"]
    run([*new, "-keyout", key, "-out", ca])
    return ca, key


def test_a_signed_certificate_is_good_for_the_hosts_names(authority: tuple[Path, Path], tmp_path: Path) -> None:
    new = ["openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/O=lab/CN=h"]
    certificate = tmp_path / "cert.pem"
    certificate.write_text(
        cert.sign(run([*new, "-keyout", tmp_path / "key"]), ["h.lab.test", "10.77.0.11"], *authority)
    )
    verify = ["openssl", "verify", "-CAfile", str(authority[0])]
    for check in (["-verify_hostname", "h.lab.test"], ["-verify_ip", "10.77.0.11"]):
        for purpose in ("sslserver", "sslclient"):
            run([*verify, "-purpose", purpose, *check, str(certificate)])
    other = ["openssl", "verify", "-CAfile", str(authority[0]), "-verify_hostname", "other.lab.test", str(certificate)]
    assert subprocess.run(other, capture_output=True, check=False).returncode != 0


def test_a_missing_ca_is_said_before_anything_is_done(authority: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"none\.pem: expected a PEM file"):
        cert.enrol("unit", "he-host1", tmp_path / "none.pem", authority[1])


def test_paths_are_those_of_the_contract() -> None:
    assert "/etc/pki/vdsm/certs/cacert.pem" in cert.AUTHORITIES
    assert "/etc/pki/vdsm/certs/vdsmcert.pem" in cert.CERTIFICATES
    assert "/etc/pki/vdsm/keys/vdsmkey.pem" in cert.KEYS
    assert len(cert.CERTIFICATES) == len(cert.KEYS)


def test_the_appliance_package_tells_path_and_sum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    with pytest.raises(LabError, match="build it first"):
        appliance_package.appliance_deb("fast")
    (tmp_path / "appliance").mkdir()
    (tmp_path / "appliance" / "fast.ova").write_bytes(b"image")
    deb = appliance_package.appliance_deb("fast")
    root = tmp_path / "root"
    run(["dpkg-deb", "-x", deb, root])
    conf = dict(
        line.split("=", 1) for line in (root / "etc/ovirt-hosted-engine/10-appliance.conf").read_text().splitlines()
    )
    assert set(conf) == {"description", "version", "path", "sha1sum"}
    assert (root / conf["path"].lstrip("/")).read_bytes() == b"image"
    assert conf["sha1sum"] == "0e76292794888d4f1fa75fb3aff4ca27c58f56a6"
