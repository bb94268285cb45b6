# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The storage and the configuration of a hosted engine, made by vdsm verbs as the engine makes them."""

import json
import tarfile
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from ovirt_hosted_engine_ha.lib import heconflib

from .support import FIXTURES

Call = Callable[..., Any]

BLANK = str(uuid.UUID(int=0))
HOST_ID = 1
DISKS = {"HEVD": 64 << 20, "HEMD": 16 << 20, "HESD": 4 << 20, "HECI": 4 << 20, "OVFS": 4 << 20}

#: The golden OVF's own ids, replaced by those of what is made here.
OVF_IDS = {
    "vm": "99642496-37b4-4fb0-94c3-75b6969a46df",
    "domain": "913730ec-f5fc-4b2e-933e-1dbe87903b5e",
    "pool": "e3d2955e-e86f-11f1-877d-02fc00000001",
    "image": "b855a4d3-1f81-4a89-8799-d7db52d4db6e",
    "volume": "426bff26-ffa2-4ea9-b1dc-63a2a2b2444d",
}


def _new_id() -> str:
    return str(uuid.uuid4())


@dataclass
class Deployment:
    """Ids of one hosted engine; ``disks`` by vdsm's disk type: image and volume."""

    export: str
    pool: str = field(default_factory=_new_id)
    domain: str = field(default_factory=_new_id)
    vm: str = field(default_factory=_new_id)
    connection: str = field(default_factory=_new_id)
    disks: dict[str, tuple[str, str]] = field(default_factory=lambda: {kind: (_new_id(), _new_id()) for kind in DISKS})

    # -- storage -------------------------------------------------------------------------------------------------------

    def _task(self, call: Call, task: str) -> None:
        deadline = time.monotonic() + 60
        while (status := call("Task.getStatus", taskID=task))["taskState"] != "finished":
            assert time.monotonic() < deadline, f"task {task} does not end: {status}"
            time.sleep(0.05)
        assert status["taskResult"] == "success", status

    def make_storage(self, call: Call) -> None:
        """Make domain, pool and disks."""
        connection = {"id": self.connection, "connection": self.export, "user": "kvm", "protocol_version": "auto"}
        (connected,) = call(
            "StoragePool.connectStorageServer", storagepoolID=BLANK, domainType=1, connectionParams=[connection]
        )
        assert connected["status"] == 0, connected
        call(
            "StorageDomain.create",
            storagedomainID=self.domain,
            domainType=1,
            typeArgs=self.export,
            name="hosted_storage",
            domainClass=1,
            version="5",
            blockSize=512,
            maxHosts=250,
        )
        call(
            "StoragePool.create",
            storagepoolID=self.pool,
            name="Default",
            masterSdUUID=self.domain,
            masterVersion=1,
            domainList=[self.domain],
            lockRenewalIntervalSec=5,
            leaseTimeSec=60,
            ioOpTimeoutSec=10,
            leaseRetries=3,
        )
        call(
            "StoragePool.connect",
            storagepoolID=self.pool,
            hostID=HOST_ID,
            scsiKey=self.pool,
            masterSdUUID=self.domain,
            masterVersion=1,
            domainDict={self.domain: "active"},
        )
        start = call(
            "StoragePool.spmStart",
            storagepoolID=self.pool,
            prevID=-1,
            prevLver="-1",
            enableScsiFencing=False,
            maxHostID=250,
            domVersion="5",
        )
        self._task(call, start)
        for kind, size in DISKS.items():
            image, volume = self.disks[kind]
            made = call(
                "Volume.create",
                volumeID=volume,
                storagepoolID=self.pool,
                storagedomainID=self.domain,
                imageID=image,
                size=str(size),
                volFormat=5,
                preallocate=2,
                diskType=kind,
                desc=json.dumps({"DiskAlias": kind}),
                srcImgUUID=BLANK,
                srcVolUUID=BLANK,
                sequence=1,
            )
            self._task(call, made)

    def ovf_store(self, changes: Mapping[str, str]) -> bytes:
        """Return the tar of an OVF_STORE: the OVF of a real engine with the ids of this one, and texts replaced."""
        ovf = (FIXTURES.parent / "engine" / "ovf-store" / "HostedEngine.ovf").read_text()
        image, volume = self.disks["HEVD"]
        new = {"vm": self.vm, "domain": self.domain, "pool": self.pool, "image": image, "volume": volume}
        for old, text in [*((old, new[key]) for key, old in OVF_IDS.items()), *changes.items()]:
            assert old in ovf
            ovf = ovf.replace(old, text)
        stream = BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as archive:
            info = tarfile.TarInfo(f"{self.vm}.ovf")
            info.size = len(ovf.encode())
            archive.addfile(info, BytesIO(ovf.encode()))
        return stream.getvalue()

    def describe_ovf_store(self, call: Call, size: int) -> None:
        """Tell vdsm what the engine tells it after it wrote the store."""
        image, volume = self.disks["OVFS"]
        description = {
            "Updated": True,
            "Size": size,
            "Last Updated": "Wed Nov 25 02:10:52 UTC 2026",
            "Storage Domains": [{"uuid": self.domain}],
            "Disk Description": "OVF_STORE",
        }
        call(
            "Volume.setDescription",
            volumeID=volume,
            storagepoolID=self.pool,
            storagedomainID=self.domain,
            imageID=image,
            description=json.dumps(description),
        )

    # -- files ---------------------------------------------------------------------------------------------------------

    def hosted_engine_conf(self, **values: str) -> str:
        """Return the golden file with the ids of this one, and other values replaced."""
        own = {
            "vmid": self.vm,
            "storage": self.export,
            "sdUUID": self.domain,
            "connectionUUID": self.connection,
            "host_id": str(HOST_ID),
            **values,
        }
        for name, kind in (("metadata", "HEMD"), ("lockspace", "HESD"), ("conf", "HECI")):
            own[f"{name}_image_UUID"], own[f"{name}_volume_UUID"] = self.disks[kind]
        golden = (FIXTURES / "hosted-engine.conf" / "good" / "nfs.conf").read_text()
        lines = [line.partition("=") for line in golden.splitlines() if "=" in line]
        return "".join(f"{key}={own.get(key, value)}\n" for key, _equals, value in lines)

    def archive(self, conf: str) -> bytes:
        """Return the configuration archive around a hosted-engine.conf."""
        members = {path.name: path.read_text() for path in (FIXTURES / "conf-archive" / "members").iterdir()}
        return heconflib.build_archive({**members, "hosted-engine.conf": conf})
