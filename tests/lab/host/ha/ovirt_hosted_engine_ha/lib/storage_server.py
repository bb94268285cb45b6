# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Connecting vdsm to the storage that hosted-engine.conf describes (host contract 1.2, 9.1)."""

import glob
import itertools
import logging
import os
import subprocess
import uuid
from typing import Any

from ..env import config_constants as const
from ..env import constants
from ..env.config import Config
from . import vdsm_api
from .exceptions import DuplicateStorageConnectionException

_log = logging.getLogger(__name__)

_NFS, _FC, _ISCSI, _GLUSTER = 1, 2, 3, 7
_TYPES = {"nfs": _NFS, "nfs3": _NFS, "nfs4": _NFS, "fc": _FC, "iscsi": _ISCSI, "glusterfs": _GLUSTER}
_FILE_TYPES = (_NFS, _GLUSTER)

Connection = dict[str, Any]


def domain_type(config: Config) -> int:
    """Return vdsm's number of the configured storage type; raises RuntimeError for another one."""
    name = config.get(const.DOMAIN_TYPE)
    if name not in _TYPES:
        text = f"Storage type not supported: '{name}'"
        _log.error("%s", text)
        raise RuntimeError(text)
    return _TYPES[name]


def is_file_domain(config: Config) -> bool:
    """Tell whether the domain is a directory rather than a volume group."""
    return domain_type(config) in _FILE_TYPES


def normalized_path(config: Config) -> str:
    """Return the storage path as connect sends it."""
    path: Any = config.get(const.STORAGE)
    normal = str(os.path.normpath(path))
    if normal != path:
        _log.warning("Fixing path syntax: replacing '%s' with '%s'", path, normal)
    return normal


# -- connection parameters ---------------------------------------------------------------------------------------------


def _nfs_version(config: Config) -> str:
    legacy = {"nfs3": "3", "nfs4": "4"}.get(config.get(const.DOMAIN_TYPE) or "")
    if legacy:
        return legacy
    text = (config.get(const.NFS_VERSION) or "auto").strip("v").replace("_", ".")
    return text or "auto"


def _file_connection(config: Config, kind: int, path: str) -> list[Connection]:
    connection: Connection = {"id": config.get(const.CONNECTION_UUID), "connection": path, "user": "kvm"}
    if kind == _NFS:
        connection["protocol_version"] = _nfs_version(config)
    else:
        connection["vfs_type"] = "glusterfs"
    options = config.get(const.MNT_OPTIONS)
    if options:
        connection["mnt_options"] = options
    return [connection]


