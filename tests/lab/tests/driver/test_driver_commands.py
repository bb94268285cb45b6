"""Commands of the hosts that answer for what the machine's kernel lacks: KVM and FIPS mode."""

import subprocess
from pathlib import Path

import pytest
from driver.paths import HOST_SOURCES

SCRIPTS = HOST_SOURCES / "rootfs" / "usr" / "lib" / "lab"


def run(folder: Path, name: str, *words: str) -> list[str]:
    """What the command prints; the real one behind it repeats its arguments, one a line."""
    real = folder / f"{name}.distrib"
    real.write_text("#!/bin/sh\n[ $# = 0 ] || printf '<%s>\\n' \"$@\"\n")
    real.chmod(0o755)
    script = (SCRIPTS / name).read_text()
    for place in ("/usr/bin", "/sbin"):
        script = script.replace(f"{place}/{name}.distrib", str(real))
    (folder / name).write_text(script.replace("/proc/sys/crypto/fips_enabled", str(folder / "fips_enabled")))
    return subprocess.run(["bash", folder / name, *words], capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )[:-1]


@pytest.mark.parametrize(
    ("said", "arrives"),
    [
        ("--virt-type kvm --memory 4096", "<--virt-type> <qemu> <--memory> <4096>"),
        ("--virt-type=kvm", "<--virt-type> <qemu>"),
        ("--virt-type qemu", "<--virt-type> <qemu>"),
        ("--cpu host-passthrough,cache.mode=passthrough", "<--cpu> <mode=maximum>"),
        ("--cpu=host", "<--cpu> <mode=maximum>"),
        ("--cpu Haswell", "<--cpu> <Haswell>"),
        ("-n kvm --disk a,format=qcow2 --import", "<-n> <kvm> <--disk> <a,format=qcow2> <--import>"),
        ("--virt-type", "<--virt-type> <>"),
        ("", ""),
    ],
)
def test_virt_install_emulates_where_kvm_is_asked_for(tmp_path: Path, said: str, arrives: str) -> None:
    assert run(tmp_path, "virt-install", *said.split()) == arrives.split()


def test_virt_install_keeps_words_together(tmp_path: Path) -> None:
    assert run(tmp_path, "virt-install", "--disk", "a b") == ["<--disk>", "<a b>"]


@pytest.mark.parametrize(
    ("said", "printed"),
    [
        ("-n crypto.fips_enabled", ["0"]),
        ("crypto.fips_enabled", ["crypto.fips_enabled = 0"]),
        ("crypto.fips_enabled kernel.ostype", ["crypto.fips_enabled = 0", "<kernel.ostype>"]),
        ("-n kernel.ostype", ["<-n>", "<kernel.ostype>"]),
        ("-a", ["<-a>"]),
    ],
)
def test_sysctl_knows_that_fips_mode_is_off(tmp_path: Path, said: str, printed: list[str]) -> None:
    assert run(tmp_path, "sysctl", *said.split()) == printed


def test_sysctl_asks_a_kernel_that_knows_itself(tmp_path: Path) -> None:
    (tmp_path / "fips_enabled").touch()
    assert run(tmp_path, "sysctl", "-n", "crypto.fips_enabled") == ["<-n>", "<crypto.fips_enabled>"]
