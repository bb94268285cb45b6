# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names in the configuration files (host contract 1.2, 2.3, 5.1)."""

ENGINE_FQDN = "fqdn"
HEVMID = "vmid"
HOST_ID = "host_id"
CONFIGURED = "configured"
DOMAIN_TYPE = "domainType"
STORAGE = "storage"
NFS_VERSION = "nfs_version"
MNT_OPTIONS = "mnt_options"
SD_UUID = "sdUUID"
SP_UUID = "spUUID"
CONNECTION_UUID = "connectionUUID"
GATEWAY = "gateway"
BRIDGE = "bridge"
NETWORK_TEST = "network_test"
TCP_T_ADDRESS = "tcp_t_address"
TCP_T_PORT = "tcp_t_port"
VDSM_SSL = "vdsm_use_ssl"
METADATA_IMAGE_UUID = "metadata_image_UUID"
METADATA_VOLUME_UUID = "metadata_volume_UUID"
LOCKSPACE_IMAGE_UUID = "lockspace_image_UUID"
LOCKSPACE_VOLUME_UUID = "lockspace_volume_UUID"
CONF_IMAGE_UUID = "conf_image_UUID"
CONF_VOLUME_UUID = "conf_volume_UUID"
ISCSI_IQN = "iqn"
ISCSI_PORTAL = "portal"
ISCSI_USER = "user"
ISCSI_PASSWORD = "password"
ISCSI_PORT = "port"
ISCSI_BLACKLIST = "iscsi_paths_blacklist"

LOCAL_MAINTENANCE = "local_maintenance"
LOCAL_MAINTENANCE_MANUAL = "local_maintenance_manual"

MEM_SIZE = "memSize"

#: Types that --get/set-shared-config know, in the order in which they are searched.
HE_LOCAL, BROKER, HE_SHARED, HA = "he_local", "broker", "he_shared", "ha"

HE_KEYS = (
    "bridge",
    "conf",
    "conf_image_UUID",
    "conf_volume_UUID",
    "connectionUUID",
    "console",
    "domainType",
    "fqdn",
    "gateway",
    "host_id",
    "iqn",
    "iscsi_paths_blacklist",
    "lockspace_image_UUID",
    "lockspace_volume_UUID",
    "metadata_image_UUID",
    "metadata_volume_UUID",
    "mnt_options",
    "network_test",
    "nfs_version",
    "password",
    "port",
    "portal",
    "sdUUID",
    "spUUID",
    "storage",
    "tcp_t_address",
    "tcp_t_port",
    "user",
    "vdsm_use_ssl",
    "vm_disk_id",
    "vm_disk_vol_id",
    "vmid",
)
BROKER_KEYS = (
    "email.destination-emails",
    "email.smtp-port",
    "email.smtp-server",
    "email.source-email",
    "notify.state_transition",
)
HA_KEYS = (LOCAL_MAINTENANCE, LOCAL_MAINTENANCE_MANUAL)
