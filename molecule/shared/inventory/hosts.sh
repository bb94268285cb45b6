#!/bin/sh
# The hosts of a lab without settings: a scenario that deploys by an answer file has them all from there.
exec "$(dirname -- "$0")/../../../inventories/lab/hosts.sh" "$@"
