PRAGMA journal_mode = WAL;
CREATE TABLE vdc_options (option_id INTEGER PRIMARY KEY, option_name TEXT, option_value TEXT, default_value TEXT, version TEXT, exposed BOOLEAN DEFAULT 0);
CREATE TABLE vm_static (vm_guid TEXT PRIMARY KEY, vm_name TEXT, origin INTEGER, entity_type TEXT, is_delete_protected BOOLEAN);
CREATE TABLE vm_dynamic (vm_guid TEXT PRIMARY KEY, status INTEGER DEFAULT 0, run_on_vds TEXT);
CREATE TABLE vm_device (device_id TEXT PRIMARY KEY, vm_id TEXT);
CREATE TABLE disk_vm_element (disk_id TEXT, vm_id TEXT);
CREATE TABLE base_disks (disk_id TEXT PRIMARY KEY, disk_alias TEXT);
CREATE TABLE images (image_group_id TEXT PRIMARY KEY, image_guid TEXT);
CREATE TABLE image_storage_domain_map (image_id TEXT, storage_domain_id TEXT);
CREATE TABLE storage_domain_static (id TEXT PRIMARY KEY, storage_name TEXT);
CREATE TABLE storage_domain_dynamic (id TEXT PRIMARY KEY);
CREATE TABLE storage_pool_iso_map (storage_id TEXT, storage_pool_id TEXT, status INTEGER);
CREATE TABLE storage_pool (id TEXT PRIMARY KEY, name TEXT, master_domain_id TEXT, spm_vds_id TEXT);
CREATE TABLE vds_static (vds_id TEXT PRIMARY KEY, vds_name TEXT, vds_unique_id TEXT);
CREATE TABLE vds_dynamic (vds_id TEXT PRIMARY KEY, status INTEGER);
CREATE TABLE vds_statistics (vds_id TEXT PRIMARY KEY, ha_configured BOOLEAN DEFAULT 0, ha_global_maintenance BOOLEAN DEFAULT 0);
CREATE TABLE vds_spm_id_map (storage_pool_id TEXT, vds_spm_id INTEGER, vds_id TEXT);
CREATE TABLE permissions (id TEXT PRIMARY KEY, object_id TEXT);
CREATE TABLE audit_log (audit_log_id INTEGER PRIMARY KEY AUTOINCREMENT, log_time REAL, log_type_name TEXT, log_type INTEGER, severity INTEGER,
    message TEXT, origin TEXT, vm_id TEXT, vds_id TEXT);
CREATE VIEW vms AS SELECT s.*, d.status, d.run_on_vds FROM vm_static s JOIN vm_dynamic d USING (vm_guid) WHERE entity_type = 'VM';
CREATE VIEW vds AS SELECT s.*, d.status, m.vds_spm_id FROM vds_static s JOIN vds_dynamic d USING (vds_id) LEFT JOIN vds_spm_id_map m USING (vds_id);

INSERT INTO vdc_options (option_name, option_value, default_value, version) VALUES
    ('OvfUpdateIntervalInMinutes', '60', '60', 'general'), ('DisableFenceAtStartupInSec', '300', '300', 'general'),
    ('VdcVersion', '4.4.0.0', '', 'general'), ('HostedEngineVmName', 'HostedEngine', 'HostedEngine', 'general'),
    ('HostedEngineConfigurationImageGuid', '', '', 'general'),
    ('LibgfApiSupported', 'false', 'false', '4.2'), ('LibgfApiSupported', 'false', 'false', '4.3'), ('LibgfApiSupported', 'false', 'false', '4.4'),
    ('LibgfApiSupported', 'false', 'false', '4.5'), ('LibgfApiSupported', 'false', 'false', '4.6'), ('LibgfApiSupported', 'false', 'false', '4.7'),
    ('LibgfApiSupported', 'false', 'false', '4.8');
INSERT INTO vm_static VALUES
    ('00000003-0003-0003-0003-0000000000be', 'Tiny', 0, 'INSTANCE_TYPE', 0), ('00000005-0005-0005-0005-0000000002e6', 'Small', 0, 'INSTANCE_TYPE', 0),
    ('00000009-0009-0009-0009-0000000000f1', 'Large', 0, 'INSTANCE_TYPE', 0), ('0000000b-000b-000b-000b-00000000021f', 'XLarge', 0, 'INSTANCE_TYPE', 0),
    ('00000007-0007-0007-0007-00000000010a', 'Medium', 0, 'INSTANCE_TYPE', 0), ('00000000-0000-0000-0000-000000000000', 'Blank', 3, 'TEMPLATE', 0),
    ('99642496-37b4-4fb0-94c3-75b6969a46df', 'HostedEngine', 3, 'VM', 1);
INSERT INTO vm_dynamic VALUES ('99642496-37b4-4fb0-94c3-75b6969a46df', 0, NULL);
INSERT INTO vm_device VALUES ('d1', '99642496-37b4-4fb0-94c3-75b6969a46df');
INSERT INTO disk_vm_element VALUES ('d1', '99642496-37b4-4fb0-94c3-75b6969a46df');
INSERT INTO base_disks VALUES ('d1', 'he_virtio_disk'), ('d2', 'he_sanlock');
INSERT INTO images VALUES ('d1', 'i1'), ('d2', 'i2');
INSERT INTO image_storage_domain_map VALUES ('i1', 'sd1'), ('i2', 'sd1');
INSERT INTO storage_domain_static VALUES ('sd1', 'hosted_storage'), ('sd2', 'data');
INSERT INTO storage_domain_dynamic VALUES ('sd1'), ('sd2');
INSERT INTO storage_pool_iso_map VALUES ('sd1', 'p1', 3), ('sd2', 'p1', 3);
INSERT INTO storage_pool VALUES ('p1', 'Default', 'sd1', 'h1');
INSERT INTO vds_static VALUES ('h1', 'host1', 'AAAA'), ('h2', 'host2', 'BBBB');
INSERT INTO vds_dynamic VALUES ('h1', 3), ('h2', 3);
INSERT INTO vds_statistics VALUES ('h1', 1, 0), ('h2', 0, 0);
INSERT INTO vds_spm_id_map VALUES ('p1', 1, 'h1'), ('p1', 2, 'h2');
INSERT INTO permissions VALUES ('p', '99642496-37b4-4fb0-94c3-75b6969a46df');
INSERT INTO audit_log (message, vm_id, vds_id) VALUES ('VM HostedEngine was created', '99642496-37b4-4fb0-94c3-75b6969a46df', 'h1');
