#!/bin/sh
# Writes the exact versions (constraints.txt) and hashes (requirements-locked.txt) of all packages from
# the pins of the direct ones, for every Python and system that the project supports.
set -eu
cd "$(dirname "$0")/.."

compile() {
    .venv/bin/python -m uv pip compile --universal --python-version 3.11 --no-header --no-annotate \
        --quiet --no-emit-package django-azure-blob "$@" -
}

# The library's own dependencies, and the pins of the files without their hashes.
pins() {
    echo '-e .[csp,identity,uploads]'
    sed -n 's/^\([a-z][^ ]*==[^\\]*\).*/\1/p' "$@" | grep -v '^django-azure-blob'
}

site=app/requirements.txt
pins $site requirements.txt requirements-dev.txt localazure/node/requirements.txt |
    compile -o constraints.txt
pins $site | compile -c constraints.txt -o app/constraints.txt

lock() {
    compile -c constraints.txt --generate-hashes "$@"
}
pins $site | lock -o app/requirements-locked.txt
pins $site requirements.txt | lock -o requirements-locked.txt
pins $site requirements.txt requirements-dev.txt | lock -o requirements-dev-locked.txt
