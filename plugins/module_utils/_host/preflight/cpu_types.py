# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The CPU types that the engine of the appliance knows, and which of them a host has all for."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Collection

from ansible_collections.node0.hosted_engine.plugins.module_utils._engine.cpu import CpuType, parse_cpu_list
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.libvirt import connection

# Option ServerCPUList of ovirt-engine 4.5.8 for cluster version 4.8, what is for x86_64 (measured).
SERVER_CPU_LIST = (
    "1:Intel Nehalem Family:vmx,nx,model_Nehalem:Nehalem:x86_64;"
    "2:Secure Intel Nehalem Family:vmx,spec_ctrl,ssbd,model_Nehalem:Nehalem,+spec-ctrl,+ssbd:x86_64;"
    "3:Intel Westmere Family:aes,vmx,nx,model_Westmere:Westmere:x86_64;"
    "4:Secure Intel Westmere Family:aes,vmx,spec_ctrl,ssbd,model_Westmere:Westmere,+pcid,+spec-ctrl,"
    "+ssbd:x86_64;"
    "5:Intel SandyBridge Family:vmx,nx,model_SandyBridge:SandyBridge:x86_64;"
    "6:Secure Intel SandyBridge Family:vmx,spec_ctrl,ssbd,md_clear,model_SandyBridge:SandyBridge,+pcid,"
    "+spec-ctrl,+ssbd,+md-clear:x86_64;"
    "7:Intel IvyBridge Family:vmx,nx,model_IvyBridge:IvyBridge:x86_64;"
    "8:Secure Intel IvyBridge Family:vmx,spec_ctrl,ssbd,md_clear,model_IvyBridge:IvyBridge,+pcid,"
    "+spec-ctrl,+ssbd,+md-clear:x86_64;"
    "9:Intel Haswell Family:vmx,nx,model_Haswell-noTSX:Haswell-noTSX:x86_64;"
    "10:Secure Intel Haswell Family:vmx,spec_ctrl,ssbd,md_clear,model_Haswell-noTSX:Haswell-noTSX,"
    "+spec-ctrl,+ssbd,+md-clear:x86_64;"
    "11:Intel Broadwell Family:vmx,nx,model_Broadwell-noTSX:Broadwell-noTSX:x86_64;"
    "12:Secure Intel Broadwell Family:vmx,spec_ctrl,ssbd,md_clear,model_Broadwell-noTSX:Broadwell-noTSX,"
    "+spec-ctrl,+ssbd,+md-clear:x86_64;"
    "13:Intel Skylake Client Family:vmx,nx,model_Skylake-Client:Skylake-Client,-hle,-rtm,-mpx:x86_64;"
    "14:Secure Intel Skylake Client Family:vmx,ssbd,md_clear,"
    "model_Skylake-Client-noTSX-IBRS:Skylake-Client-noTSX-IBRS,+ssbd,+md-clear,-mpx:x86_64;"
    "15:Intel Skylake Server Family:vmx,nx,model_Skylake-Server:Skylake-Server,-hle,-rtm,-mpx:x86_64;"
    "16:Secure Intel Skylake Server Family:vmx,ssbd,md_clear,"
    "model_Skylake-Server-noTSX-IBRS:Skylake-Server-noTSX-IBRS,+ssbd,+md-clear,-mpx:x86_64;"
    "17:Intel Cascadelake Server Family:vmx,model_Cascadelake-Server:Cascadelake-Server,-hle,-rtm,"
    "-mpx:x86_64;"
    "18:Secure Intel Cascadelake Server Family:vmx,"
    "model_Cascadelake-Server-noTSX:Cascadelake-Server-noTSX,-mpx:x86_64;"
    "19:Intel Icelake Server Family:vmx,model_Icelake-Server-noTSX:Icelake-Server-noTSX,-mpx:x86_64;"
    "20:Secure Intel Icelake Server Family:vmx,arch-capabilities,rdctl-no,ibrs-all,skip-l1dfl-vmentry,"
    "mds-no,pschange-mc-no,model_Icelake-Server-noTSX:Icelake-Server-noTSX,+arch-capabilities,+rdctl-no,"
    "+ibrs-all,+skip-l1dfl-vmentry,+mds-no,+pschange-mc-no,-mpx:x86_64;"
    "21:Intel Sapphire Rapids Server Family:vmx,model_SapphireRapids:SapphireRapids,-hle,-rtm:x86_64;"
    "22:Secure Intel Sapphire Rapids Server Family:vmx,sbdr-ssdp-no,fbsdp-no,psdp-no,"
    "model_SapphireRapids:SapphireRapids,+sbdr-ssdp-no,+fbsdp-no,+psdp-no,-hle,-rtm:x86_64;"
    "1:AMD Opteron G4:svm,nx,model_Opteron_G4:Opteron_G4:x86_64;"
    "2:AMD Opteron G5:svm,nx,model_Opteron_G5:Opteron_G5:x86_64;"
    "3:AMD EPYC:svm,nx,model_EPYC:EPYC:x86_64;"
    "4:Secure AMD EPYC:svm,nx,ibpb,ssbd,model_EPYC:EPYC,+ibpb,+virt-ssbd:x86_64;"
    "5:AMD EPYC-Rome:svm,model_EPYC-Rome:EPYC-Rome:x86_64;"
    "6:Secure AMD EPYC-Rome:svm,ibrs,amd-ssbd,model_EPYC-Rome:EPYC-Rome,+ibrs,+amd-ssbd:x86_64;"
    "7:AMD EPYC-Milan:svm,model_EPYC-Milan:EPYC-Milan:x86_64;"
    "8:AMD EPYC-Milan-v2:svm,vaes,vpclmutqdq,stipb-always-on,amd-psfd,no-nested-data-bp,"
    "lfence-always-serializing,null-sel-crl-base,model_EPYC-Milan:EPYC-Milan,+vaes,+pclmulqdq,"
    "+stibp-always-on,+amd-psfd,+no-nested-data-bp,+lfence-always-serializing,+null-sel-crl-base:x86_64;"
    "9:AMD EPYC-Genoa:svm,model_EPYC-Genoa:EPYC-Genoa:x86_64;"
)
TYPES = tuple(parse_cpu_list(SERVER_CPU_LIST))

