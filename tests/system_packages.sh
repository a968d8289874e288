#!/usr/bin/env bash
# Sees that programs are there, whose Debian packages bear their names or are given as program=package: installs the
# missing ones where this is root. Exit 1 and one line where one is still missing.
set -euo pipefail
missing=()
for wanted in "$@"; do
    command -v "${wanted%%=*}" > /dev/null || missing+=("${wanted#*=}")
done
[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" -eq 0 ] && command -v apt-get > /dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
else
    echo "missing: ${missing[*]}; install the system's packages of these names (Debian: apt-get install ${missing[*]})" >&2
    exit 1
fi