def _iscsi_interfaces() -> list[tuple[str, str]]:
    """Return (iSCSI interface, network interface) of the iSCSI bonds of this host."""
    try:
        done = subprocess.run(["iscsiadm", "-m", "iface"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return []
    found: list[tuple[str, str]] = []
    for line in done.stdout.splitlines():
        name, _blank, details = line.partition(" ")
        fields = details.split(",")
        if name in ("default", "iser") or len(fields) < 4 or fields[3] == "<empty>":
            continue
        found.append((name, fields[3]))
    return found


def _blacklist(config: Config) -> set[tuple[str, str]]:
    """Return the (interface, portal) pairs to leave out.

    Raises IndexError for an entry without ``<>``, an empty one too (known fault, host contract 1.2).
    """
    text = config.get(const.ISCSI_BLACKLIST)
    if text is None:
        return set()
    entries = [entry.split("<>") for entry in text.split(",")]
    return {(parts[0], parts[1]) for parts in entries}


def _iscsi_connections(config: Config) -> list[Connection]:
    """Return one connection per path; lists are zipped, the shortest one wins (host contract 1.2)."""
    iqn: Any = config.get(const.ISCSI_IQN)
    addresses = (config.get(const.STORAGE) or "").split(",")
    ports = (config.get(const.ISCSI_PORT) or "").split(",")
    single = [config.get(key) for key in (const.ISCSI_PORTAL, const.ISCSI_USER, const.ISCSI_PASSWORD)]
    if "," in iqn:
        lists = [(text or "").split(",") for text in single]
        rows = list(zip(addresses, ports, iqn.split(","), *lists, strict=False))
    else:
        rows = [(address, port, iqn, *single) for address, port in zip(addresses, ports, strict=False)]
    paths = [
        {
            "id": str(uuid.uuid4()),
            "connection": address,
            "port": port,
            "iqn": target,
            "tpgt": tpgt,
            "user": user,
            "password": password,
        }
        for address, port, target, tpgt, user, password in rows
    ]
    excluded = _blacklist(config)
    interfaces = _iscsi_interfaces()
    if not interfaces:
        return paths
    return [
        {**path, "id": str(uuid.uuid4()), "ifaceName": name, "netIfaceName": network}
        for (name, network), path in itertools.product(interfaces, paths)
        if (name, path["connection"]) not in excluded
    ]


def connections(config: Config, normalize: bool = True) -> list[Connection]:
    """Return vdsm's connection parameters; none for Fibre Channel."""
    kind = domain_type(config)
    if kind == _FC:
        return []
    if kind == _ISCSI:
        return _iscsi_connections(config)
    return _file_connection(config, kind, normalized_path(config) if normalize else str(config.get(const.STORAGE)))


# -- what is done with them --------------------------------------------------------------------------------------------


def connect_storage_server(vdsm: vdsm_api.Vdsm, config: Config, timeout: float | None = None) -> None:
    """Connect; raises RuntimeError for an unknown type or a refused connection, VdsmError without the domain."""
    kind = domain_type(config)
    parameters = connections(config)
    domain = {"storagedomainID": config.get(const.SD_UUID)}
    if kind in _FILE_TYPES:
        try:
            vdsm.call("StorageDomain.getInfo", dict(domain), timeout=timeout)
        except vdsm_api.VdsmError as exc:
            _log.debug("Storage domain not yet connected: %s", exc)
    if parameters:
        results = vdsm.call(
            "StoragePool.connectStorageServer",
            {"storagepoolID": config.get(const.SP_UUID), "domainType": kind, "connectionParams": parameters},
            timeout=timeout,
        )
        for result in results or []:
            if result.get("status"):
                raise RuntimeError(f"Connection to storage server failed: {result}")
    vdsm.call("StorageDomain.getStats", dict(domain), timeout=timeout)


def disconnect_storage_server(vdsm: vdsm_api.Vdsm, config: Config, timeout: float | None = None) -> None:
    """Disconnect; the path is sent as written, so one that was normalised stays connected (known fault)."""
    parameters = connections(config, normalize=False)
    if parameters:
        vdsm.call(
            "StoragePool.disconnectStorageServer",
            {
                "storagepoolID": config.get(const.SP_UUID),
                "domainType": domain_type(config),
                "connectionParams": parameters,
            },
            timeout=timeout,
        )


def domain_path(config: Config) -> str | None:
    """Return the directory of the domain below the mounts (or of its volume group), None if it is not connected."""
    domain: Any = config.get(const.SD_UUID)
    below = {_GLUSTER: "glusterSD/*", _ISCSI: "blockSD", _FC: "blockSD"}.get(domain_type(config), "*")
    found = glob.glob(os.path.join(constants.MOUNT_DIR, below, domain))
    return found[0] if found else None


def _expected_path(config: Config) -> str:
    mangled = normalized_path(config).replace("_", "__").replace("/", "_")
    parent = [constants.MOUNT_DIR, "glusterSD"] if domain_type(config) == _GLUSTER else [constants.MOUNT_DIR]
    return os.path.join(*parent, mangled, str(config.get(const.SD_UUID)))


def validate_pre_connected_path(vdsm: vdsm_api.Vdsm, config: Config) -> None:
    """Refuse a domain that is already mounted elsewhere than this configuration would mount it.

    Raises DuplicateStorageConnectionException.
    """
    if not is_file_domain(config):
        return
    try:
        vdsm.call("StorageDomain.getInfo", {"storagedomainID": config.get(const.SD_UUID)})
    except vdsm_api.VdsmError as exc:
        _log.debug("Storage domain not connected before: %s", exc)
        return
    found, expected = domain_path(config), _expected_path(config)
    if found is not None and found != expected:
        raise DuplicateStorageConnectionException(
            f"The hosted-engine storage domain is already mounted on '{found}' with a path that is not supported"
            f" anymore: the right path should be '{expected}'."
        )
