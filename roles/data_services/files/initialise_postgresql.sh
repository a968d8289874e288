#!/bin/sh
# Makes a PostgreSQL cluster with one empty database in a draft folder, and moves it into place as the last step: a run
# that is cut short leaves nothing the next would take for a cluster.
# Usage: initialise_postgresql.sh PROGRAMS DATA USER DATABASE PASSFILE   (PASSFILE in libpq's format)
set -eu
programs=$1 data=$2 user=$3 database=$4 passfile=$5
draft="$data.draft" password="$data.password"
trap 'rm -f "$password"' EXIT
rm -rf "$draft" "$password"
umask 077
mkdir "$draft"
cut -d: -f5 "$passfile" > "$password"
as=
if [ "$(id -u)" -eq 0 ]; then # PostgreSQL refuses root
    chown nobody "$draft" "$password"
    as="setpriv --reuid nobody --regid $(id -g nobody) --clear-groups"
fi
cd /
# shellcheck disable=SC2086 # the account's command is several words, or none
$as "$programs/initdb" --pgdata "$draft" --username "$user" --pwfile "$password" --auth scram-sha-256 \
    --encoding UTF8 --no-locale
# shellcheck disable=SC2086
echo "CREATE DATABASE \"$database\"" | $as "$programs/postgres" --single -D "$draft" postgres
mv "$draft" "$data"
