# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What each key of an OTOPI answer file means here (reference of variables, 5 to 8)."""

from __future__ import annotations


def _prefixed(group: str, words: str) -> dict[str, str]:
    pairs = (word.partition(">") for word in words.split())
    return {f"OVEHOSTED_{group}/{key}": variable for key, _arrow, variable in pairs}


def _names(group: str, words: str) -> frozenset[str]:
    return frozenset(f"OVEHOSTED_{group}/{word}" for word in words.split())


# Keys whose value is that of one variable. Some need a conversion, which C(_otopi_settings) knows.
VARIABLES: dict[str, str] = {
    **_prefixed(
        "CORE",
        "checkRequirements>he_requirements_check_enabled memCheckRequirements>he_memory_requirements_check_enabled "
        "restoreFromFile>he_restore_from_file renewPKIonRestore>he_pki_renew_on_restore pauseonRestore>he_pause_host "
        "enableKeycloak>he_enable_keycloak localVMDir>he_local_vm_dir",
    ),
    **_prefixed(
        "NETWORK",
        "fqdn>he_fqdn bridgeIf>he_bridge_if bridgeName>he_mgmt_network host_name>he_host_address gateway>he_gateway "
        "network_test>he_network_test network_test_tcp_address>he_tcp_t_address network_test_tcp_port>he_tcp_t_port "
        "forceIPv4>he_force_ip4 forceIPv6>he_force_ip6",
    ),
    **_prefixed(
        "ENGINE",
        "adminPassword>he_admin_password adminUsername>he_admin_username appHostName>he_host_name "
        "clusterName>he_cluster datacenterName>he_data_center enableHcGlusterService>he_enable_hc_gluster_service "
        "enableLibgfapi>he_enable_libgfapi",
    ),
    **_prefixed(
        "STORAGE",
        "domainType>he_domain_type storageDomainName>he_storage_domain_name nfsVersion>he_nfs_version "
        "mntOptions>he_mount_options iSCSIPortalIPAddress>he_iscsi_portal_addr iSCSIPortalPort>he_iscsi_portal_port "
        "iSCSIPortal>he_iscsi_tpgt iSCSIPortalUser>he_iscsi_username iSCSIPortalPassword>he_iscsi_password "
        "iSCSIDiscoverUser>he_iscsi_discover_username iSCSIDiscoverPassword>he_iscsi_discover_password "
        "iSCSITargetName>he_iscsi_target LunID>he_lun_id discardSupport>he_discard imgSizeGB>he_disk_size_GB",
    ),
    **_prefixed(
        "VM",
        "vmMemSizeMB>he_mem_size_MB vmVCpus>he_vcpus maxVCpus>he_maxvcpus vmMACAddr>he_vm_mac_addr "
        "ovfArchive>he_appliance localVmUUID>he_vm_uuid cdromUUID>he_cdrom_uuid nicUUID>he_nic_uuid "
        "emulatedMachine>he_emulated_machine cloudinitRootPwd>he_appliance_password rootSshAccess>he_root_ssh_access "
        "rootSshPubkey>he_root_ssh_pubkey applyOpenScapProfile>he_apply_openscap_profile "
        "OpenScapProfileName>he_openscap_profile_name enableFips>he_enable_fips "
        "cloudinitInstanceHostName>he_cloud_init_host_name cloudinitInstanceDomainName>he_cloud_init_domain_name "
        "cloudinitVMStaticCIDR>he_vm_ip_addr cloudinitVMDNS>he_dns_addr cloudinitVMETCHOSTS>he_vm_etc_hosts "
        "cloudinitVMTZ>he_time_zone",
    ),
    **_prefixed(
        "NOTIF",
        "smtpServer>he_smtp_server smtpPort>he_smtp_port sourceEmail>he_source_email destEmail>he_dest_email",
    ),
}
CONNECTION = "OVEHOSTED_STORAGE/storageDomainConnection"
EXTRA_VARIABLES = "OVEHOSTED_CORE/ansibleUserExtraVars"
DOMAIN_TYPE = "OVEHOSTED_STORAGE/domainType"
STATIC_ADDRESS = "OVEHOSTED_VM/cloudinitVMStaticCIDR"
HOST_NAME = "OVEHOSTED_VM/cloudinitInstanceHostName"
# False in these aborts: the person who wrote the file did not want a deployment.
CONSENT = _names("CORE", "deployProceed forceIpProceed")

# The original matches these against texts, so that int: ends it with a type error.
TEXT_ONLY = _names("NOTIF", "smtpServer smtpPort sourceEmail destEmail") | _names("NETWORK", "network_test_tcp_port")

# Read by the original for its own dialog, files or computations; nothing here depends on them.
IGNORED = (
    _names(
        "CORE", "screenProceed skipTTYCheck confirmSettings userAnswerFile etcAnswerFile tempDir nodeSetup miscReached"
    )
    | _names(
        "NETWORK",
        "fqdnReverseValidation refuseDeployingWithNM promptRequiredNetworks allowInvalidBondModes firewallManager "
        "firewalldServices firewalldSubst sshdPort",
    )
    | _names(
        "ENGINE",
        "promptNonOperational temporaryCertificate insecureSSL interactiveAdminPassword engineSetupTimeout "
        "allowGlusterReplicaOne forceCreateVG",
    )
    | _names(
        "STORAGE",
        "ovfSizeGB blockDeviceSizeGB hostID storageDatacenterName connectionUUID spUUID vgUUID sdUUID GUID imgUUID "
        "volUUID imgDesc qcowSizeGB metadataVolumeUUID metadataImageUUID lockspaceVolumeUUID lockspaceImageUUID "
        "confImageSizeGB confImageUUID confVolUUID fakeMasterSdUUID fakeMasterSdConnUUID storageHEConfContent "
        "brokerConfContent vmConfContent storageAnswerFileContent",
    )
    | _names(
        "VM",
        "vmUUID subst consoleUUID applianceVersion applianceVCpus applianceMem acceptDownloadEApplianceRPM vmCDRom "
        "cloudInitISO automateVMShutdown cloudinitExecuteEngineSetup",
    )
    | _names(
        "VDSM",
        "serviceName vdsmUid kvmGid vdscli useSSL consoleType pkiSubject caSubject cpu engineCpu passwd "
        "passwdValiditySecs",
    )
    | _names("SANLOCK", "serviceName lockspaceName")
    | _names("FIRST_HOST", "skipSharedStorageAF deployWithHE35Hosts")
)
# Of older versions; the original does not even declare them any more.
OBSOLETE = (
    _names("CORE", "rollbackProceed upgradeProceed")
    | _names("ENGINE", "hostIdentifier")
    | _names("STORAGE", "storageType")
    | _names("VM", "vmBoot")
    | _names("VDSM", "spicePkiSubject")
)
# Dead, and a secret all the same.
SECRET_ONLY = _names("VDSM", "passwd")
# Keys of OTOPI itself, and answers to its questions by number.
FOREIGN = ("BASE/", "CORE/", "DIALOG/", "INFO/", "NETWORK/", "PACKAGER/", "QUESTION/", "SYSTEM/")

KNOWN = frozenset(VARIABLES) | {CONNECTION, EXTRA_VARIABLES} | CONSENT | IGNORED | OBSOLETE
