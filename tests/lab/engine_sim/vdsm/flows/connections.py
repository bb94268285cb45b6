# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Storage servers: NFS and other mounts, iSCSI portals."""

from __future__ import annotations

from typing import Any

from ..client import HostClient
from . import BLANK

#: vdsm's numbers of storage types (host contract 11.1).
STORAGE_TYPES = {"nfs": 1, "fcp": 2, "iscsi": 3, "localfs": 4, "posixfs": 6, "glusterfs": 7}


class ConnectionFailed(RuntimeError):
    """A host could not connect to a storage server. `code` is vdsm's (477 mount, 464 and 476 iSCSI login)."""

    def __init__(self, address: str, connection: str, code: int) -> None:
        super().__init__(f"host {address} cannot connect to {connection}: code {code}")
        self.code = code
        self.connection = connection


def nfs(
    path: str,
    connection_id: str = BLANK,
    version: str = "auto",
    options: str = "",
    retrans: int | None = None,
    timeo: int | None = None,
) -> dict[str, str]:
    """Parameters of an NFS connection. `version`: auto, 3, 4, 4.0, 4.1, 4.2; `timeo` in tenths of a second."""
    result = _base(connection_id, path)
    result["protocol_version"] = version
    for key, value in (("mnt_options", options), ("retrans", retrans), ("timeout", timeo)):
        if value not in ("", None):
            result[key] = str(value)
    return result


def iscsi(
    address: str,
    target: str,
    connection_id: str = BLANK,
    port: int = 3260,
    portal: int = 1,
    user: str = "",
    password: str = "",
) -> dict[str, str]:
    """Parameters of an iSCSI connection; `portal` is the target portal group tag."""
    result = _base(connection_id, address)
    result.update({"iqn": target, "port": str(port), "tpgt": str(portal), "user": user, "password": password})
    return result


def _base(connection_id: str, connection: str) -> dict[str, str]:
    return {
        "id": connection_id,
        "connection": connection,
        "iqn": "",
        "user": "",
        "tpgt": "1",
        "password": "",
        "port": "",
        "ipv6_enabled": "true" if connection.startswith("[") else "false",
    }


def connect(host: HostClient, storage_type: str, connections: list[dict[str, str]], pool_id: str = BLANK) -> None:
    """Connect the host to all of them. Raises ConnectionFailed for the first that failed."""
    answer = host.call(
        "StoragePool.connectStorageServer",
        {"storagepoolID": pool_id, "domainType": STORAGE_TYPES[storage_type], "connectionParams": connections},
    )
    for connection, status in zip(connections, answer):
        if int(status["status"]):
            raise ConnectionFailed(host.address, connection["connection"], int(status["status"]))


def disconnect(host: HostClient, storage_type: str, connections: list[dict[str, str]], pool_id: str = BLANK) -> None:
    """Disconnect; what was not connected is no error."""
    host.call(
        "StoragePool.disconnectStorageServer",
        {"storagepoolID": pool_id, "domainType": STORAGE_TYPES[storage_type], "connectionParams": connections},
    )


def discover_targets(
    host: HostClient,
    address: str,
    port: int = 3260,
    user: str = "",
    password: str = "",
) -> list[dict[str, Any]]:
    """iSCSI targets at an address: [{"address", "port", "portal", "target"}]."""
    request: dict[str, Any] = {"host": address, "port": str(port)}
    if user:
        request.update({"user": user, "password": password})
    result = []
    for line in host.call("ISCSIConnection.discoverSendTargets", request):
        where, target = str(line).split()
        socket, _, portal = where.partition(",")
        found_at, _, found_port = socket.rpartition(":")
        result.append({"address": found_at, "port": int(found_port), "portal": int(portal or 1), "target": target})
    return result


def devices(host: HostClient, storage_type: str, with_status: bool = True) -> list[dict[str, Any]]:
    """LUNs that the host sees over iSCSI or FC, as vdsm lists them."""
    found: list[dict[str, Any]] = host.call(
        "Host.getDeviceList", {"storageType": STORAGE_TYPES[storage_type], "guids": [], "checkStatus": with_status}
    )
    return found