# Flags that the kernel calls by another name than the engine.
_ALSO_CALLED = {"spec_ctrl": ("ibrs", "spec_ctrl"), "ssbd": ("ssbd", "amd_ssbd", "virt_ssbd"), "amd_ssbd": ("ssbd",)}


def usable_models(machine: str = "x86_64", virt_type: str = "kvm") -> set[str]:
    """Return the CPU models that libvirt can give to a VM on this host, by libvirt's names.

    Raises:
        HostedEngineError: what C(connection) raises.
    """
    with connection(read_only=True) as connected:
        return models(connected.getDomainCapabilities(None, machine, None, virt_type))


def models(capabilities: str) -> set[str]:
    """Return the usable models in libvirt's description of what a domain can have."""
    found = ElementTree.fromstring(capabilities).iterfind("./cpu/mode[@name='custom']/model[@usable='yes']")
    return {str(model.text) for model in found}


def flags(cpuinfo: str) -> set[str]:
    """Return the CPU's flags as the kernel tells them (C(/proc/cpuinfo))."""
    line = re.search(r"^flags\s*:\s*(.*)$", cpuinfo, re.MULTILINE)
    return set(line.group(1).split()) if line else set()


def lacking(wanted: CpuType, present: Collection[str], usable: Collection[str]) -> list[str]:
    """Return what a type asks for and the host has not.

    Args:
        wanted: the type.
        present: flags of the CPU.
        usable: models that libvirt can give to a VM.
    """
    return [flag for flag in wanted.flags if not _has(flag, present, usable)]


def offered(present: Collection[str], usable: Collection[str]) -> list[CpuType]:
    """Return the types that a host has all for, the best one last."""
    return [one for one in TYPES if not lacking(one, present, usable)]


def model_name(cpuinfo: str) -> str:
    """Return the CPU's own name."""
    found = re.search(r"^model name\s*:\s*(.*)$", cpuinfo, re.MULTILINE)
    return found.group(1).strip() if found else "unknown CPU"


def _has(flag: str, present: Collection[str], usable: Collection[str]) -> bool:
    if flag.startswith("model_"):
        return flag.removeprefix("model_") in usable
    name = flag.replace("-", "_")
    return any(one in present for one in _ALSO_CALLED.get(name, (name,)))
