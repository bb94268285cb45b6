#!/bin/sh
# Inventory of a lab that is up (LAB, default demo): node0 is its first host, additional_hosts are the others.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
inventory=${LAB_CACHE:-$root/.cache}/lab/${LAB:-demo}/inventory.json
if [ "${1:-}" = --host ]; then
    echo '{}'
elif [ -r "$inventory" ]; then
    cat "$inventory"
else
    echo "lab ${LAB:-demo} is not up: make lab-up LAB=${LAB:-demo}" >&2
    exit 1
fi
