#!/usr/bin/env bash
# Installs checkov, which looks for what is unsafe in manifests and templates, and prints the path of its program. It has an
# environment of its own inside .venv: it wants older versions of libraries that DrumScribe needs.
set -euo pipefail
cd "$(dirname "$0")/.."
version=3.3.30
folder=$PWD/.venv/checkov
if [ ! -e "$folder/.installed-$version" ]; then
    rm -rf "$folder"
    printf 'setup: installing checkov\n' >&2
    .venv/bin/python -m venv --without-pip "$folder"
    for attempt in 1 2 3; do
        .venv/bin/python -m pip --python "$folder/bin/python" install --quiet --disable-pip-version-check --no-compile \
            --retries 5 --timeout 60 "checkov==$version" >&2 && break
        [ "$attempt" -lt 3 ] || exit 1
        sleep $((attempt * 5))
    done
    touch "$folder/.installed-$version"
fi
echo "$folder/bin/checkov"
