# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Error codes of VDSM that the engine and the HA services know by number (VDSM `common/exception.py`)."""

from __future__ import annotations

from vdsm_rpc.errors import VdsmError

__all__ = ["VdsmError", "code", "error", "method_not_found", "no_such_vm"]

_TABLE = {
    "NoSuchVM": (1, "Virtual machine does not exist"),
    "VMExists": (4, "Virtual machine already exists"),
    "CreateError": (9, "Error creating the requested VM"),
    "MigrationError": (12, "Fatal error during migration"),
    "VMNotRunning": (15, "Desktop isn't running or is not responding"),
    "ResourceUnavailable": (40, "Resource unavailable"),
    "MethodNotImplemented": (44, "Not implemented"),
    "UpdateDeviceFailed": (56, "Failed to update device"),
    "NoSuchJob": (66, "Job Id does not exists"),
    "RecoveryInProgress": (99, "Recovering from crash or Initializing"),
    "GeneralException": (100, "General Exception"),
    "VolumeDoesNotExist": (201, "Volume does not exist"),
    "VolumeAlreadyExists": (212, "Volume already exists"),
    "ImagePathError": (254, "Image path does not exist or cannot be accessed/created"),
    "ImageDoesNotExistInSD": (268, "Image does not exist in domain"),
    "StoragePoolMasterNotFound": (304, "Cannot find master domain"),
    "StoragePoolUnknown": (309, "Unknown pool id, pool not connected"),
    "StoragePoolAlreadyExists": (316, "Error creating a storage pool - pool already exists"),
    "StoragePoolWrongMaster": (324, "Wrong Master domain or its version"),
    "StoragePoolConnected": (325, "Cannot perform action while storage pool is connected"),
    "StorageDomainNotInPool": (353, "Storage domain not in pool"),
    "StorageDomainDoesNotExist": (358, "Storage domain does not exist"),
    "StorageDomainFSNotMounted": (360, "Storage domain remote path not mounted"),
    "StorageDomainNotEmpty": (361, "Storage domain is not empty - requires cleaning"),
    "StorageDomainAlreadyExists": (365, "Storage domain already exists"),
    "StorageDomainTypeError": (372, "Unsupported Storage Domain type"),
    "StorageDomainAlreadyAttached": (380, "Storage domain already attached to pool"),
    "CannotDetachMasterStorageDomain": (383, "Illegal action"),
    "CannotFormatAttachedStorageDomain": (391, "Cannot format attached storage domain"),
    "CannotFormatStorageDomainInConnectedPool": (392, "Cannot format storage domain in connected pool"),
    "UnknownTask": (401, "Task id unknown"),
    "TaskNotFinished": (403, "Task not finished"),
    "StorageServerConnectionError": (451, "Storage server connection failed"),
    "iSCSILoginError": (464, "Failed to login to iSCSI node"),
    "StorageServerAccessPermissionError": (
        469,
        "Permission settings on the specified path do not allow access to the storage",
    ),
    "iSCSIDiscoveryError": (475, "Failed discovery of iSCSI targets"),
    "iSCSILoginAuthError": (476, "Failed to login to iSCSI node due to authorization failure"),
    "MountError": (477, "Problem while trying to mount target"),
    "ImageTicketsError": (481, "Cannot communicate with image daemon"),
    "VolumeGroupCreateError": (502, "Cannot create Volume Group"),
    "VolumeGroupDoesNotExist": (506, "Volume Group does not exist"),
    "SpmStatusError": (654, "Not SPM"),
    "AcquireHostIdFailure": (661, "Cannot acquire host id"),
    "MetaDataSealIsBroken": (752, "Meta Data seal is broken (checksum mismatch)"),
    "MetadataOverflowError": (757, "Metadata is too big. Cannot change Metadata"),
    "NoSuchLease": (936, "No such lease"),
    "InvalidParameter": (1000, "Invalid parameter"),
}


def error(name: str, detail: str = "") -> VdsmError:
    """The exception of VDSM's class `name`, with its code, its text and the detail after a colon."""
    number, message = _TABLE[name]
    return VdsmError(number, f"{message}: {detail}" if detail else message)


def code(name: str) -> int:
    """The number alone, for statuses inside results."""
    return _TABLE[name][0]


def no_such_vm(vm_id: str) -> VdsmError:
    """As VDSM words it (fixture vdsm/client, case error-vm-missing)."""
    return error("NoSuchVM", repr({"vmId": vm_id}))


def method_not_found(verb: str) -> VdsmError:
    """JSON-RPC's own error for a verb that VDSM does not have."""
    return VdsmError(-32601, f"The method does not exist or is not available: {{'method': {verb!r}}}")
