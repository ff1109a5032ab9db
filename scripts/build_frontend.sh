#!/usr/bin/env bash
# Build the web app, unless what it is built from is as it was. Prints the folder of the Node that runs it, for PATH.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../frontend"
bin="$(../scripts/setup_frontend.sh)"
export PATH="$bin:$PATH"

stamp=".next/.built-from"
sources=(src public scripts package-lock.json package.json next.config.ts postcss.config.mjs tsconfig.json ../demo/demo.flac ../docs/accuracy.json)
wanted="$(find "${sources[@]}" -type f ! -path public/demo.flac ! -path public/accuracy.json -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum) $(node --version) ${NEXT_PUBLIC_API_URL:-}"
if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$wanted" ]; then
    echo "setup: building the web app" >&2
    npm run --silent build >&2
    echo "$wanted" > "$stamp"
fi
echo "$bin"
