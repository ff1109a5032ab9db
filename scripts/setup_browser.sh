#!/usr/bin/env bash
# Find the Chromium that the web app is tried in, and print where it is. No registry of packages carries one that works
# everywhere: where none is installed, Debian's package is (as root, or with sudo that asks for no password), else Playwright's.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

find_browser() {
    local name
    for name in ${CHROMIUM:-chromium chromium-browser google-chrome google-chrome-stable}; do
        if command -v "$name" > /dev/null && "$name" --version > /dev/null 2>&1; then
            command -v "$name"
            return
        fi
    done
    return 1
}

find_browser && exit
as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo -n)
if command -v apt-get > /dev/null && "${as_root[@]}" true 2> /dev/null; then
    echo "setup: installing Chromium with apt-get, for the tests of the web app" >&2
    "${as_root[@]}" apt-get update -qq >&2 || true
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends chromium fonts-liberation >&2 || true
    hash -r
    find_browser && exit
fi
echo "setup: fetching Playwright's Chromium, for the tests of the web app" >&2
if (cd frontend && npx playwright install --no-shell chromium) >&2; then
    (cd frontend && node -e 'console.log(require("@playwright/test").chromium.executablePath())')
    exit
fi
echo "The tests of the web app need Chromium. On Debian: sudo apt install chromium" >&2
exit 1
