#!/usr/bin/env bash
# Generates the reference of the modules, the filters and the roles out of their own documentation.
# Usage: docs/generate.sh ENVIRONMENT [FOLDER]   (default folder: docs/reference)
set -euo pipefail
environment=$(readlink -f "$1")
cd "$(dirname "$0")/.."
folder=${2:-docs/reference}
export PATH="$environment/bin:$PATH" ANSIBLE_COLLECTIONS_PATH="$PWD/.ansible/collections"
pages=$(mktemp -d)
trap 'rm -rf "$pages"' EXIT
antsibull-docs collection --use-current --output-format simplified-rst --squash-hierarchy --no-breadcrumbs \
    --no-add-antsibull-docs-version --fail-on-error --dest-dir "$pages" deepobs.eks > /dev/null
rm -rf "$folder"
mkdir -p "$folder"
cp "$pages"/*.rst "$folder"
