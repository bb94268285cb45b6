# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The libvirt XML that vdsm starts a machine from.

Marks such as HOST-SERIAL: and LEASE-PATH: are the engine's; vdsm puts the host's values in their place.
"""

from __future__ import annotations

from lxml import etree

from .build import el, leaf, serialize
from .model import BLANK, Devices, Disk, Nic, Vm

#: Ports for PCI Express devices to come.
_ROOT_PORTS = 22
#: Most queues of one network interface.
_MAX_QUEUES = 4
_CHANNELS = "/var/lib/libvirt/qemu/channels"
_CONSOLES = "/var/run/ovirt-vmconsole-console"
_NVRAM = "/var/lib/libvirt/qemu/nvram"
_OVMF = "/usr/share/OVMF"
_NO_LABEL: dict[str, object] = {"model": "dac", "type": "none", "relabel": "no"}


def engine_xml(vm: Vm) -> str:
    """The whole document."""
    document = serialize(
        el(
            "domain",
            None,
            leaf("name", vm.name),
            leaf("uuid", vm.id),
            leaf("memory", vm.memory * 1024),
            leaf("currentMemory", vm.memory * 1024),
            leaf("iothreads", 1),
            el("maxMemory", {"slots": 16}, vm.maximum_memory * 1024),
            el("vcpu", {"current": vm.cpus}, vm.max_cpus),
            _sysinfo(vm),
            _clock(),
            _features(vm),
            _cpu(vm),
            leaf("cputune"),
            el("devices", None, *_devices(vm)),
            el("pm", None, el("suspend-to-disk", {"enabled": "no"}), el("suspend-to-mem", {"enabled": "no"})),
            _os(vm),
            _metadata(vm),
            namespaces=("ovirt-tune", "ovirt-vm"),
        )
    )
    return document.replace("<domain ", '<domain type="kvm" ', 1)  # lxml would write it after the namespaces


def _sysinfo(vm: Vm) -> etree._Element:
    entries = {
        "manufacturer": "oVirt",
        "product": "OS-NAME:",
        "version": "OS-VERSION:",
        "family": "oVirt",
        "serial": "HOST-SERIAL:",
        "uuid": vm.id,
    }
    system = el("system", None, *(el("entry", {"name": name}, value) for name, value in entries.items()))
    return el("sysinfo", {"type": "smbios"}, system)


def _clock() -> etree._Element:
    return el(
        "clock",
        {"offset": "variable", "adjustment": 0},
        el("timer", {"name": "rtc", "tickpolicy": "catchup"}),
        el("timer", {"name": "pit", "tickpolicy": "delay"}),
        el("timer", {"name": "hpet", "present": "no"}),
    )


def _features(vm: Vm) -> etree._Element:
    secure = [el("smm", {"state": "on"})] if vm.firmware == "q35_secure_boot" else []
    return el("features", None, leaf("acpi"), leaf("vmcoreinfo"), *secure)


def _cpu(vm: Vm) -> etree._Element:
    model, *flags = vm.cluster.cpu_verb.split(",")
    features = [
        el("feature", {"name": flag.lstrip("+-"), "policy": "disable" if flag.startswith("-") else "require"})
        for flag in flags
    ]
    numa = el("numa", None, el("cell", {"id": 0, "cpus": f"0-{vm.max_cpus - 1}", "memory": vm.memory * 1024}))
    topology = el(
        "topology", {"cores": vm.cores, "threads": vm.threads, "sockets": vm.max_cpus // (vm.cores * vm.threads)}
    )
    return el("cpu", {"match": "exact"}, leaf("model", model), *features, topology, numa)


def _os(vm: Vm) -> etree._Element:
    parts = [el("type", {"arch": "x86_64", "machine": vm.cluster.emulated_machine}, "hvm")]
    if vm.firmware in ("q35_ovmf", "q35_secure_boot"):
        secure = vm.firmware == "q35_secure_boot"
        parts.append(
            el(
                "loader",
                {"readonly": "yes", "secure": "yes" if secure else "no", "type": "pflash"},
                f"{_OVMF}/OVMF_CODE.secboot.fd",
            )
        )
        parts.append(
            el("nvram", {"template": f"{_OVMF}/OVMF_VARS{'.secboot' if secure else ''}.fd"}, f"{_NVRAM}/{vm.id}.fd")
        )
    parts.append(el("smbios", {"mode": "sysinfo"}))
    if vm.console:
        parts.append(el("bios", {"useserial": "yes"}))
    return el("os", None, *parts)


# -- devices


def _devices(vm: Vm) -> list[etree._Element]:
    ports = [el("controller", {"type": "pci", "model": "pcie-root-port"}) for _ in range(_ROOT_PORTS)]
    guest_agent = "org.qemu.guest_agent.0"
    result = [
        el("input", {"type": "mouse", "bus": "ps2"}),
        el(
            "channel",
            {"type": "unix"},
            el("target", {"type": "virtio", "name": guest_agent}),
            el("source", {"mode": "bind", "path": f"{_CHANNELS}/{vm.id}.{guest_agent}"}),
        ),
        *_ordered(vm),
    ]
    if vm.console:
        result.append(el("serial", {"type": "unix"}, _console_source(vm), el("target", {"port": 0})))
    result += [el("controller", {"type": "pci", "model": "pcie-root"}), *ports]
    result += [_interface(vm, nic) for nic in vm.nics if nic.plugged]
    result.append(_cdrom(vm))
    for number, disk in enumerate(vm.disks):
        result.append(_disk(vm, disk, number))
    result += [_lease(disk) for disk in vm.disks if vm.hosted_engine]
    return result


def _ordered(vm: Vm) -> list[etree._Element]:
    """Devices that the engine writes in the order of their ids."""
    ids = vm.devices
    made = {
        ids.rng: el("rng", {"model": "virtio"}, el("backend", {"model": "random"}, "/dev/urandom"), _alias(ids.rng)),
        ids.virtio_serial: el(
            "controller", {"type": "virtio-serial", "index": 0, "ports": 16}, _alias(ids.virtio_serial)
        ),
        ids.sound: el("sound", {"model": "ich9"}, _alias(ids.sound)),
        ids.balloon: el("memballoon", {"model": "virtio"}, el("stats", {"period": 5}), _alias(ids.balloon)),
        ids.usb: el("controller", {"type": "usb", "model": "qemu-xhci", "index": 0, "ports": 8}, _alias(ids.usb)),
        ids.graphics: el(
            "graphics",
            {"type": "vnc", "port": -1, "autoport": "yes", "passwd": "*****", "passwdValidTo": "1970-01-01T00:00:01"},
            el("listen", {"type": "network", "network": f"vdsm-{vm.cluster.display_network}"}),
        ),
        ids.scsi: el(
            "controller",
            {"type": "scsi", "model": "virtio-scsi", "index": 0},
            el("driver", {"iothread": 1}),
            _alias(ids.scsi),
        ),
        ids.video: _video(ids),
    }
    if vm.console:
        made[ids.console] = el(
            "console",
            {"type": "unix"},
            el("source", {"path": f"{_CONSOLES}/{vm.id}.sock", "mode": "bind"}),
            el("target", {"type": "serial", "port": 0}),
            _alias(ids.console),
        )
    return [made[key] for key in sorted(made)]


def _video(ids: Devices) -> etree._Element:
    return el("video", None, el("model", {"type": "virtio", "vram": 16384, "heads": 1}), _alias(ids.video))


def _console_source(vm: Vm) -> etree._Element:
    return el("source", {"path": f"{_CONSOLES}/{vm.id}.sock", "mode": "bind"})


def _interface(vm: Vm, nic: Nic) -> etree._Element:
    queues = min(vm.cpus, _MAX_QUEUES)
    driver: dict[str, object] = {"queues": queues, "name": "vhost"} if queues > 1 else {"name": "vhost"}
    return el(
        "interface",
        {"type": "bridge"},
        el("model", {"type": "virtio"}),
        el("link", {"state": "up" if nic.linked else "down"}),
        el("source", {"bridge": nic.network}),
        el("driver", driver),
        _alias(nic.id),
        el("mac", {"address": nic.mac}),
        el("mtu", {"size": nic.mtu}),
        el("filterref", {"filter": nic.network_filter}),
        leaf("bandwidth"),
    )


def _cdrom(vm: Vm) -> etree._Element:
    """On the bus that the chipset has: SATA with Q35, IDE elsewhere."""
    q35 = "q35" in vm.cluster.emulated_machine
    return el(
        "disk",
        {"type": "file", "device": "cdrom", "snapshot": "no"},
        el("driver", {"name": "qemu", "type": "raw", "error_policy": "report"}),
        el("source", {"file": "", "startupPolicy": "optional"}, el("seclabel", _NO_LABEL)),
        el("target", {"dev": "sdc" if q35 else "hdc", "bus": "sata" if q35 else "ide"}),
        leaf("readonly"),
        _alias(vm.devices.cdrom),
    )


def _disk(vm: Vm, disk: Disk, number: int) -> etree._Element:
    path = f"/rhev/data-center/{disk_pool(vm)}/{disk.domain_id}/images/{disk.image_id}/{disk.volume_id}"
    boot = [el("boot", {"order": 1})] if disk.boots else []
    return el(
        "disk",
        {"snapshot": "no", "type": "file", "device": "disk"},
        el("target", {"dev": device_name(number), "bus": "virtio"}),
        el("source", {"file": path}, el("seclabel", _NO_LABEL)),
        el(
            "driver",
            {
                "name": "qemu",
                "iothread": 1,
                "io": "threads",
                "type": "raw" if disk.raw else "qcow2",
                "error_policy": "stop",
                "cache": "none",
            },
        ),
        _alias(disk.image_id),
        *boot,
        leaf("serial", disk.image_id),
    )


def _lease(disk: Disk) -> etree._Element:
    where = f"{disk.volume_id}:{disk.domain_id}"
    return el(
        "lease",
        None,
        leaf("key", disk.volume_id),
        leaf("lockspace", disk.domain_id),
        el("target", {"offset": f"LEASE-OFFSET:{where}", "path": f"LEASE-PATH:{where}"}),
    )


def _alias(device_id: str) -> etree._Element:
    return el("alias", {"name": f"ua-{device_id}"})


def device_name(number: int) -> str:
    """vda, vdb, ..."""
    return f"vd{chr(ord('a') + number)}"


def disk_pool(vm: Vm) -> str:
    """The engine's own machine must start without a connected pool."""
    return BLANK if vm.hosted_engine else vm.pool_id


