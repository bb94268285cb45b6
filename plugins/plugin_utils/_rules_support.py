# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is a setting of the field but not (yet) done by the phases: a run says so instead of going on without it."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.node0.hosted_engine.plugins.plugin_utils._findings import Finding
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._rule import Values, finding, rule
from ansible_collections.node0.hosted_engine.plugins.plugin_utils._spec import options

# Storage types whose settings are checked but that the phases cannot deploy on.
NOT_DEPLOYED = ("iscsi", "glusterfs", "fc")
# Without these the deployment would not be what was asked for.
REFUSED = (
    "he_restore_from_file",
    "he_pki_renew_on_restore",
    "he_apply_openscap_profile",
    "he_enable_fips",
    "he_enable_hc_gluster_service",
    "he_enable_libgfapi",
    "he_force_ip6",
    "he_additional_package_list",
    "he_pause_host",
    "he_pause_before_engine_setup",
)
# Without these it works all the same.
WITHOUT_EFFECT = (
    "he_host_ip",
    "he_ansible_host_name",
    "he_avail_memory_grace_MB",
    "he_maxvcpus",
    "he_vm_uuid",
    "he_nic_uuid",
    "he_cdrom_uuid",
    "he_cdrom",
    "he_video_device",
    "he_vm_boot_flags",
    "he_vm_efi_boot_flags",
    "he_local_vm_dir_prefix",
    "he_local_vm_dir",
    "he_appliance_type",
    "he_remove_appliance_rpm",
    "he_cloud_init_domain_name",
    "he_ipv6_subnet_prefix",
    "he_webui_forward_port",
    "he_storage_if",
    "he_just_collect_network_interfaces",
    "he_openscap_profile_name",
    "he_libvirt_authfile",
    "he_pause_after_failed_add_host",
    "he_pause_after_failed_restore",
    "he_debug_mode",
    "he_cmd_lang",
)


@rule
def the_phases_can_do_it(values: Values) -> Iterator[Finding]:
    """Nothing that was asked for is left out silently."""
    kind = values["he_domain_type"]
    if kind in NOT_DEPLOYED:
        advice = "Its settings were checked; this version deploys on NFS only."
        yield finding("unsupported", "he_domain_type", "nfs", kind, advice)
    for name in REFUSED:
        if _is_set(values, name):
            advice = "This version does not do it; leave it out, or do it after the deployment."
            yield finding("unsupported", name, "nothing", _shown(values[name]), advice)
    for name in WITHOUT_EFFECT:
        if _is_set(values, name):
            yield finding(
                "no_effect", name, "nothing", _shown(values[name]), str(options()[name]["description"]), "info"
            )


def _is_set(values: Values, name: str) -> bool:
    value = values[name]
    return value not in (None, "", [], {}) and value != options()[name].get("default")


def _shown(value: object) -> str:
    return repr(value)[:120]
