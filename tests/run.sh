#!/usr/bin/env bash
# Runs every step of `make test`, also after one failed, and ends with a line for each. Usage: tests/run.sh [STEP…]
set -uo pipefail
cd "$(dirname "$0")/.."
steps=("$@")
[ ${#steps[@]} -gt 0 ] || steps=(lint unit sanity molecule e2e)
summary=() failed=0
make --no-print-directory test-environment || exit 1
for step in "${steps[@]}"; do
    began=$SECONDS
    printf '\n=== %s\n' "$step"
    if make --no-print-directory "$step"; then verdict=passed; else verdict=FAILED failed=1; fi
    summary+=("$(printf '%-10s %-7s %4d s' "$step" "$verdict" $((SECONDS - began)))")
done
printf '\n=== make test, %d s\n' "$SECONDS"
printf '%s\n' "${summary[@]}"
exit "$failed"
