# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""hosted-engine.conf: what the HA services and the command line know about a deployment (host contract 1)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare

PATH = "/etc/ovirt-hosted-engine/hosted-engine.conf"
BLANK_UUID = "00000000-0000-0000-0000-000000000000"
VM_CONF = "/var/run/ovirt-hosted-engine-ha/vm.conf"
# Maintenance flags of the agent; the cleanup of an earlier deployment leaves them behind (host contract 5.1).
HA_CONF = "/var/lib/ovirt-hosted-engine-ha/ha.conf"
NO_MAINTENANCE = "local_maintenance=False\nlocal_maintenance_manual=False\n"

# Order of the file that the field knows (host contract 1.2).
KEYS = (
    "fqdn",
    "vm_disk_id",
    "vm_disk_vol_id",
    "vmid",
    "storage",
    "nfs_version",
    "mnt_options",
    "conf",
    "host_id",
    "console",
    "domainType",
    "spUUID",
    "sdUUID",
    "connectionUUID",
    "vdsm_use_ssl",
    "gateway",
    "bridge",
    "network_test",
    "tcp_t_address",
    "tcp_t_port",
    "metadata_volume_UUID",
    "metadata_image_UUID",
    "lockspace_volume_UUID",
    "lockspace_image_UUID",
    "conf_volume_UUID",
    "conf_image_UUID",
    "iqn",
    "portal",
    "user",
    "password",
    "port",
)
MAY_BE_EMPTY = frozenset(
    {
        "nfs_version",
        "mnt_options",
        "storage",
        "tcp_t_address",
        "tcp_t_port",
        "iqn",
        "portal",
        "user",
        "password",
        "port",
    }
)
SAFE = re.compile(r"[A-Za-z0-9_./:@%+,=\[\]~^-]*")

UNSAFE_VALUE = declare(
    "hosted_engine_conf.unsafe_value",
    "A value cannot be written to hosted-engine.conf",
    "Three programs read this file, one of them a shell: use only letters, digits and ./:@%+,=[]~^_- in this setting.",
)
MISSING_VALUE = declare(
    "hosted_engine_conf.missing_value",
    "A value of hosted-engine.conf is not known",
    "Run the playbook again from the phase that makes it; if it stays unknown, report it with the run's report.",
)


def render(values: Mapping[str, object]) -> str:
    """Return the text of the file.

    Args:
        values: a value for each of C(KEYS); None is written as an empty value where the readers bear it.

    Raises:
        HostedEngineError: C(hosted_engine_conf.unsafe_value) or C(hosted_engine_conf.missing_value); the value of
            C(password) is not shown.
    """
    lines = []
    for key in KEYS:
        value = "" if values.get(key) is None else str(values[key])
        if not value and key not in MAY_BE_EMPTY:
            raise HostedEngineError(MISSING_VALUE, expected=f"a value for {key}", observed="nothing")
        if not SAFE.fullmatch(value):
            shown = "a value that is not shown" if key == "password" else repr(value)
            raise HostedEngineError(UNSAFE_VALUE, expected=f"plain characters for {key}", observed=shown)
        lines.append(f"{key}={value}")
    return "\n".join(lines) + "\n"


def parse(text: str) -> dict[str, str]:
    """Return the values of a file as the HA services read it: the last of a repeated key wins, blanks are cut."""
    found = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.lstrip().startswith("#"):
            found[key.strip()] = value.strip()
    return found
