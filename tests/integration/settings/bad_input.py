"""Bad inputs, each with the finding that must come: variables first, then answer files."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

HEAD = "[environment:default]\n"
LONG = "x" * 300
SHELL = "$(touch {marker})"
ISCSI: dict[str, Any] = {
    "he_domain_type": "iscsi",
    "he_storage_domain_addr": None,
    "he_storage_domain_path": None,
    "he_iscsi_portal_addr": ["192.0.2.50", "192.0.2.51"],
    "he_iscsi_target": "iqn.2026-01.com.example:he",
    "he_lun_id": "36001405aaaaaaaaaaaaaaaaaaaaaaaaa",
}
FC: dict[str, Any] = {**dict.fromkeys(("he_storage_domain_addr", "he_storage_domain_path")), "he_domain_type": "fc"}
GLUSTER: dict[str, Any] = {"he_domain_type": "glusterfs", "he_storage_domain_path": "/engine"}
STATIC6: dict[str, Any] = {
    "he_vm_ip_addr": "2001:db8::10",
    "he_vm_ip_prefix": 64,
    "he_gateway": "2001:db8::1",
    "he_dns_addr": ["2001:db8::53"],
}


@dataclass(frozen=True)
class Case:
    """One bad input.

    Attributes:
        name: unique, also the name of its host in the inventory.
        finding: id of a finding that must be there and block.
        about: what its source must hold: a variable, a key, or a line.
        variables: what differs from the good settings; C({marker}) becomes a file that no one may make.
        file: content of an answer file.
        suffix: its ending.
        without: good settings that are taken away, so that the file's are looked at.
    """

    name: str
    finding: str
    about: str
    variables: dict[str, Any] = field(default_factory=dict)
    file: bytes | None = None
    suffix: str = ".conf"
    without: tuple[str, ...] = ()


def _v(name: str, finding: str, about: str, /, base: dict[str, Any] | None = None, **changes: Any) -> Case:
    return Case(name, f"settings.{finding}", about, {**(base or {}), **changes})


def _a(name: str, finding: str, about: str, text: str | bytes, suffix: str = ".conf", without: str = "") -> Case:
    content = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return Case(name, finding, about, {}, content, suffix, tuple(without.split()))


def _s(name: str, finding: str, key: str, value: str, without: str = "") -> Case:
    """Return a case with one wrong line in an OTOPI file."""
    return _a(name, finding, key, f"{HEAD}{key}={value}\n", without=without)


NAMES = [
    _v("fqdn-missing", "missing", "he_fqdn", he_fqdn=None),
    _v("fqdn-empty", "missing", "he_fqdn", he_fqdn=""),
    _v("fqdn-short", "fqdn", "he_fqdn", he_fqdn="engine"),
    _v("fqdn-underscore", "fqdn", "he_fqdn", he_fqdn="engine_1.example.com"),
    _v("fqdn-address", "fqdn", "he_fqdn", he_fqdn="192.0.2.10"),
    _v("fqdn-long-label", "fqdn", "he_fqdn", he_fqdn="e" * 64 + ".example.com"),
    _v("fqdn-long", "fqdn", "he_fqdn", he_fqdn="engine." + "a." * 130 + "com"),
    _v("fqdn-dot-at-end", "fqdn", "he_fqdn", he_fqdn="engine.example.com."),
    _v("fqdn-unicode", "fqdn", "he_fqdn", he_fqdn="enginé.example.com"),
    _v("fqdn-shell", "fqdn", "he_fqdn", he_fqdn=f"{SHELL}.example.com"),
    _v("fqdn-backtick", "fqdn", "he_fqdn", he_fqdn="`touch {marker}`.example.com"),
    _v("fqdn-two-lines", "control", "he_fqdn", he_fqdn="engine.example.com\nconf=/etc/shadow"),
    _v("fqdn-localhost", "local_name", "he_fqdn", he_fqdn="localhost.localdomain"),
    _v("fqdn-localhost6", "local_name", "he_fqdn", he_fqdn="localhost6"),
    _v("fqdn-dot-localhost", "local_name", "he_fqdn", he_fqdn="engine.localhost"),
    _v("fqdn-is-host", "fqdn_is_host", "he_fqdn", he_host_address="engine.example.com"),
    _v("fqdn-list", "type", "he_fqdn", he_fqdn=["engine.example.com"]),
    _v("fqdn-bool", "type", "he_fqdn", he_fqdn=True),
    _v("host-address-local", "local_name", "he_host_address", he_host_address="127.0.0.1"),
    _v("host-address-shell", "host", "he_host_address", he_host_address="host1;reboot"),
    _v("host-name-spaces", "host", "he_host_name", he_host_name="my host"),
    _v("host-ip-wrong", "address", "he_host_ip", he_host_ip="192.0.2"),
    _v("cloud-init-name", "host_name", "he_cloud_init_host_name", he_cloud_init_host_name="other.example.com"),
    _v("data-center-space", "name", "he_data_center", he_data_center="My DC", he_cluster="Mine"),
    _v("data-center-long", "name", "he_data_center", he_data_center="d" * 41, he_cluster="Mine"),
    _v("data-center-alone", "cluster", "he_cluster", he_data_center="Mine"),
    _v("cluster-quote", "name", "he_cluster", he_cluster="a'; DROP TABLE cluster; --"),
    _v("domain-name-slash", "name", "he_storage_domain_name", he_storage_domain_name="a/b"),
    _v("network-long", "name", "he_mgmt_network", he_mgmt_network="management-network"),
    _v("vm-name-comma", "name", "he_vm_name", he_vm_name="Hosted,device:disk"),
    _v("version-word", "version", "he_cluster_comp_version", he_cluster_comp_version="latest"),
    _v("version-old", "version", "he_data_center_comp_version", he_data_center_comp_version="3.6"),
    _v(
        "version-behind",
        "version",
        "he_cluster_comp_version",
        he_data_center_comp_version="4.7",
        he_cluster_comp_version="4.6",
    ),
]
VM = [
    _v("memory-word", "size", "he_mem_size_MB", he_mem_size_MB="lots"),
    _v("memory-unit", "size", "he_mem_size_MB", he_mem_size_MB="16GB"),
    _v("memory-negative", "size", "he_mem_size_MB", he_mem_size_MB=-4096),
    _v("memory-small", "memory_floor", "he_mem_size_MB", he_mem_size_MB=1024),
    _v("memory-fraction", "size", "he_mem_size_MB", he_mem_size_MB=4096.5),
    _v("cpus-zero", "size", "he_vcpus", he_vcpus=0),
    _v("cpus-one", "cpu_floor", "he_vcpus", he_vcpus=1),
    _v("cpus-word", "size", "he_vcpus", he_vcpus="many"),
    _v("cpus-more-than-most", "size", "he_maxvcpus", he_vcpus=4, he_maxvcpus=2),
    _v("disk-small", "disk_floor", "he_disk_size_GB", he_disk_size_GB=20),
    _v("disk-word", "type", "he_disk_size_GB", he_disk_size_GB="large"),
    _v("disk-bytes", "size", "he_disk_size_GB", he_disk_size_GB=65498251264),
    _v("disk-bool", "type", "he_disk_size_GB", he_disk_size_GB=True),
    _v("mac-multicast", "mac", "he_vm_mac_addr", he_vm_mac_addr="01:00:5e:00:00:01"),
    _v("mac-short", "mac", "he_vm_mac_addr", he_vm_mac_addr="00:16:3e:12:34"),
    _v("mac-zero", "mac", "he_vm_mac_addr", he_vm_mac_addr="00:00:00:00:00:00"),
    _v("mac-xml", "mac", "he_vm_mac_addr", he_vm_mac_addr="00:16:3e:12:34:56'/><x y='"),
    _v("time-zone-unknown", "time_zone", "he_time_zone", he_time_zone="Europe/Atlantis"),
    _v("time-zone-path", "word", "he_time_zone", he_time_zone="../../etc/shadow"),
    _v("uuid-wrong", "uuid", "he_vm_uuid", he_vm_uuid="1234"),
    _v("console-unknown", "choice", "he_console_type", he_console_type="spice2"),
    _v("machine-xml", "word", "he_bootstrap_machine", he_bootstrap_machine="q35'><devices/>"),
    _v("firmware-unknown", "choice", "he_firmware", he_firmware="coreboot"),
    _v("folder-relative", "path", "he_local_vm_dir_path", he_local_vm_dir_path="tmp"),
    _v("folder-dots", "path", "he_local_vm_dir_path", he_local_vm_dir_path="/var/tmp/../../etc"),
    _v("folder-prefix", "word", "he_local_vm_dir_prefix", he_local_vm_dir_prefix="../x"),
    _v("appliance-relative", "path", "he_appliance", he_appliance="appliance.ova"),
    _v("appliance-alias-differs", "alias", "he_appliance_ova", he_appliance="/a.ova", he_appliance_ova="/b.ova"),
    _v("package-option", "word", "he_host_packages", he_host_packages=["--installroot=/"]),
    _v("package-shell", "word", "he_appliance_package", he_appliance_package=f"appliance {SHELL}"),
    _v("packages-nested", "type", "he_host_packages", he_host_packages=[["a"], {"b": 1}]),
    _v("offline-word", "type", "he_offline_deployment", he_offline_deployment="perhaps"),
    _v("timeout-negative", "size", "he_timeout_boot", he_timeout_boot=-1),
    _v("journal-relative", "path", "he_journal", he_journal="journal.json"),
]
NETWORK = [
    _v("address-wrong", "address", "he_vm_ip_addr", he_vm_ip_addr="192.0.2.300"),
    _v("address-of-network", "address", "he_vm_ip_addr", he_vm_ip_addr="192.0.2.0"),
    _v("address-of-broadcast", "address", "he_vm_ip_addr", he_vm_ip_addr="192.0.2.255"),
    _v("address-loopback", "address", "he_vm_ip_addr", he_vm_ip_addr="127.0.0.5"),
    _v("address-multicast", "address", "he_vm_ip_addr", he_vm_ip_addr="224.0.0.5"),
    _v("address-link-local", "address", "he_vm_ip_addr", he_vm_ip_addr="169.254.1.1"),
    _v("address-two-prefixes", "prefix", "he_vm_ip_prefix", he_vm_ip_addr="192.0.2.10/24", he_vm_ip_prefix=16),
    _v("prefix-missing", "missing", "he_vm_ip_prefix", he_vm_ip_prefix=None),
    _v("prefix-long", "prefix", "he_vm_ip_prefix", he_vm_ip_prefix=33),
    _v("prefix-mask", "type", "he_vm_ip_prefix", he_vm_ip_prefix="255.255.255.0"),
    _v("gateway-elsewhere", "gateway", "he_gateway", he_gateway="198.51.100.1"),
    _v("gateway-is-engine", "gateway", "he_gateway", he_gateway="192.0.2.10"),
    _v("gateway-name", "address", "he_gateway", he_gateway="router.example.com"),
    _v("gateway-other-family", "family", "he_gateway", base=STATIC6, he_gateway="192.0.2.254"),
    _v("dns-name", "address", "he_dns_addr", he_dns_addr=["dns.example.com"]),
    _v("dns-four", "dns_count", "he_dns_addr", he_dns_addr="192.0.2.1,192.0.2.2,192.0.2.3,192.0.2.4"),
    _v("dns-other-family", "family", "he_dns_addr", he_dns_addr=["2001:db8::53"]),
    _v("dns-is-engine", "dns_is_engine", "he_dns_addr", he_dns_addr=["192.0.2.10"]),
    _v("dns-bool", "type", "he_dns_addr", he_dns_addr=True),
    _v("both-families", "family", "he_force_ip6", he_force_ip4=True, he_force_ip6=True),
    _v("family-and-address", "family", "he_vm_ip_addr", base=STATIC6, he_force_ip4=True),
    _v(
        "ipv6-dhcp",
        "static_ipv6",
        "he_vm_ip_addr",
        he_force_ip6=True,
        he_vm_ip_addr=None,
        he_vm_ip_prefix=None,
        he_gateway=None,
        he_dns_addr=None,
    ),
    _v("subnet-wrong", "subnet", "he_ipv4_subnet_prefix", he_ipv4_subnet_prefix="192.168.222.0/24"),
    _v("subnet-public", "subnet", "he_ipv4_subnet_prefix", he_ipv4_subnet_prefix="8.8.8"),
    _v("subnet-hides-gateway", "subnet_overlap", "he_ipv4_subnet_prefix", he_ipv4_subnet_prefix="192.0.2"),
    _v("subnet-hides-storage", "subnet_overlap", "he_ipv4_subnet_prefix", he_storage_domain_addr="192.168.222.9"),
    _v("interface-long", "interface", "he_bridge_if", he_bridge_if="enp0s31f6verylongname"),
    _v("interface-vlan", "interface", "he_bridge_if", he_bridge_if="eth0.5000"),
    _v("interface-shell", "interface", "he_bridge_if", he_bridge_if="eth0;id"),
    _v("test-unknown", "choice", "he_network_test", he_network_test="icmp"),
    _v("test-tcp-alone", "missing", "he_tcp_t_address", he_network_test="tcp"),
    _v(
        "test-tcp-port",
        "port",
        "he_tcp_t_port",
        he_network_test="tcp",
        he_tcp_t_address="192.0.2.1",
        he_tcp_t_port=70000,
    ),
    _v("webui-port", "port", "he_webui_forward_port", he_webui_forward_port=99999),
    _v("gateway6-is-4", "family", "he_default_gateway_6", he_default_gateway_6="192.0.2.254"),
]
STORAGE = [
    _v("type-missing", "missing", "he_domain_type", he_domain_type=None),
    _v("type-unknown", "choice", "he_domain_type", he_domain_type="smb"),
    _v("type-upper", "choice", "he_domain_type", he_domain_type="NFS"),
    _v("nfs-server-missing", "missing", "he_storage_domain_addr", he_storage_domain_addr=None),
    _v("nfs-server-with-path", "storage_address", "he_storage_domain_addr", he_storage_domain_addr="nas:/exports"),
    _v("nfs-server-local", "local_name", "he_storage_domain_addr", he_storage_domain_addr="localhost"),
    _v("nfs-server-shell", "conf_signs", "he_storage_domain_addr", he_storage_domain_addr=f"nas{SHELL}"),
    _v("nfs-path-missing", "missing", "he_storage_domain_path", he_storage_domain_path=""),
    _v("nfs-path-relative", "path", "he_storage_domain_path", he_storage_domain_path="exports/he"),
    _v("nfs-path-root", "path", "he_storage_domain_path", he_storage_domain_path="//"),
    _v("nfs-path-dots", "path", "he_storage_domain_path", he_storage_domain_path="/exports/../etc"),
    _v("nfs-path-space", "conf_signs", "he_storage_domain_path", he_storage_domain_path="/exports/my he"),
    _v("nfs-path-shell", "conf_signs", "he_storage_domain_path", he_storage_domain_path="/exports/he;reboot"),
    _v("nfs-version-unknown", "choice", "he_nfs_version", he_nfs_version="v5"),
    _v("nfs-options-version", "mount_options", "he_mount_options", he_mount_options="vers=4.1"),
    _v("nfs-options-timeout", "mount_options", "he_mount_options", he_mount_options="nconnect=4,timeo=5"),
    _v("nfs-options-space", "conf_signs", "he_mount_options", he_mount_options="soft, hard"),
    _v("nfs-options-read-only", "mount_options", "he_mount_options", he_mount_options="ro"),
    _v("nfs-options-empty-part", "mount_options", "he_mount_options", he_mount_options="nconnect=4,,x"),
    _v("iscsi-not-deployed", "unsupported", "he_domain_type", base=ISCSI),
    _v("iscsi-target-missing", "missing", "he_iscsi_target", base=ISCSI, he_iscsi_target=None),
    _v("iscsi-lun-missing", "missing", "he_lun_id", base=ISCSI, he_lun_id=None),
    _v("iscsi-portal-missing", "missing", "he_storage_domain_addr", base=ISCSI, he_iscsi_portal_addr=[]),
    _v("iscsi-target-wrong", "target", "he_iscsi_target", base=ISCSI, he_iscsi_target="disk1"),
    _v("iscsi-two-targets", "target", "he_iscsi_target", base=ISCSI, he_iscsi_target="iqn.2026-01.a:b,iqn.2026-01.a:c"),
    _v("iscsi-lun-shell", "lun", "he_lun_id", base=ISCSI, he_lun_id="3600;id"),
    _v("iscsi-ports-uneven", "portals", "he_iscsi_portal_port", base=ISCSI, he_iscsi_portal_port="3260,3261,3262"),
    _v("iscsi-port-high", "port", "he_iscsi_portal_port", base=ISCSI, he_iscsi_portal_port="66000"),
    _v("iscsi-port-word", "type", "he_iscsi_portal_port", base=ISCSI, he_iscsi_portal_port="iscsi"),
    _v("iscsi-portal-wrong", "portals", "he_iscsi_portal_addr", base=ISCSI, he_iscsi_portal_addr="192.0.2.50;id"),
    _v("iscsi-portal-twice", "portals", "he_iscsi_portal_addr", base=ISCSI, he_iscsi_portal_addr="192.0.2.5,192.0.2.5"),
    _v("iscsi-first-portal", "portals", "he_storage_domain_addr", base=ISCSI, he_storage_domain_addr="192.0.2.99"),
    _v("iscsi-user-alone", "chap", "he_iscsi_password", base=ISCSI, he_iscsi_username="chap"),
    _v(
        "iscsi-password-shell",
        "conf_signs",
        "he_iscsi_password",
        base=ISCSI,
        he_iscsi_username="chap",
        he_iscsi_password="a;reboot",
    ),
    _v(
        "iscsi-password-comma",
        "conf_signs",
        "he_iscsi_password",
        base=ISCSI,
        he_iscsi_username="chap",
        he_iscsi_password="a,b",
    ),
    _v(
        "iscsi-password-long",
        "chap",
        "he_iscsi_password",
        base=ISCSI,
        he_iscsi_username="chap",
        he_iscsi_password="p" * 51,
    ),
    _v(
        "iscsi-discovery-password",
        "conf_signs",
        "he_iscsi_discover_password",
        base=ISCSI,
        he_iscsi_discover_username="chap",
        he_iscsi_discover_password="$HOME and more",
    ),
    _v("iscsi-group-negative", "size", "he_iscsi_tpgt", base=ISCSI, he_iscsi_tpgt=-1),
    _v("fc-not-deployed", "unsupported", "he_domain_type", base=FC, he_lun_id="36001405aaaaaaaaaaaaaaaaaaaaaaaaa"),
    _v("fc-lun-missing", "missing", "he_lun_id", base=FC),
    _v("fc-lun-list", "type", "he_lun_id", base=FC, he_lun_id=["3600"]),
    _v("fc-lun-path", "lun", "he_lun_id", base=FC, he_lun_id="/dev/mapper/x"),
    _v("gluster-not-deployed", "unsupported", "he_domain_type", base=GLUSTER),
    _v("gluster-volume-missing", "missing", "he_storage_domain_path", base=GLUSTER, he_storage_domain_path=None),
    _v("gluster-volume-wrong", "path", "he_storage_domain_path", base=GLUSTER, he_storage_domain_path="/~engine"),
    _v("gluster-server-wrong", "storage_address", "he_storage_domain_addr", base=GLUSTER, he_storage_domain_addr="a,b"),
]
ACCESS = [
    _v("admin-password-missing", "missing", "he_admin_password", he_admin_password=None),
    _v("root-password-missing", "missing", "he_appliance_password", he_appliance_password=""),
    _v("password-two-lines", "password", "he_admin_password", he_admin_password="one\ntwo"),
    _v("password-nul", "password", "he_appliance_password", he_appliance_password="one\x00two"),
    _v("password-space-behind", "password", "he_admin_password", he_admin_password="secret one "),
    _v("password-space-before", "password", "he_appliance_password", he_appliance_password=" secret one"),
    _v("password-number", "type", "he_admin_password", he_admin_password=12345678),
    _v("password-dict", "type", "he_db_password", he_db_password={"not": "this"}),
    _v("password-long-in-bytes", "password", "he_appliance_password", he_appliance_password="ü" * 200),
    _v("password-very-long", "password", "he_dwh_db_password", he_dwh_db_password="p" * 2000),
    _v("password-open-brace", "template", "he_admin_password", he_admin_password="pass{{word"),
    _v("password-undefined", "template", "he_admin_password", he_admin_password="{{ no_such_variable }}"),
    _v("password-statement", "template", "he_admin_password", he_admin_password="pass{%word"),
    _v("password-comment", "template", "he_appliance_password", he_appliance_password="pass{#wo#}rd"),
    _v("variable-undefined", "template", "he_cluster", he_cluster="{{ no_such_variable }}"),
    _v("reference-strange", "reference", "he_secrets_from", he_secrets_from={"he_admin_password": "s3cret"}),
    _v("reference-name", "reference", "he_secrets_from", he_secrets_from={"he_fqdn": "env:FQDN"}),
    _v(
        "reference-missing-file",
        "reference",
        "he_db_password",
        he_secrets_from={"he_db_password": "file:/nonexistent/secret"},
    ),
    _v("public-key-private", "public_key", "he_root_ssh_pubkey", he_root_ssh_pubkey="-----BEGIN PRIVATE KEY-----"),
    _v("public-key-wrong", "public_key", "he_root_ssh_pubkey", he_root_ssh_pubkey="ssh-dss AAAA"),
    _v(
        "public-key-two",
        "control",
        "he_root_ssh_pubkey",
        he_root_ssh_pubkey="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA a\nssh-rsa AAAA b",
    ),
    _v("root-access-unknown", "choice", "he_root_ssh_access", he_root_ssh_access="sometimes"),
    _v("mail-server-two-lines", "control", "he_smtp_server", he_smtp_server="localhost\n[notify]"),
    _v("mail-port-word", "type", "he_smtp_port", he_smtp_port="smtp"),
    _v("mail-port-high", "port", "he_smtp_port", he_smtp_port=65536),
    _v("mail-address", "mail", "he_source_email", he_source_email="root"),
    _v("mail-addresses", "mail", "he_dest_email", he_dest_email="a@example.com;b@example.com"),
    _v("restore", "unsupported", "he_restore_from_file", he_restore_from_file="/root/backup.tar"),
    _v("fips", "unsupported", "he_enable_fips", he_enable_fips=True),
    _v("openscap", "unsupported", "he_apply_openscap_profile", he_apply_openscap_profile=True),
    _v("openscap-profile", "choice", "he_openscap_profile_name", he_openscap_profile_name="none"),
]
YAML_GOOD = "he_vcpus: 4\n"
FILES = [
    Case("file-missing", "answers.file", "/nonexistent/a.conf", {"he_answer_file": "/nonexistent/a.conf"}),
    Case("file-is-folder", "answers.file", "/etc", {"he_answer_file": "/etc"}),
    Case("file-is-device", "answers.file", "/dev/zero", {"he_answer_file": "/dev/zero"}),
    Case("file-is-dict", "settings.type", "he_answer_file", {"he_answer_file": {"a": 1}}),
    _a("file-huge", "answers.file", ".conf", HEAD + "# padding\n" * 120000),
    _a("otopi-bom", "answers.bom", ":1", f"\ufeff{HEAD}OVEHOSTED_VM/vmVCpus=str:4\n"),
    _a("otopi-latin1", "answers.encoding", ":2", HEAD.encode() + b"OVEHOSTED_NETWORK/fqdn=str:\xfcber\n"),
    _a("otopi-utf16", "answers.encoding", ":1", f"{HEAD}OVEHOSTED_VM/vmVCpus=str:4\n".encode("utf-16")),
    _a("otopi-binary", "answers.encoding", ":2", bytes(range(256))),
    _a("otopi-no-section", "answers.no_section", ":1", "OVEHOSTED_VM/vmVCpus=str:4\n"),
    _a("otopi-wrong-section", "answers.section", ":1", "[environment]\nOVEHOSTED_VM/vmVCpus=str:4\n"),
    _a("otopi-upper-section", "answers.section", ":1", "[ENVIRONMENT:DEFAULT]\nOVEHOSTED_VM/vmVCpus=str:4\n"),
    _a("otopi-cut-in-key", "answers.no_value", ":3", f"{HEAD}OVEHOSTED_VM/vmVCpus=str:4\nOVEHOSTED_NETW"),
    _a("otopi-cut-in-type", "answers.type", ":2", f"{HEAD}OVEHOSTED_VM/vmVCpus=st"),
    _a("otopi-cut-in-section", "answers.no_section", ":1", "[environment:def"),
    _a(
        "otopi-duplicate-key",
        "answers.duplicate",
        ":3",
        f"{HEAD}OVEHOSTED_VM/vmVCpus=str:4\nOVEHOSTED_VM/vmVCpus=str:2\n",
    ),
    _a("otopi-duplicate-section", "answers.duplicate", ":3", f"{HEAD}OVEHOSTED_VM/vmVCpus=str:4\n{HEAD}"),
    _a(
        "otopi-swallowed",
        "answers.swallowed",
        ":2",
        f"{HEAD}OVEHOSTED_VM/vmVCpus=str:4\n  OVEHOSTED_VM/vmMemSizeMB=int:1\n",
    ),
    _s("otopi-no-type", "answers.type", "OVEHOSTED_VM/vmVCpus", "4"),
    _s("otopi-strange-type", "answers.type", "OVEHOSTED_VM/vmVCpus", "float:4"),
    _s("otopi-object", "answers.type", "OVEHOSTED_VM/vmVCpus", "object:4"),
    _s("otopi-int-text", "answers.type", "OVEHOSTED_VM/vmMemSizeMB", "int:16GB"),
    _s("otopi-quoted", "answers.type", "OVEHOSTED_VM/vmVCpus", '"str:4"'),
    _s("otopi-list-for-text", "settings.type", "OVEHOSTED_ENGINE/clusterName", "multi-str:a\n  b"),
    _s("otopi-bool-for-number", "settings.size", "OVEHOSTED_VM/vmMemSizeMB", "str:yes"),
    _s("otopi-bool-for-text", "settings.type", "OVEHOSTED_NETWORK/gateway", "bool:True", "he_gateway"),
    _s("otopi-connection", "answers.connection", "OVEHOSTED_STORAGE/storageDomainConnection", "str:nas.example.com"),
    _s("otopi-connection-number", "answers.connection", "OVEHOSTED_STORAGE/storageDomainConnection", "int:5"),
    _s("otopi-refused", "answers.refused", "OVEHOSTED_CORE/deployProceed", "bool:False"),
    _s("otopi-refused-family", "answers.refused", "OVEHOSTED_CORE/forceIpProceed", "str:no"),
    _s("otopi-cidr-wrong", "settings.address", "cloudinitVMStaticCIDR", "OVEHOSTED", "he_vm_ip_addr he_vm_ip_prefix"),
    _s("otopi-dns-word", "settings.address", "OVEHOSTED_VM/cloudinitVMDNS", "str:resolver", "he_dns_addr"),
    _s("otopi-shell", "settings.fqdn", "OVEHOSTED_NETWORK/fqdn", "str:$(touch {marker}).a.b", "he_fqdn"),
    _s("otopi-jinja", "settings.name", "OVEHOSTED_ENGINE/clusterName", "str:{{ lookup('pipe', 'touch {marker}') }}"),
    _s("otopi-jinja-statement", "settings.name", "OVEHOSTED_ENGINE/clusterName", "str:{% for a in b %}"),
    _s("otopi-password-blank", "settings.password", "adminPassword", "", "he_admin_password"),
    _s("otopi-nul", "settings.control", "OVEHOSTED_ENGINE/clusterName", "str:a\x00b"),
    _s("otopi-extra-file", "answers.extra_vars", "ansibleUserExtraVars", "", ""),
    _s("otopi-extra-quote", "answers.extra_vars", "OVEHOSTED_CORE/ansibleUserExtraVars", "str:he_vcpus='4"),
    _s("otopi-extra-words", "answers.extra_vars", "OVEHOSTED_CORE/ansibleUserExtraVars", "str:he_vcpus 4"),
    _s("otopi-extra-json", "answers.extra_vars", "OVEHOSTED_CORE/ansibleUserExtraVars", 'str:{"he_vcpus": 4'),
    _s("otopi-extra-secret", "answers.secret_in_extra_vars", "he_db_password", ""),
    _s("otopi-extra-shell", "settings.size", "he_vcpus", ""),
    _a("yaml-cut", "answers.syntax", ":2", 'he_vcpus: 4\nhe_cluster: "Def', ".yml"),
    _a("yaml-tab", "answers.syntax", ":2", "he_dns_addr:\n\t- 192.0.2.1\n", ".yml"),
    _a("yaml-list", "answers.syntax", ":1", "- he_vcpus: 4\n", ".yml"),
    _a("yaml-text", "answers.syntax", ":1", "just a text\n", ".yml"),
    _a("yaml-two-documents", "answers.syntax", ":2", f"{YAML_GOOD}---\n{YAML_GOOD}", ".yml"),
    _a("yaml-duplicate", "answers.duplicate", ":2", f"{YAML_GOOD}{YAML_GOOD}", ".yml"),
    _a("yaml-alias-bomb", "answers.syntax", ":1", "a: &a [x]\nb: &b [*a, *a]\nhe_dns_addr: [*b, *b]\n", ".yml"),
    _a(
        "yaml-python",
        "answers.syntax",
        ":1",
        "he_cluster: !!python/object/apply:os.system ['touch {marker}']\n",
        ".yml",
    ),
    _a("yaml-latin1", "answers.encoding", ":1", b"he_cluster: \xe4\n", ".yml"),
    _a("yaml-date", "settings.size", "he_vcpus", "he_vcpus: 2026-01-01\n", ".yml"),
    _a(
        "yaml-octal-password",
        "settings.type",
        "he_admin_password",
        "he_admin_password: 01234567\n",
        ".yml",
        "he_admin_password",
    ),
    _a("yaml-jinja", "settings.name", "he_cluster", "he_cluster: \"{{ lookup('pipe', 'touch {marker}') }}\"\n", ".yml"),
    _a("yaml-deep", "answers.syntax", ":1", "he_dns_addr: " + "[" * 3000 + "]" * 3000 + "\n", ".yml"),
    _a("json-cut", "answers.syntax", ":2", '{"he_vcpus": 4,\n"he_cluster', ".json"),
    _a("json-comma", "answers.syntax", ":1", '{"he_vcpus": 4,}', ".json"),
    _a("json-list", "answers.syntax", ":1", "[1]", ".json"),
    _a("json-nan", "answers.syntax", ":1", '{"he_vcpus": NaN}', ".json"),
    _a(
        "json-duplicate",
        "answers.duplicate",
        ":3",
        '{"he_vcpus": 4,\n "he_cluster": "Default",\n "he_vcpus": 2}',
        ".json",
    ),
    _a("json-empty", "answers.syntax", ":1", "", ".json"),
    _a(
        "json-surrogate",
        "settings.password",
        "he_admin_password",
        r'{"he_admin_password": "secret\ud800"}',
        ".json",
        "he_admin_password",
    ),
    _a(
        "json-surrogate-name",
        "settings.encoding",
        "he_cluster_cpu_type",
        r'{"he_cluster_cpu_type": "x\ud800"}',
        ".json",
    ),
    _a("json-nested", "settings.type", "he_fqdn", json.dumps({"he_fqdn": {"value": "engine"}}), ".json", "he_fqdn"),
    _a("json-deep", "answers.syntax", ":1", '{"he_dns_addr": ' + "[" * 100000 + "]" * 100000 + "}", ".json"),
    _a("vault-without-password", "answers.vault", "answers", "$ANSIBLE_VAULT;1.1;AES256\n3132\n", ".yml"),
]
_WHOLE_LINES = {
    "otopi-cidr-wrong": "OVEHOSTED_VM/cloudinitVMStaticCIDR=str:192.0.2.300/24",
    "otopi-password-blank": "OVEHOSTED_ENGINE/adminPassword=str: begins with a blank",
    "otopi-extra-file": "OVEHOSTED_CORE/ansibleUserExtraVars=str:@/etc/passwd",
    "otopi-extra-secret": "OVEHOSTED_CORE/ansibleUserExtraVars=str:he_db_password=s3cret-db",
    "otopi-extra-shell": "OVEHOSTED_CORE/ansibleUserExtraVars=str:he_vcpus=$(touch${IFS}{marker})",
}


def _with_line(case: Case) -> Case:
    if case.name not in _WHOLE_LINES:
        return case
    content = f"{HEAD}{_WHOLE_LINES[case.name]}\n".encode()
    return Case(case.name, case.finding, case.about, case.variables, content, case.suffix, case.without)


CASES = NAMES + VM + NETWORK + STORAGE + ACCESS + [_with_line(case) for case in FILES]
