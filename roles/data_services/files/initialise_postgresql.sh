#!/bin/sh
# Makes a PostgreSQL cluster with one empty database in a draft folder, and moves it into place as the last step: a run
# that is cut short leaves nothing the next would take for a cluster.
# Usage: initialise_postgresql.sh PROGRAMS DATA USER DATABASE PASSFILE   (PASSFILE in libpq's format)
set -eu
programs=$1 data=$2 user=$3 database=$4 passfile=$5
draft="$data.draft"
rm -rf "$draft"
mkdir -m 0700 "$draft"
as=
if [ "$(id -u)" -eq 0 ]; then # PostgreSQL refuses root
    chown nobody "$draft"
    as="setpriv --reuid nobody --regid $(id -g nobody) --clear-groups"
fi
cd /
# shellcheck disable=SC2086 # the account's command is several words, or none
cut -d: -f5 "$passfile" | $as "$programs/initdb" --pgdata "$draft" --username "$user" --pwfile /dev/stdin \
    --auth scram-sha-256 --encoding UTF8 --no-locale --no-instructions
# shellcheck disable=SC2086
echo "CREATE DATABASE \"$database\"" | $as "$programs/postgres" --single -D "$draft" postgres
mv "$draft" "$data"
