"""The engine's commands: engine-setup, engine-psql.sh, engine-config, engine-backup, otopi-config-query.

They work on the simulator's SQLite database and write the files that the real ones write. Only the standard library is
imported, and little of it: a Python start costs a second in a machine without KVM.
"""

VERSION = "4.5.8"
"""The engine version that the appliance says it is."""
