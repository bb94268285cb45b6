"""engine-backup: backup, restore and verify; archive layout and console as recorded on ovirt-engine 4.5.8."""
