# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vm.conf of the run-time directory: from OVF_STORE, else from the archive, in every loop (host contract 2.1, 2.2)."""

import logging
import os
import time

from lxml import etree

from ..lib import monotonic, ovf_store, vdsm_api
from ..lib.ovf import ovf2VmParams
from . import config_constants as const
from . import config_file, constants
from .config import Config

_log = logging.getLogger(__name__)


def header() -> str:
    """Return the first lines of a generated vm.conf."""
    return (
        "# Editing the hosted engine VM is only possible via the manager UI\\API\n"
        f"# This file was generated at {time.ctime()}\n\n"
    )


def _write(path: str, text: str) -> None:
    """Replace a file at once; readers never see half of it."""
    temporary = f"{path}.new"
    with open(temporary, "w", encoding="utf-8") as stream:
        os.fchmod(stream.fileno(), 0o640)
        stream.write(text)
    os.replace(temporary, path)


class VmConf:
    """Keeps vm.conf current."""

    def __init__(self, vdsm: vdsm_api.Vdsm, config: Config) -> None:
        self._vdsm = vdsm
        self._config = config
        self._stores: list[ovf_store.OvfStore] = []
        #: Clock of the last refresh that worked, and whether the configuration on shared storage could be read in it.
        self.refreshed = 0
        self.on_shared_storage = False

    def memory_needed(self) -> int:
        """Return ``memSize`` in MiB; raises TypeError or ValueError if vm.conf has none (host contract 2.2)."""
        return int(config_file.load(constants.VM_CONF_FILE).get(const.MEM_SIZE))  # type: ignore[arg-type]

    def refresh(self) -> None:
        """Write vm.conf anew from the best source there is; keep the old one if there is none."""
        text = self._from_ovf() or self._from_archive()
        if text is None:
            self.on_shared_storage = False
            _log.error("vm.conf can be read neither from an OVF_STORE nor from the configuration archive")
            return
        _write(constants.VM_CONF_FILE, text)
        self.on_shared_storage = True
        self.refreshed = monotonic.time()

    def _from_ovf(self) -> str | None:
        try:
            if not self._stores:
                self._stores = ovf_store.scan(self._vdsm, self._config)
            for store in self._stores:
                ovf = ovf_store.extract(self._vdsm, self._config, store)
                if ovf is not None:
                    return header() + ovf2VmParams.conf_from_ovf(ovf)
        except (vdsm_api.VdsmError, *vdsm_api.UNREACHABLE) as exc:
            _log.error("The OVF_STORE cannot be read: %s", exc)
        except (etree.XMLSyntaxError, IndexError, KeyError, UnicodeDecodeError) as exc:
            _log.error("The OVF of the engine VM cannot be used: %r", exc)
        # the engine may have made its stores, or written them, only since the last look
        self._stores = []
        return None

    def _from_archive(self) -> str | None:
        try:
            return self._config.archive_member("vm.conf", constants.VM_CONF_FALLBACK_FILE)
        except (vdsm_api.VdsmError, *vdsm_api.UNREACHABLE, ValueError) as exc:
            _log.error("The configuration archive cannot be read: %s", exc)
            return None
