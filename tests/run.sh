#!/usr/bin/env bash
# Runs every step of `make test`, also after one failed, and ends with a line for each.
# Two lanes run side by side, for most steps use one core; what they print comes lane by lane. The end-to-end tests come
# last and have the machine for themselves.
set -uo pipefail
cd "$(dirname "$0")/.."
make --no-print-directory test-environment || exit 1
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

step() { # runs one step and notes how it ended
    local began=$SECONDS verdict=passed
    printf '\n=== %s\n' "$1"
    make --no-print-directory "$1" || verdict=FAILED
    printf '%-11s %-7s %4d s\n' "$1" "$verdict" $((SECONDS - began)) >> "$logs/summary"
}

echo "· unit and integration tests beside lint, sanity and molecule: a few minutes, shown as they end"
{ step lint; step sanity; step molecule; } > "$logs/checks" 2>&1 &
checks=$!
step unit 2>&1
step integration 2>&1
wait "$checks"
cat "$logs/checks"
step e2e

printf '\n=== make test, %d s\n' "$SECONDS"
cat "$logs/summary"
! grep -q FAILED "$logs/summary"
