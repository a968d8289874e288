#!/bin/sh
# Makes or completes a Python environment from a file of pinned requirements.
# Usage: install_environment.sh PYTHON DIRECTORY REQUIREMENTS
# The stamp DIRECTORY/.complete-<name>-<digest> comes last: without it the next run begins again where this one ended.
set -eu
python=$1 directory=$2 requirements=$3
name=$(basename "$requirements" .txt)
stamp="$directory/.complete-$name-$(cksum < "$requirements" | tr ' ' '-')"
[ -e "$stamp" ] && exit 0
if [ ! -x "$directory/bin/pip" ]; then
    "$python" -m venv --clear "$directory"
fi
if [ ! -x "$directory/bin/uv" ]; then
    "$directory/bin/pip" install --quiet --disable-pip-version-check --require-hashes \
        --requirement "$(dirname "$requirements")/bootstrap.txt"
fi
# pip knows mirrors that uv does not, so it is asked where uv cannot reach one.
"$directory/bin/uv" pip install --quiet --python "$directory/bin/python" --compile-bytecode --require-hashes \
    --requirement "$requirements" ||
    "$directory/bin/pip" install --quiet --disable-pip-version-check --require-hashes --requirement "$requirements"
rm -f "$directory/.complete-$name-"*
touch "$stamp"
echo "installed $name"
