# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ask the host's vdsm, with its own client."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.node0.hosted_engine.plugins.module_utils._errors import HostedEngineError, declare
from ansible_collections.node0.hosted_engine.plugins.module_utils._run import run

PORT = 54321

VDSM_REFUSED = declare(
    "vdsm.refused",
    "vdsm on this host refused a request",
    "Read /var/log/vdsm/vdsm.log; check that vdsmd runs and that the storage is connected, then run again.",
    retryable=True,
)


@dataclass(frozen=True)
class Volume:
    """A volume as vdsm names it: pool, domain, image (the engine's disk id), volume (the engine's image_id)."""

    pool: str
    domain: str
    image: str
    volume: str

    def parameters(self) -> dict[str, str]:
        """Return the parameters of the verbs about volumes and images."""
        return {
            "storagepoolID": self.pool,
            "storagedomainID": self.domain,
            "imageID": self.image,
            "volumeID": self.volume,
        }


def call(namespace: str, method: str, parameters: Mapping[str, str], timeout: float = 120.0) -> Any:
    """Call a verb and return its result (host contract 11.1).

    vdsm's own Python client is used, which its command line client stands on too; where the interpreter of the module
    cannot import it, the command line client itself.

    Raises:
        HostedEngineError: C(vdsm.refused) with vdsm's own code and message.
    """
    try:
        from vdsm import client
    except ImportError:
        return _call_by_command(namespace, method, parameters, timeout)
    try:
        with contextlib.closing(client.connect("localhost", port=PORT, use_tls=True, timeout=timeout)) as connected:
            return getattr(getattr(connected, namespace), method)(**parameters)
    except client.Error as error:
        raise HostedEngineError(VDSM_REFUSED, observed=str(error)[-1000:]) from error


def _call_by_command(namespace: str, method: str, parameters: Mapping[str, str], timeout: float) -> Any:
    words = [f"{name}={value}" for name, value in parameters.items()]
    done = run(["vdsm-client", namespace, method, *words], timeout=timeout, check=False)
    if done.rc != 0:
        raise HostedEngineError(VDSM_REFUSED, observed=(done.stderr or done.stdout).strip()[-1000:])
    return json.loads(done.stdout)


def prepare(volume: Volume) -> str:
    """Make a volume available on this host and return its path (host contract 11.2)."""
    return str(call("Image", "prepare", volume.parameters())["path"])


def volume_info(volume: Volume) -> dict[str, Any]:
    """Return what vdsm knows about a volume."""
    found: dict[str, Any] = call("Volume", "getInfo", volume.parameters())
    return found
