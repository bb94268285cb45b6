# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Paths and sizes shared by agent, broker, client and command line (host contract, conventions and 3.1)."""

import os

#: Prefix of every path below. Empty on a host; the tests run the services in a directory of their own.
ROOT = os.environ.get("HE_LAB_ROOT", "")

ETC_DIR = ROOT + "/etc/ovirt-hosted-engine-ha"
RUN_DIR = ROOT + "/var/run/ovirt-hosted-engine-ha"
STATE_DIR = ROOT + "/var/lib/ovirt-hosted-engine-ha"
NOTIFICATIONS_DIR = ETC_DIR + "/notifications"

ENGINE_SETUP_CONF_FILE = ROOT + "/etc/ovirt-hosted-engine/hosted-engine.conf"
HA_AGENT_CONF_FILE = STATE_DIR + "/ha.conf"
AGENT_CONF_FILE = ETC_DIR + "/agent.conf"
LAB_TIMING_FILE = ETC_DIR + "/lab-timing.conf"
#: The same for all hosts of a lab: the driver mounts this folder in each of them.
SHARED_LAB_TIMING_FILE = ROOT + "/srv/lab/ha-timing.conf"
AGENT_LOG_CONF_FILE = ETC_DIR + "/agent-log.conf"
BROKER_LOG_CONF_FILE = ETC_DIR + "/broker-log.conf"
BROKER_SOCKET_FILE = RUN_DIR + "/broker.socket"
VM_CONF_FILE = RUN_DIR + "/vm.conf"
VM_CONF_FALLBACK_FILE = RUN_DIR + "/vm.conf.fallback"
BROKER_CONF_CACHE_FILE = STATE_DIR + "/broker.conf"
SHARED_CONF_CACHE_FILE = STATE_DIR + "/hosted-engine.conf"

HOSTED_ENGINE_BINARY = ROOT + "/usr/sbin/hosted-engine"
VDSM_CONF_FILE = ROOT + "/etc/vdsm/vdsm.conf"
VDSM_CERT_FILE = ROOT + "/etc/pki/vdsm/certs/vdsmcert.pem"
VDSM_PKI_DIR = ROOT + "/etc/pki/vdsm"
RUN_STORAGE_DIR = ROOT + "/run/vdsm/storage"
MOUNT_DIR = ROOT + "/rhev/data-center/mnt"

BLANK_UUID = "00000000-0000-0000-0000-000000000000"
LOCKSPACE_NAME = "hosted-engine"
LOCKSPACE_EXTENSION = ".lockspace"
METADATA_EXTENSION = ".metadata"
HA_LINK_DIR = "ha_agent"

#: Geometry of he_metadata: bytes of a slot, of the line at its start, and the highest host id that is scanned.
HOST_SEGMENT_BYTES = 4096
METADATA_BLOCK_BYTES = 512
MAX_HOST_ID_SCAN = 2000

#: Bytes of the tar archive on the configuration volume (host contract 2.4).
CONF_ARCHIVE_BYTES = 20480
CONF_ARCHIVE_MEMBERS = ("version", "fhanswers.conf", "hosted-engine.conf", "broker.conf", "vm.conf")
