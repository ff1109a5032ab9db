#!/usr/bin/env bash
# Makes .venv and installs DrumScribe into it. Usage: scripts/setup.sh [EXTRAS]   (EXTRAS like "test" or "test,train")
# Called again it does nothing until pyproject.toml changes. PYTHON names another interpreter than the one found.
set -euo pipefail
cd "$(dirname "$0")/.."
extras=${1:-}
venv=.venv
stamp=$venv/.installed${extras:+-${extras//,/-}}

say() { printf '%s\n' "$*" >&2; }
fail() { say "setup: $*"; exit 1; }

if [ -f "$stamp" ] && [ "$stamp" -nt pyproject.toml ] && [ "$stamp" -nt scripts/setup.sh ]; then
    exit 0
fi

recent='import sys; sys.exit(sys.version_info < (3, 11))'
find_python() {
    local name
    for name in ${PYTHON:-python3.12 python3.11 python3.13 python3 python3.14}; do
        if command -v "$name" >/dev/null && "$name" -c "$recent" 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    return 1
}

make_venv() {
    local python
    python=$(find_python) || fail "Python 3.11 or later is needed. On Debian and Ubuntu: sudo apt install python3 python3-venv"
    say "setup: making $venv with $python"
    rm -rf "$venv"
    # Debian and Ubuntu keep ensurepip in a package of its own (python3-venv): do without it where another way is there
    "$python" -m venv "$venv" >/dev/null 2>&1 && return
    rm -rf "$venv"
    "$python" -m virtualenv --quiet "$venv" >/dev/null 2>&1 && return
    rm -rf "$venv"
    if "$python" -m venv --without-pip "$venv" >/dev/null 2>&1 &&
        "$python" -m pip --python "$venv/bin/python" install --quiet pip >/dev/null 2>&1; then
        return
    fi
    rm -rf "$venv"
    fail "$python cannot make a virtual environment. On Debian and Ubuntu: sudo apt install python3-venv"
}

# Registries have bad minutes; a set-up should outlive them
install() {
    local attempt
    for attempt in 1 2 3; do
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --retries 5 --timeout 60 "$@" && return
        say "setup: pip failed (attempt $attempt of 3)"
        sleep $((attempt * 5))
    done
    fail "pip could not install: $*"
}

# The build that registries offer first may bring several GB of CUDA. TORCH_INDEX names an index with CPU builds, where
# one is at hand; the version is pinned so that whatever was chosen stays.
install_torch() {
    "$venv/bin/python" -c 'import torch' 2>/dev/null && return
    say "setup: installing torch"
    install torch==2.13.0 ${TORCH_INDEX:+--index-url "$TORCH_INDEX"}
}

if ! "$venv/bin/python" -c "$recent" 2>/dev/null || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then make_venv; fi
case ",$extras," in *,test,* | *,train,* | *,demucs,*) install_torch ;; esac
say "setup: installing DrumScribe${extras:+ with $extras}"
install --editable ".${extras:+[$extras]}"
touch "$venv/.installed" "$stamp"
