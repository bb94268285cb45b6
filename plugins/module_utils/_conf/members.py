# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The small members of the configuration archive: vm.conf, broker.conf, fhanswers.conf (host contract 2.2, 2.3)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

STATE_TRANSITIONS = "maintenance|start|stop|migrate|up|down"


def vm_conf(values: Mapping[str, Any]) -> str:
    """Return the fallback description of the engine VM; the agent replaces it by what the OVF store says.

    Args:
        values: C(vm_id), C(name), C(memory_mib), C(vcpus), C(max_vcpus), C(mac), C(console), C(cpu), C(machine),
            C(network), C(domain_id), C(image_id), C(volume_id).
    """
    made_from = uuid.UUID(str(values["vm_id"]))
    cdrom = uuid.uuid5(made_from, "cdrom")
    nic = uuid.uuid5(made_from, "nic")
    devices = [
        (
            "{index:2,iface:ide,address:{ controller:0, target:0,unit:0, bus:1, type:drive},specParams:{},"
            f"readonly:true,deviceId:{cdrom},path:,device:cdrom,shared:false,type:disk}}"
        ),
        (
            "{index:0,iface:virtio,format:raw,poolID:00000000-0000-0000-0000-000000000000,"
            f"volumeID:{values['volume_id']},imageID:{values['image_id']},specParams:{{}},readonly:false,"
            f"domainID:{values['domain_id']},optional:false,deviceId:{values['volume_id']},"
            "address:{bus:0x00, slot:0x06, domain:0x0000, type:pci, function:0x0},"
            "device:disk,shared:exclusive,propagateErrors:off,type:disk,bootOrder:1}"
        ),
        "{device:scsi,model:virtio-scsi,type:controller}",
        (
            f"{{nicModel:pv,macAddr:{values['mac']},linkActive:true,network:{values['network']},specParams:{{}},"
            f"deviceId:{nic},address:{{bus:0x00, slot:0x03, domain:0x0000, type:pci, function:0x0}},"
            "device:bridge,type:interface}"
        ),
        "{device:console,type:console}",
        "{device:vga,alias:video0,type:video}",
        f"{{device:{values['console']},type:graphics}}",
    ]
    scalars = {
        "vmName": values["name"],
        "smp": values["vcpus"],
        "maxVCpus": values["max_vcpus"],
        "cpuType": values["cpu"],
        "emulatedMachine": values["machine"],
    }
    lines = [f"vmId={values['vm_id']}", f"memSize={values['memory_mib']}", f"display={values['console']}"]
    lines += [f"devices={device}" for device in devices]
    lines += [f"{key}={value}" for key, value in scalars.items()]
    lines.append("devices={device:virtio,specParams:{source:urandom},model:virtio,type:rng}")
    return "\n".join(lines) + "\n"


def broker_conf(mail: Mapping[str, Any]) -> str:
    """Return the broker's configuration.

    Args:
        mail: C(server), C(port), C(source), C(destination).
    """
    return (
        "[email]\n"
        f"smtp-server = {mail['server']}\n"
        f"smtp-port = {mail['port']}\n"
        f"source-email = {mail['source']}\n"
        f"destination-emails = {mail['destination']}\n"
        "\n"
        "[notify]\n"
        f"state_transition = {STATE_TRANSITIONS}\n"
    )


def answers(environment: Mapping[str, Any]) -> str:
    """Return an answer file in the grammar of otopi: C(KEY=type:value), sorted.

    Args:
        environment: values of type bool, int, str or None; never a secret.
    """
    lines = [f"{key}={_typed(value)}" for key, value in sorted(environment.items())]
    return "\n".join(["[environment:default]", *lines]) + "\n"


def _typed(value: Any) -> str:
    if value is None:
        return "none:None"
    if isinstance(value, bool):
        return f"bool:{value}"
    return f"{'int' if isinstance(value, int) else 'str'}:{value}"
