#!/bin/sh
# Install those of the listed Debian packages that are missing.
set -eu
list=$(grep -v '^#' "$(dirname "$0")/../requirements-apt.txt")
missing=""
for package in $list; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086  # a list of words
apt-get install -y -qq --no-install-recommends $missing >/dev/null
