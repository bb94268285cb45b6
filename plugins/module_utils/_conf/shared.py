# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write what the HA services read on shared storage, and read it back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.node0.hosted_engine.plugins.module_utils._conf import archive, metadata
from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare
from ansible_collections.node0.hosted_engine.plugins.module_utils._host import vdsm
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.identity import acting_as
from ansible_collections.node0.hosted_engine.plugins.module_utils._host.volume import read_direct, write_direct
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import run

NOT_WRITTEN = declare(
    "shared_storage.not_written",
    "What was written to shared storage reads differently",
    "Check the storage server and the network to it; running the same playbook again writes anew.",
    retryable=True,
)


@dataclass(frozen=True)
class SharedVolumes:
    """Paths of the three small hosted engine volumes on this host."""

    configuration: str
    metadata: str
    lockspace: str

    @classmethod
    def prepare(cls, storage: Mapping[str, Any], disks: Mapping[str, Any]) -> SharedVolumes:
        """Let vdsm make the volumes available and return their paths."""

        def path(name: str) -> str:
            pool, domain = storage["data_center_id"], storage["id"]
            return vdsm.prepare(vdsm.Volume(pool, domain, disks[name]["id"], disks[name]["image_id"]))

        return cls(path("HostedEngineConfigurationImage"), path("he_metadata"), path("he_sanlock"))

    def write_archive(self, members: Mapping[str, str]) -> None:
        """Write the configuration archive and compare what can be read again, member by member."""
        data = archive.build(members)
        with acting_as():
            write_direct(self.configuration, data)
            seen = read_direct(self.configuration, archive.SIZE)
        if archive.read(seen) != dict(members):
            raise HostedEngineError(
                NOT_WRITTEN, observed="a different archive", expected="the archive that was written"
            )

    def clear_metadata(self) -> None:
        """Write zeros over every slot that the HA services scan, and see that they arrived."""
        zeros = bytes(metadata.SCANNED)
        with acting_as():
            write_direct(self.metadata, zeros)
            seen = read_direct(self.metadata, metadata.SCANNED)
        if seen != zeros:
            raise HostedEngineError(NOT_WRITTEN, observed="bytes that are not zero", expected="zeros in every slot")


def ha_version() -> str:
    """Return the version of the installed HA services as they state it themselves (host contract 2.3).

    Where the interpreter of the module cannot import them, the platform's own is asked.
    """
    try:
        from ovirt_hosted_engine_ha.agent import constants
    except ImportError:
        ask = "from ovirt_hosted_engine_ha.agent import constants; print(constants.PACKAGE_VERSION)"
        return run(["/usr/libexec/platform-python", "-c", ask]).stdout
    return f"{constants.PACKAGE_VERSION}\n"
