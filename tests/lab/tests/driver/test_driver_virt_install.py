"""The hosts' virt-install: what asks for KVM gets emulation, everything else arrives as it was said."""

import subprocess
from pathlib import Path

import pytest
from driver.paths import HOST_SOURCES

SCRIPT = HOST_SOURCES / "rootfs" / "usr" / "lib" / "lab" / "virt-install"


@pytest.mark.parametrize(
    ("said", "arrives"),
    [
        (["--virt-type", "kvm", "--memory", "4096"], ["--virt-type", "qemu", "--memory", "4096"]),
        (["--virt-type=kvm"], ["--virt-type", "qemu"]),
        (["--virt-type", "qemu"], ["--virt-type", "qemu"]),
        (["--cpu", "host-passthrough,cache.mode=passthrough"], ["--cpu", "mode=maximum"]),
        (["--cpu=host"], ["--cpu", "mode=maximum"]),
        (["--cpu", "Haswell"], ["--cpu", "Haswell"]),
        (
            ["-n", "kvm", "--disk", "a b,format=qcow2", "--import"],
            ["-n", "kvm", "--disk", "a b,format=qcow2", "--import"],
        ),
        ([], []),
    ],
)
def test_arguments(tmp_path: Path, said: list[str], arrives: list[str]) -> None:
    real = tmp_path / "virt-install.distrib"
    real.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    real.chmod(0o755)
    wrapper = tmp_path / "virt-install"
    wrapper.write_text(SCRIPT.read_text().replace("/usr/bin/virt-install.distrib", str(real)))
    done = subprocess.run(["bash", wrapper, *said], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == (arrives or [""])
