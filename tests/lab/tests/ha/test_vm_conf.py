# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vm.conf against the golden data: both readers, and the way from the OVF."""

import base64
from typing import Any

import pytest
from lxml import etree
from ovirt_hosted_engine_ha.env import config_file
from ovirt_hosted_engine_ha.lib.ovf import ovf2VmParams
from ovirt_hosted_engine_setup import vmconf

from .support import FIXTURES, load, names

FOLDER = FIXTURES / "vm.conf"


def outcome(function: Any) -> Any:
    try:
        return function()
    except Exception as exc:
        return {"exception": type(exc).__name__, "message": str(exc)}


@pytest.mark.parametrize("name", names("vm.conf"))
def test_readers(name: str) -> None:
    golden = load(FOLDER / f"{name}.json")
    path = str(FOLDER / f"{name}.conf")
    found = outcome(lambda: vmconf.parse_vm_conf_file(path))
    expected = golden["parseVmConfFile"]
    if "exception" in expected:
        assert found["message"] == expected["message"]
    else:
        assert found == expected
    values = config_file.load(path)
    assert {"keys": sorted(values), **{key: values.get(key) for key in ("memSize", "vmId", "vmName")}} == golden[
        "HA reader"
    ]
    threshold = outcome(lambda: int(values.get("memSize")))  # type: ignore[arg-type]
    assert threshold == golden["agent min_memory_threshold"]


@pytest.mark.parametrize("name", names("vm.conf/ovf", "*.ovf"))
def test_ovf(name: str) -> None:
    golden = load(FOLDER / "ovf" / f"{name}.json")
    ovf = (FOLDER / "ovf" / f"{name}.ovf").read_bytes()
    if "exception" in golden:
        with pytest.raises((IndexError, etree.XMLSyntaxError)) as caught:
            ovf2VmParams.conf_from_ovf(ovf)
        assert type(caught.value).__name__ == golden["exception"].rpartition(".")[2]
        return
    text = ovf2VmParams.conf_from_ovf(ovf)
    assert text.strip("\n") == (FOLDER / "ovf" / f"{name}.vm.conf").read_text().strip("\n")
    assert sorted(vmconf.parse_vm_conf(text)) == golden["parseVmConfFile_keys"]
    assert ("xmlBase64=" in text) is golden["has_xmlBase64"]


def test_the_ovf_of_a_real_engine() -> None:
    """An OVF that ovirt-engine 4.5.8 wrote for a hosted engine VM starts from the engine's own XML."""
    folder = FIXTURES.parent / "engine" / "ovf-store"
    text = ovf2VmParams.conf_from_ovf((folder / "HostedEngine.ovf").read_bytes())
    params = vmconf.parse_vm_conf(text)
    assert params["memSize"] == "16384"
    assert params["smp"] == "4"
    assert params["vmId"] == "99642496-37b4-4fb0-94c3-75b6969a46df"
    original = etree.fromstring((folder / "HostedEngine.engine.xml").read_bytes())
    used = etree.fromstring(params["xml"].encode())
    for alias in original.findall("devices/console/alias"):
        alias.set("name", alias.get("name")[:24])
    assert etree.tostring(used, method="c14n") == etree.tostring(original, method="c14n")
    assert base64.b64encode(params["xml"].encode()).decode() in text