# -- what vdsm reads for itself


def _metadata(vm: Vm) -> etree._Element:
    nics = [
        el("ovirt-vm:device", {"alias": f"ua-{nic.id}", "mac_address": nic.mac}, leaf("ovirt-vm:custom"))
        for nic in vm.nics
        if nic.plugged
    ]
    disks = [_disk_metadata(vm, disk, number) for number, disk in enumerate(vm.disks)]
    content = el(
        "ovirt-vm:vm",
        None,
        el("ovirt-vm:minGuaranteedMemoryMb", {"type": "int"}, vm.minimum_memory),
        leaf("ovirt-vm:clusterVersion", vm.cluster.version),
        leaf("ovirt-vm:custom"),
        *nics,
        *disks,
        leaf("ovirt-vm:launchPaused", False),
        leaf("ovirt-vm:resumeBehavior", "auto_resume"),
        leaf("ovirt-vm:ballooningEnabled", True),
        leaf("ovirt-vm:cpuPolicy", "none"),
    )
    return el("metadata", None, leaf("ovirt-tune:qos"), content)


def _disk_metadata(vm: Vm, disk: Disk, number: int) -> etree._Element:
    shared = [leaf("ovirt-vm:shared", "exclusive")] if vm.hosted_engine else []
    return el(
        "ovirt-vm:device",
        {"devtype": "disk", "name": device_name(number)},
        leaf("ovirt-vm:poolID", disk_pool(vm)),
        leaf("ovirt-vm:volumeID", disk.volume_id),
        *shared,
        leaf("ovirt-vm:imageID", disk.image_id),
        leaf("ovirt-vm:domainID", disk.domain_id),
    )
