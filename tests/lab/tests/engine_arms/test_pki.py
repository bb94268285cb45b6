"""The engine's PKI against openssl and ssh, as its clients use them."""

from __future__ import annotations

import base64
import ssl
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from engine_sim import pki

FQDN = "engine.demo.lab.test"


def openssl(*argv: object) -> str:
    return subprocess.run(["openssl", *map(str, argv)], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> pki.Pki:
    return pki.create(tmp_path_factory.mktemp("pki"), FQDN, "demo / Größe, Inc")


@pytest.fixture(scope="module")
def request_pem(tmp_path_factory: pytest.TempPathFactory) -> str:
    key = tmp_path_factory.mktemp("host") / "key.pem"
    return openssl(
        "req",
        "-new",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-subj",
        "/",
        "-keyout",
        key,
    )


def test_layout_and_modes(engine: pki.Pki) -> None:
    for name in (
        "ca.pem",
        "qemu-ca.pem",
        "apache-ca.pem",
        "certs/engine.cer",
        "certs/apache.cer",
        "keys/engine_id_rsa",
        "keys/apache.key.nopass",
        "private/ca.pem",
        "requests/engine.req",
    ):
        assert (engine.directory / name).exists(), name
    for name, mode in (
        ("keys/engine_id_rsa", 0o600),
        ("keys/apache.key.nopass", 0o600),
        ("private/ca.pem", 0o640),
        ("ca.pem", 0o644),
        ("certs/apache.cer", 0o644),
        ("private", 0o750),
    ):
        assert (engine.directory / name).stat().st_mode & 0o7777 == mode, name


def test_certificates_verify_and_name_the_engine(engine: pki.Pki) -> None:
    for certificate in (engine.web_certificate, engine.engine_certificate):
        openssl("verify", "-CAfile", engine.ca_file, "-verify_hostname", FQDN, certificate)
    assert "CA:TRUE" in openssl("x509", "-in", engine.ca_file, "-noout", "-ext", "basicConstraints")
    with pytest.raises(subprocess.CalledProcessError):
        openssl("verify", "-CAfile", engine.ca_file, "-verify_hostname", "other.lab.test", engine.web_certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(engine.web_certificate, engine.web_key)


def test_organization_survives(engine: pki.Pki) -> None:
    assert engine.organization() == "demo / Größe, Inc"


def test_ssh_key_is_the_engine_certificates_key(engine: pki.Pki, tmp_path: Path) -> None:
    kind, blob, comment = engine.ssh_public_key().split(" ")
    assert (kind, comment) == ("ssh-rsa", "ovirt-engine")
    public = tmp_path / "key.pem"
    public.write_text(openssl("x509", "-in", engine.engine_certificate, "-noout", "-pubkey"))
    converted = subprocess.run(
        ["ssh-keygen", "-i", "-m", "PKCS8", "-f", str(public)], check=True, capture_output=True, text=True
    ).stdout.split()
    assert base64.b64decode(blob) == base64.b64decode(converted[1])


def test_the_engine_chooses_the_names_that_it_signs(engine: pki.Pki, request_pem: str, tmp_path: Path) -> None:
    certificate = tmp_path / "host.cer"
    certificate.write_text(engine.sign_csr(request_pem, ["he-host1.lab.test", "10.77.0.11"], name="he-host1.lab.test"))
    openssl("verify", "-CAfile", engine.ca_file, "-verify_hostname", "he-host1.lab.test", certificate)
    openssl("verify", "-CAfile", engine.ca_file, "-verify_ip", "10.77.0.11", certificate)
    subject = openssl("x509", "-in", certificate, "-noout", "-subject", "-nameopt", "RFC2253,utf8,-esc_msb")
    assert subject.strip() == r"subject=CN=he-host1.lab.test,O=demo / Größe\, Inc"
    assert (engine.directory / "certs/he-host1.lab.test.cer").exists()
    assert (engine.directory / "requests/he-host1.lab.test.req").exists()


def test_qemu_certificates_come_from_the_twin(engine: pki.Pki, request_pem: str, tmp_path: Path) -> None:
    certificate = tmp_path / "qemu.cer"
    certificate.write_text(engine.sign_csr(request_pem, "he-host1.lab.test", qemu=True))
    openssl("verify", "-CAfile", engine.qemu_ca_file, certificate)
    with pytest.raises(subprocess.CalledProcessError):
        openssl("verify", "-CAfile", engine.ca_file, certificate)


def test_many_requests_at_once_get_serials_of_their_own(engine: pki.Pki, request_pem: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda n: engine.sign_csr(request_pem, f"host{n}.lab.test"), range(6)))
    serials = {
        subprocess.run(
            ["openssl", "x509", "-noout", "-serial"], input=pem, check=True, capture_output=True, text=True
        ).stdout
        for pem in made
    }
    assert len(serials) == 6


def test_a_second_authority_is_refused(engine: pki.Pki) -> None:
    with pytest.raises(FileExistsError, match="cut off every enrolled host"):
        pki.create(engine.directory, FQDN, "other")


def test_openssls_words_reach_the_caller(engine: pki.Pki) -> None:
    with pytest.raises(pki.PkiError, match="request"):
        engine.sign_csr("-----BEGIN CERTIFICATE REQUEST-----\nAA\n-----END CERTIFICATE REQUEST-----\n", "bad.test")
