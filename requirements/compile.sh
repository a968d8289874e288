#!/bin/sh
# Pins what the .in files ask for, with hashes and without download addresses. Usage: requirements/compile.sh [UV]
# One resolution (dev) serves all, so that the same package has the same version everywhere.
set -eu
uv=${1:-.venv/bin/uv}
cd "$(dirname "$0")"
case $uv in /*) ;; *) uv="../$uv" ;; esac
pin() {
    "$uv" pip compile --quiet --python-version 3.11 --universal --generate-hashes --no-strip-extras \
        --no-emit-index-url --no-emit-find-links --no-header --output-file "$@"
}
pin dev.txt dev.in
for name in apps controller; do
    pin "$name.txt" "$name.in" --constraints dev.txt
done
pin bootstrap.txt bootstrap.in
