"""Bad inputs that only the host can know of: settings, what was done to the host, and the finding that must come.

SUBNET and DOMAIN stand for the lab's own. A case may prepare the host and its storage with a script; what it made is
removed by another one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

EMPTY_QCOW2 = "qemu-img create -q -f qcow2"
# An image with a boot sector in it, as good.qcow2 in the current folder.
BOOTING = (
    "printf boot > raw && truncate -s 16M raw && printf '\\125\\252' | dd of=raw bs=1 seek=510 conv=notrunc status=none"
    " && qemu-img convert -q -O qcow2 raw good.qcow2 && rm raw"
)
OVA, QCOW2 = "/srv/lab/appliance/faithful.ova", "/srv/lab/appliance/faithful.qcow2"
EXPORT = "/srv/exports/data"


@dataclass(frozen=True)
class Case:
    """One bad input.

    Attributes:
        name: of the test.
        finding: id that must be among the findings that block, or that warn if the run goes on.
        settings: variables that are given.
        before: script that is run in the host first.
        after: script that undoes it.
        alone: whether what the script does would be found by other cases too.
    """

    name: str
    finding: str
    settings: dict[str, Any] = field(default_factory=dict)
    before: str = ""
    after: str = ""
    alone: bool = True


def appliance(name: str, finding: str, make: str, **settings: Any) -> Case:
    """Return a case about an appliance, a file that a script makes in a folder of its own."""
    folder = f"/srv/p-{name.partition('/')[0]}"
    script = f"mkdir {folder} && chmod 755 {folder} && cd {folder} && {make}"
    given = {"he_appliance": f"{folder}/{name}", **settings}
    return Case(f"appliance {name.replace('/', ' ')}", finding, given, script, f"rm -r {folder}", alone=False)


def export(name: str, finding: str, make: str, **settings: Any) -> Case:
    """Return a case about a folder of the export C(data) that a script fills."""
    path = {"he_storage_domain_path": f"/exports/data/{name}", **settings}
    script = f"mkdir {EXPORT}/{name} && chown 36:36 {EXPORT}/{name} && cd {EXPORT}/{name} && {make}"
    return Case(f"export {name}", finding, path, script, f"rm -r {EXPORT}/{name}", alone=False)


OLD_DOMAIN = "11111111-2222-3333-4444-555555555555"
METADATA = f"mkdir -p {OLD_DOMAIN}/dom_md && echo DESCRIPTION=old > {OLD_DOMAIN}/dom_md/metadata && chown -R 36:36 ."

NAMES = [
    Case("engine unknown", "names.engine.forward", {"he_fqdn": "nobody.DOMAIN"}),
    Case("engine is the host", "names.engine.local", {"he_fqdn": "he-host1.DOMAIN"}),
    Case("engine is localhost", "settings.local_name", {"he_fqdn": "localhost.localdomain"}),
    Case("engine is elsewhere", "names.engine.mismatch", {"he_fqdn": "nfs.DOMAIN"}),
    Case("engine's address is another", "names.engine.mismatch", {"he_vm_ip_addr": "SUBNET.70"}),
    Case("host unknown", "names.host.forward", {"he_host_address": "nobody.DOMAIN"}),
    Case("host is loopback", "settings.local_name", {"he_host_address": "127.0.0.1"}),
    Case("host is localhost", "settings.local_name", {"he_host_address": "localhost"}),
    Case("host is another", "names.host.elsewhere", {"he_host_address": "nfs.DOMAIN"}),
]
NETWORK = [
    Case("no such interface", "network.interface.missing", {"he_bridge_if": "eth7"}),
    Case("loopback", "network.interface.kind", {"he_bridge_if": "lo"}),
    Case(
        "a bridge",
        "network.interface.kind",
        {"he_bridge_if": "br-foreign"},
        "ip link add br-foreign type bridge",
        "ip link del br-foreign",
    ),
    Case(
        "an interface that is down",
        "network.interface.down",
        {"he_bridge_if": "other0"},
        "ip link add other0 type veth peer name other1",
        "ip link del other0",
    ),
    Case(
        "an interface without an address",
        "network.interface.address",
        {"he_bridge_if": "other0"},
        "ip link add other0 type veth peer name other1 && ip link set other0 addrgenmode none up"
        " && ip link set other1 addrgenmode none up",
        "ip link del other0",
    ),
    Case("gateway silent", "network.gateway.silent", {"he_gateway": "SUBNET.77"}),
    Case("gateway off the link", "network.gateway.off_link", {"he_gateway": "192.0.2.1", "he_vm_ip_addr": ""}),
    Case(
        "gateway does not answer to ping", "network.test.ping", {"he_gateway": "SUBNET.77", "he_network_test": "ping"}
    ),
    Case("address in use", "network.vm_address.used", {"he_vm_ip_addr": "SUBNET.1", "he_fqdn": "nfs.DOMAIN"}),
    Case("address is the host's", "network.vm_address.host", {"he_vm_ip_addr": "SUBNET.11"}),
    Case("address elsewhere", "network.vm_address.elsewhere", {"he_vm_ip_addr": "192.0.2.9", "he_gateway": ""}),
    Case("name server silent", "network.dns.silent", {"he_dns_addr": ["SUBNET.99"]}),
    Case("second name server refuses", "network.dns.silent", {"he_dns_addr": ["SUBNET.1", "SUBNET.11"]}),
    Case(
        "nobody at the port",
        "network.test.tcp",
        {"he_network_test": "tcp", "he_tcp_t_address": "SUBNET.1", "he_tcp_t_port": 9},
    ),
    Case(
        "nobody of that name",
        "network.test.tcp",
        {"he_network_test": "tcp", "he_tcp_t_address": "nobody.DOMAIN", "he_tcp_t_port": 9},
    ),
    Case("prefix of the network", "settings.subnet_overlap", {"he_ipv4_subnet_prefix": "SUBNET"}),
    Case("MAC of the gateway", "network.mac.used", {"he_vm_mac_addr": "GATEWAY_MAC"}),
    Case("MAC of the host", "network.mac.used", {"he_vm_mac_addr": "HOST_MAC"}),
]
MACHINE = [
    Case("too much memory", "host.memory", {"he_mem_size_MB": 9999999}),
    Case("too many CPUs", "host.cpus", {"he_vcpus": 512}),
    Case("CPU type unknown", "host.cpu_model.unknown", {"he_cluster_cpu_type": "Intel Pentium Family"}),
    Case("a folder without room", "host.space", {"he_local_vm_dir_path": "/proc"}),
    Case("a folder that is read-only", "host.space.read_only", {"he_local_vm_dir_path": "/sys"}),
    Case("offline without packages", "host.packages.missing", {"he_offline_deployment": True}),
    Case(
        "firewalld is masked",
        "host.firewalld.masked",
        before="ln -s /dev/null /etc/systemd/system/firewalld.service",
        after="rm /etc/systemd/system/firewalld.service",
    ),
    Case(
        "NetworkManager is masked",
        "host.services.masked",
        before="ln -s /dev/null /etc/systemd/system/NetworkManager.service",
        after="rm /etc/systemd/system/NetworkManager.service",
    ),
    Case(
        "qemu-img is not there",
        "host.tools",
        before="mv /usr/bin/qemu-img /usr/bin/qemu-img.away",
        after="mv /usr/bin/qemu-img.away /usr/bin/qemu-img",
    ),
    Case(
        "vdsm has another number",
        "host.accounts.vdsm",
        before="usermod -u 1036 vdsm",
        after="usermod -u 36 vdsm",
    ),
]
DEPLOYMENT = [
    Case(
        "hosted-engine.conf has content",
        "deployment.exists",
        before="mkdir -p /etc/ovirt-hosted-engine && echo fqdn=x > /etc/ovirt-hosted-engine/hosted-engine.conf",
        after="rm -r /etc/ovirt-hosted-engine",
    ),
    Case(
        "storage of an engine is mounted",
        "deployment.storage.mounted",
        before="mkdir -p /rhev/data-center/mnt/x && mount -t tmpfs x /rhev/data-center/mnt/x",
        after="umount /rhev/data-center/mnt/x && rmdir /rhev/data-center/mnt/x",
    ),
    Case(
        "the bridge is there",
        "deployment.bridge.exists",
        before="ip link add ovirtmgmt type bridge",
        after="ip link del ovirtmgmt",
    ),
]
STORAGE = [
    Case("export read-only", "storage.nfs.access.read_only", {"he_storage_domain_path": "/exports/readonly"}),
    Case("export denied", "storage.nfs.mount.denied", {"he_storage_domain_path": "/exports/denied"}),
    Case("export missing", "storage.nfs.mount.missing", {"he_storage_domain_path": "/exports/none"}),
    Case("folder missing", "storage.nfs.mount.missing", {"he_storage_domain_path": "/exports/data/none"}),
    Case(
        "version not spoken",
        "storage.nfs.mount.version",
        {"he_storage_domain_path": "/exports/v3only", "he_nfs_version": "v4_1"},
    ),
    Case("server unknown", "storage.nfs.server.unknown", {"he_storage_domain_addr": "nobody.DOMAIN"}),
    Case("nobody at the server's address", "storage.nfs.server.silent", {"he_storage_domain_addr": "SUBNET.99"}),
    Case("server refuses", "storage.nfs.mount.silent", {"he_storage_domain_addr": "SUBNET.11"}),
    Case(
        "export too small",
        "storage.nfs.space.too_small",
        {"he_storage_domain_path": "/exports/small", "he_disk_size_GB": 30},
    ),
    export("root-only", "storage.nfs.access.permission", "chown 0:0 . && chmod 700 ."),
    export("root-writes", "storage.nfs.access.permission", "chown 0:0 . && chmod 755 ."),
    export("old-domain", "storage.nfs.content.domain", METADATA),
    Case(
        "a file and no folder",
        "storage.nfs.mount.missing",
        {"he_storage_domain_path": "/exports/data/file"},
        f"touch {EXPORT}/file",
        f"rm {EXPORT}/file",
    ),
]
APPLIANCE = [
    Case("disk too small", "vm.disk.too_small", {"he_disk_size_GB": 1}),
    Case("no appliance", "appliance.file.missing", {"he_appliance": "/srv/none.ova"}),
    Case("appliance is a folder", "appliance.file.missing", {"he_appliance": "/srv"}),
    appliance("text", "appliance.file.unknown_format", "echo hello > text"),
    appliance("empty", "appliance.file.unknown_format", "truncate -s 0 empty"),
    appliance("zeros", "appliance.file.unknown_format", "truncate -s 1M zeros"),
    appliance("closed/a.qcow2", "appliance.file.unreadable", f"mkdir -m 700 closed && {EMPTY_QCOW2} closed/a.qcow2 1M"),
    appliance("secret.qcow2", "appliance.file.unreadable", f"{EMPTY_QCOW2} secret.qcow2 1M && chmod 600 secret.qcow2"),
    appliance("cut.qcow2", "appliance.image.damaged", f"head -c 64 {QCOW2} > cut.qcow2"),
    appliance("half.qcow2", "appliance.sound", f"head -c 8M {QCOW2} > half.qcow2"),
    appliance(
        "layer.qcow2", "appliance.image.unusable", f"{BOOTING} && {EMPTY_QCOW2} -b good.qcow2 -F qcow2 layer.qcow2"
    ),
    appliance("nothing.qcow2", "appliance.firmware.none", f"{EMPTY_QCOW2} nothing.qcow2 16M"),
    appliance(
        "corrupt.qcow2",
        "appliance.sound",
        f"{BOOTING} && mv good.qcow2 corrupt.qcow2"
        " && dd if=/dev/zero of=corrupt.qcow2 bs=65536 seek=2 count=1 conv=notrunc status=none",
    ),
    appliance("cut.ova", "appliance.image.damaged", f"head -c 30000001 {OVA} > cut.ova"),
    appliance("stub.ova", "appliance.image.damaged", f"head -c 2000 {OVA} > stub.ova"),
    appliance("other.ova", "appliance.image.damaged", "tar -C /etc -czf other.ova hostname"),
    appliance("good.qcow2", "appliance.checksum.wrong", BOOTING, he_appliance_checksum=f"sha256:{'0' * 64}"),
    appliance("sum.qcow2", "appliance.checksum.invalid", f"{EMPTY_QCOW2} sum.qcow2 1M", he_appliance_checksum="md5:12"),
]
BLOCKING = [*NAMES, *NETWORK, *MACHINE, *DEPLOYMENT, *STORAGE, *APPLIANCE]

# What is told, and does not keep anybody from going on.
TOLD = [
    Case("no reverse record", "names.engine.reverse", {"he_fqdn": "oneway.DOMAIN", "he_vm_ip_addr": "SUBNET.60"}),
    export("foreign-files", "storage.nfs.content.not_empty", "touch a b"),
    Case("prefix of libvirt's network", "network.nat.moved", {"he_ipv4_subnet_prefix": "192.168.122"}),
    Case("unknown check", "preflight.unknown_check", {"he_preflight_skip": ["host.cpu"]}),
    Case(
        "a port is taken",
        "network.ports.taken",
        before="systemd-run --quiet --unit=p-listener python3 -m http.server 54321 --directory /srv"
        " && until ss -ltn | grep -q :54321; do sleep 0.1; done",
        after="systemctl stop p-listener",
    ),
]
