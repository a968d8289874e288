#!/usr/bin/env bash
# Runs `ansible-test sanity`, and antsibull-docs' checks of the documentation, on the collection as it is installed,
# beside the collections it depends on.
# Usage: tests/sanity/run.sh ENVIRONMENT [ansible-test's arguments…]
set -euo pipefail
environment=$(readlink -f "$1")
shift
cd "$(dirname "$0")/../.."
export PATH="$environment/bin:$PATH" ANSIBLE_COLLECTIONS_PATH
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
ANSIBLE_COLLECTIONS_PATH=$place

ansible-galaxy collection build --force --output-path "$place/artifact" . > /dev/null
ansible-galaxy collection install "$place"/artifact/deepobs-eks-*.tar.gz -p "$place" --force --offline --no-deps > /dev/null
packaged=$(python -c 'import ansible_collections; print(ansible_collections.__path__[0])')
for namespace in amazon community kubernetes; do
    cp -r "$packaged/$namespace" "$place/ansible_collections/"
done

# ansible-test makes environments of its own with a get-pip script that it would download. Python has one built in.
cache="$HOME/.ansible/test/cache"
mkdir -p "$cache"
for version in 20_3_4 21_3_1 24_2 25_0_1 25_2 25_3; do
    [ -e "$cache/get_pip_$version.py" ] || cp tests/sanity/get_pip.py "$cache/get_pip_$version.py"
done

cd "$place/ansible_collections/deepobs/eks"
ansible-test sanity --local --python "$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')" --color no "$@"
# antsibull-docs copies the collections depended on, from $environment where its path sorts first, and leaves out what git
# ignores. Searched no further up than here, that is no work tree of git.
export GIT_CEILING_DIRECTORIES=$environment
antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs dependent .
