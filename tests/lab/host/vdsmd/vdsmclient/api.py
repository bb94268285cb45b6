# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Namespaces and methods that the command line knows, in the order in which its usage lists them.

Order of the namespaces and of Volume's methods: fixture vdsm/client/cases.json. Of the others only what this VDSM has.
"""

from __future__ import annotations

NAMESPACES = (
    "Host",
    "ManagedVolume",
    "ISCSIConnection",
    "Image",
    "Lease",
    "LVMVolumeGroup",
    "StorageDomain",
    "StoragePool",
    "Task",
    "VM",
    "Volume",
    "SDM",
    "NBD",
)

METHODS: dict[str, str] = {
    "Host": "add_image_ticket confirmConnectivity dumpxmls echo extend_image_ticket fenceNode get_image_ticket "
    "getAllTasks getAllTasksInfo "
    "getAllTasksStatuses getAllVmIoTunePolicies getAllVmStats getCapabilities getConnectedStoragePools getDeviceInfo "
    "getDeviceList getDevicesVisibility getExternalVMNames getExternalVMs getExternalVmFromOva getHardwareInfo "
    "getJobs getLVMVolumeGroups getLldp getNetworkCapabilities getNetworkStatistics getStats getStorageDomains "
    "getStorageRepoStats getVMFullList getVMList hostdevChangeNumvfs hostdevListByCaps ping ping2 registerSecrets "
    "remove_image_ticket setHaMaintenanceMode setKsmTune setLogLevel setMOMPolicy setMOMPolicyParameters "
    "setSafeNetworkConfig setupNetworks startMonitoringDomain stopMonitoringDomain unregisterSecrets",
    "ManagedVolume": "attach_volume detach_volume volumes_info",
    "ISCSIConnection": "discoverSendTargets",
    "Image": "cloneStructure delete deleteVolumes download getVolumes move prepare reconcileVolumeChain syncData "
    "teardown upload",
    "Lease": "create delete fence info rebuild_leases status",
    "LVMVolumeGroup": "create getInfo remove",
    "StorageDomain": "activate attach create deactivate detach dump extend format getFileStats getImages getInfo "
    "getStats getVolumes resizePV setDescription validate",
    "StoragePool": "connect connectStorageServer create destroy disconnect disconnectStorageServer fence "
    "finalizeMerge getBackedUpVmsInfo getBackedUpVmsList getDomainsContainingImage getInfo getSpmStatus prepareMerge "
    "reconstructMaster reduceVolume refresh removeVM spmStart spmStop switchMaster updateVMs upgrade",
    "Task": "clear getInfo getStatus revert stop",
    "VM": "changeCD changeFloppy cont create desktopLock desktopLogin desktopLogoff destroy diskReplicateFinish "
    "diskReplicateStart diskSizeExtend freeze getExternalData getInfo getIoTune getIoTunePolicy getMigrationStatus "
    "getStats hibernate hotplugDisk hotplugLease hotplugMemory hotplugNic hotunplugDisk hotunplugLease "
    "hotunplugMemory hotunplugNic list_checkpoints migrate migrateCancel migrationCreate pause refresh_disk reset "
    "screenshot sendHcCmdToDesktop setBalloonTarget setCpuTunePeriod setCpuTuneQuota setDestroyOnReboot setIoTune "
    "setNumberOfCpus setTicket shutdown snapshot thaw updateDevice updateVmPolicy",
    "Volume": "copy create delete verify_untrusted extendSize getInfo measure getQemuImageInfo getSize refresh "
    "setDescription setLegality teardown",
    "SDM": "add_bitmap amend_volume clear_bitmaps copy_data create_volume merge move_domain_device reduce_domain "
    "remove_bitmap sparsify_volume update_volume",
    "NBD": "start_server stop_server",
}
