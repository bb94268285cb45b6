# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Event types: name, code, severity, text. Texts as recorded from ovirt-engine 4.5.8, or of its message catalogue."""

from __future__ import annotations

from typing import NamedTuple


class Type(NamedTuple):
    code: int
    severity: str
    text: str


SEVERITIES = {"normal": 0, "warning": 1, "error": 2, "alert": 10}

CATALOGUE: dict[str, Type] = {
    "ENGINE_START": Type(1, "normal", "Starting oVirt Engine."),
    "VDS_FAILURE": Type(12, "error", "Host {host} is non responsive."),
    "VDS_DETECTED": Type(13, "normal", "Status of host {host} was set to Up."),
    "USER_VDS_MAINTENANCE": Type(
        600, "normal", "Host {host} was switched to Maintenance mode by {user} (Reason: {reason})."
    ),
    "USER_VDS_MAINTENANCE_WITHOUT_REASON": Type(
        10453, "normal", "Host {host} was switched to Maintenance mode by {user}."
    ),
    "VDS_MAINTENANCE": Type(15, "normal", "Host {host} was switched to Maintenance Mode."),
    "VDS_ACTIVATE": Type(16, "normal", "Activation of host {host} initiated by {user}."),
    "VDS_ACTIVATE_FAILED": Type(17, "error", "Failed to activate Host {host}.(User: {user})."),
    "USER_VDC_LOGIN": Type(30, "normal", "User {user} connecting from '{source}' using session '{session}' logged in."),
    "USER_VDC_LOGOUT": Type(
        31, "normal", "User {user} connected from '{source}' using session '{session}' logged out."
    ),
    "USER_VDC_LOGIN_FAILED": Type(
        114,
        "error",
        "User {login} connecting from '{source}' failed to log in : "
        "'Unable to log in. Verify your login information or contact the "
        "system administrator.'.",
    ),
    "USER_RUN_VM": Type(32, "normal", "VM {vm} started on Host {host}"),
    "USER_STOP_VM": Type(33, "normal", "VM {vm} powered off by {user} (Host: {host})."),
    "USER_ADD_VM": Type(34, "normal", "VM {vm} was created by {user}."),
    "USER_UPDATE_VM": Type(35, "normal", "VM {vm} configuration was updated by {user}."),
    "USER_ADD_VDS": Type(42, "normal", "Host {host} was added by {user}."),
    "USER_UPDATE_VDS": Type(43, "normal", "Host {host} configuration was updated by {user}."),
    "USER_REMOVE_VDS": Type(44, "normal", "Host {host} was removed by {user}."),
    "USER_ADD_VM_FINISHED_SUCCESS": Type(53, "normal", "VM {vm} creation has been completed."),
    "VM_DOWN": Type(61, "normal", "VM {vm} is down. Exit message: {message}"),
    "VM_DOWN_ERROR": Type(119, "error", "VM {vm} is down with error. Exit message: {message}."),
    "USER_REMOVE_VM_FINISHED": Type(113, "normal", "VM {vm} was successfully removed by {user}."),
    "USER_INITIATED_SHUTDOWN_VM": Type(73, "normal", "VM shutdown initiated by {user} on VM {vm} (Host: {host})."),
    "USER_SUSPEND_VM": Type(65, "normal", "Suspending VM {vm} was initiated by {user} (Host: {host})."),
    "USER_REBOOT_VM": Type(157, "normal", "User {user} initiated reboot of VM {vm}."),
    "USER_STARTED_VM": Type(153, "normal", "VM {vm} was started by {user} (Host: {host})."),
    "OVF_STORES_UPDATED": Type(199, "normal", "OVF_STORE for domain {domain} was updated by {user}."),
    "OVF_STORES_UPDATE_IGNORED": Type(
        1052, "normal", "OVFs update was ignored - nothing to update for storage domain '{domain}'"
    ),
    "OVF_STORES_UPDATE_FAILED": Type(
        1016,
        "error",
        "Failed to update VMs/Templates OVF data for Storage Domain {domain} in Data Center {data_center}.",
    ),
    "SYSTEM_STORAGE_POOL_START": Type(
        204, "normal", "Storage Pool Manager runs on Host {host} (Address: {address}), Data Center {data_center}."
    ),
    "TAGS_CREATE": Type(432, "normal", "New Tag {tag} was created by {user}."),
    "TAGS_REMOVE": Type(434, "normal", "Tag {tag} was removed by {user}."),
    "TAGS_UPDATE": Type(430, "normal", "Tag {tag} configuration was updated by {user}."),
    "TAG_ATTACHED_TO_USER": Type(450, "normal", "Tag {tag} was attached to User(s) {object} by {user}."),
    "TAG_ATTACHED_TO_GROUP": Type(452, "normal", "Tag {tag} was attached to Group(s) {object} by {user}."),
    "TAG_ATTACHED_TO_VM": Type(454, "normal", "Tag {tag} was attached to VM(s) {object} by {user}."),
    "TAG_ATTACHED_TO_TEMPLATE": Type(1300, "normal", "Tag {tag} was attached to Template(s) {object} by {user}."),
    "TAG_ATTACHED_TO_HOST": Type(456, "normal", "Tag {tag} was attached to Host(s) {object} by {user}."),
    "TAG_DETACHED_FROM_HOST": Type(458, "normal", "Tag {tag} was detached from Host(s) {object} by {user}."),
    "TAG_DETACHED_FROM_VM": Type(460, "normal", "Tag {tag} was detached from VM(s) {object} by {user}."),
    "TAG_DETACHED_FROM_USER": Type(462, "normal", "Tag {tag} detached from User(s) {object} by {user}."),
    "TAG_DETACHED_FROM_GROUP": Type(464, "normal", "Tag {tag} was detached from Group(s) {object} by {user}."),
    "TAG_DETACHED_FROM_TEMPLATE": Type(1302, "normal", "Tag {tag} was detached from Template(s) {object} by {user}."),
    "VDS_INSTALL": Type(504, "normal", "Host {host} installed"),
    "VDS_INSTALL_FAILED": Type(505, "error", "Host {host} installation failed. {message}."),
    "CPU_FLAGS_MISSING": Type(
        515,
        "warning",
        "Host {host} moved to Non-Operational state as host does not meet the "
        "cluster's minimum CPU level. Missing CPU features : {flags}",
    ),
    "VDS_SET_NONOPERATIONAL": Type(517, "normal", "Host {host} moved to Non-Operational state."),
    "VDS_NETWORK_MISSING": Type(
        519,
        "warning",
        "Host {host} does not comply with the cluster {cluster} networks, the "
        "following networks are missing on host: '{networks}'",
    ),
    "VDS_STORAGE_UNREACHABLE": Type(
        522,
        "warning",
        "Host {host} cannot access the Storage Domain(s) {domain} attached to "
        "the Data Center {data_center}. Setting Host state to Non-Operational.",
    ),
    "ANSIBLE_RUNNER_EVENT": Type(559, "normal", "Installing Host {host}. {task}."),
    "VDS_ANSIBLE_INSTALL_STARTED": Type(
        560, "normal", "Ansible host-deploy playbook execution has started on host {host}."
    ),
    "VDS_ANSIBLE_INSTALL_FINISHED": Type(
        561, "normal", "Ansible host-deploy playbook execution has successfully finished on host {host}."
    ),
    "VDS_ANSIBLE_REMOVE_STARTED": Type(562, "normal", "Ansible host-remove playbook execution started on host {host}."),
    "VDS_ANSIBLE_REMOVE_FAILED": Type(
        564,
        "warning",
        "Ansible host-remove playbook execution failed on host {host}. For "
        "further details please refer to Engine log: {log}",
    ),
    "VDS_HOST_NOT_RESPONDING_CONNECTING_2": Type(
        566, "normal", "Host {host} is not operational. Not removing its certificate."
    ),
    "USER_ADD_CLUSTER": Type(809, "normal", "Cluster {cluster} was added by {user}"),
    "USER_UPDATE_CLUSTER": Type(811, "normal", "Host cluster {cluster} was updated by {user}"),
    "USER_REMOVE_CLUSTER": Type(813, "normal", "Host cluster {cluster} was removed by {user}"),
    "SYSTEM_UPDATE_CLUSTER": Type(835, "normal", "Host cluster {cluster} was updated by system"),
    "NETWORK_ADD": Type(942, "normal", "Network {network} was added to Data Center: {data_center}"),
    "NETWORK_ADD_TO_HOSTS": Type(
        9423, "normal", "Start adding Network {network} to Data Center: {data_center}; no hosts affected"
    ),
    "NETWORK_REMOVE": Type(944, "normal", "Finished Network {network} removal from Data Center: {data_center}"),
    "NETWORK_UPDATE": Type(1114, "normal", "Network {network} was updated on Data Center: {data_center}"),
    "NETWORK_ATTACH": Type(989, "normal", "Network {network} attached to Cluster {cluster}"),
    "NETWORK_DETACH": Type(990, "normal", "Network {network} detached from Cluster {cluster}"),
    "MANAGEMENT_NETWORK_FAILED": Type(
        1120, "error", "Failed to configure management network on host {host} due to setup networks failure."
    ),
    "VNIC_PROFILE_ADD": Type(
        1122,
        "normal",
        "VM network interface profile {profile} was added to network {network} in Data "
        "Center: {data_center}. (User: {user})",
    ),
    "USER_ADD_DATA_CENTER": Type(
        950,
        "normal",
        "Data Center {data_center}, Compatibility Version {version} and Quota Type {quota} was added by {user}",
    ),
    "USER_UPDATE_DATA_CENTER": Type(952, "normal", "Data Center {data_center} was updated by {user}"),
    "USER_REMOVE_DATA_CENTER": Type(954, "normal", "Data Center {data_center} was removed by {user}"),
    "USER_FORCE_REMOVE_DATA_CENTER": Type(1018, "normal", "Data Center {data_center} was forcibly removed by {user}"),
    "USER_ADD_DOMAIN": Type(956, "normal", "Storage Domain {domain} was added by {user}"),
    "USER_UPDATE_DOMAIN": Type(958, "normal", "Storage Domain {domain} was updated by {user}"),
    "USER_REMOVE_DOMAIN": Type(960, "normal", "Storage Domain {domain} was removed by {user}"),
    "USER_ATTACH_DOMAIN": Type(
        962, "normal", "Storage Domain {domain} was attached to Data Center {data_center} by {user}"
    ),
    "USER_DETACH_DOMAIN": Type(
        964, "normal", "Storage Domain {domain} was detached from Data Center {data_center} by {user}"
    ),
    "USER_ACTIVATED_DOMAIN": Type(
        966, "normal", "Storage Domain {domain} (Data Center {data_center}) was activated by {user}"
    ),
    "USER_DEACTIVATE_DOMAIN": Type(
        968,
        "normal",
        "Storage Domain {domain} (Data Center {data_center}) was deactivated and "
        "has moved to 'Preparing for maintenance' until it will no longer be "
        "accessed by any Host of the Data Center.",
    ),
    "DOMAIN_MAINTENANCE": Type(
        1023, "normal", "Storage Domain {domain} (Data Center {data_center}) was moved to Maintenance."
    ),
    "DATA_CENTER_INITIALIZING": Type(
        986, "warning", "Data Center is being initialized, please wait for initialization to complete."
    ),
    "MOUNT_FAILED": Type(996, "error", "Failed to connect Host {host} to the Storage Domain(s) {domain}."),
    "DOMAINS_ATTACHED": Type(1002, "normal", "Storage Domains were attached to Data Center {data_center} by {user}"),
    "NIC_PLUGGED": Type(1012, "normal", "Network Interface {nic} ({type}) was plugged to VM {vm}. (User: {user})"),
    "NIC_ADDED": Type(932, "normal", "Interface {nic} ({type}) was added to VM {vm}. (User: {user})"),
    "NIC_UPDATED": Type(934, "normal", "Interface {nic} ({type}) was updated for VM {vm}. (User: {user})"),
    "NIC_REMOVED": Type(930, "normal", "Interface {nic} ({type}) was removed from VM {vm}. (User: {user})"),
    "USER_ATTACH_DISK": Type(2016, "normal", "Disk {disk} was successfully attached to VM {vm} by {user}."),
    "USER_DETACH_DISK": Type(2018, "normal", "Disk {disk} was successfully detached from VM {vm} by {user}."),
    "USER_ADD_DISK": Type(2020, "normal", "Add-Disk operation of '{disk}' was initiated by {user}."),
    "USER_ADD_DISK_FINISHED": Type(2021, "normal", "The disk '{disk}' was successfully added."),
    "USER_ADD_DISK_FAILED": Type(2022, "error", "Add-Disk operation failed to complete."),
    "ADD_DISK_INTERNAL": Type(2036, "normal", "Add-Disk operation of '{disk}' was initiated by the system."),
    "USER_UPDATE_DISK": Type(88, "normal", "VM {vm} {disk} disk was updated by {user}."),
    "USER_REMOVE_DISK": Type(
        2014, "normal", "Disk {disk} was successfully removed from domain {domain} (User {user})."
    ),
    "USER_REMOVE_DISK_FAILED": Type(
        2015, "warning", "Failed to remove disk {disk} from storage domain {domain} (User: {user})."
    ),
    "VDS_ALERT_FENCE_NOT_CONFIGURED": Type(
        9000, "alert", "Failed to verify Power Management configuration for Host {host}."
    ),
    "VDS_BROKER_COMMAND_FAILURE": Type(10802, "error", "VDSM {host} command {command} failed: {message}"),
    "VDS_HOST_NOT_RESPONDING": Type(
        9027,
        "warning",
        "Host {host} is not responding. Host cannot be fenced automatically "
        "because power management for the host is disabled.",
    ),
    "VDS_HOST_NOT_RESPONDING_CONNECTING": Type(
        9008,
        "warning",
        "Host {host} is not responding. It will stay in Connecting "
        "state for a grace period of {seconds} seconds and after "
        "that an attempt to fence the host will be issued.",
    ),
    "VDS_ALERT_FENCE_IS_NOT_ENABLED": Type(
        9028,
        "alert",
        "Failed to power fence host {host}. Please check the host status "
        "and it's power management settings, and then manually reboot "
        'it and click "Confirm Host Has Been Rebooted"',
    ),
    "USER_ADD_DISK_PROFILE": Type(10120, "normal", "Disk Profile {profile} was successfully added (User: {user})."),
    "HA_MAINTENANCE": Type(10450, "normal", "Hosted Engine HA maintenance mode was updated on host {host}."),
    "HE_HOST_IN_OTHER_CLUSTER": Type(10462, "error", "Host {host} was added to a cluster other than the engine VM's."),
    "NO_FAULTY_MULTIPATHS": Type(11501, "normal", "No faulty multipath paths on host {host}"),
    "EXTERNAL_EVENT_NORMAL": Type(9801, "normal", "{message}"),
    "EXTERNAL_EVENT_WARNING": Type(9802, "warning", "{message}"),
    "EXTERNAL_EVENT_ERROR": Type(9803, "error", "{message}"),
    "EXTERNAL_ALERT": Type(9804, "alert", "{message}"),
}
