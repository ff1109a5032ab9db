#!/usr/bin/env bash
# Finds a container engine, or starts one by hand in a folder of its own, and prints the address for DOCKER_HOST.
# Usage: scripts/stack/engine.sh start|stop FOLDER
# By hand means: as root on Debian or Ubuntu, with apt's docker.io. Compose and Buildx come as plugins; where apt has none
# (Debian 12), those of Debian 13 are taken, which are single programs. Nothing is left running after `stop`.
set -euo pipefail

command=${1:?start or stop}
folder=$(mkdir -p "${2:?a folder}" && cd "$2" && pwd)
say() { printf 'engine: %s\n' "$*" >&2; }
fail() {
    say "$*"
    say "To get an engine: install Docker (https://docs.docker.com/engine/install/), or run this as root on Debian or Ubuntu."
    exit 3
}

apt() { DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@" >&2; }

install_engine() {
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then fail "no engine answers, and none can be installed here."; fi
    say "apt installs docker.io, iptables, debootstrap"
    apt update
    # A service that apt would start is not wanted: ours has a folder of its own
    RUNLEVEL=1 apt install --no-install-recommends docker.io iptables debootstrap || fail "apt could not install docker.io."
}

install_plugins() {
    local plugins=${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins lists=$folder/apt
    docker compose version >/dev/null 2>&1 && docker buildx version >/dev/null 2>&1 && return
    if apt install --no-install-recommends docker-compose-v2 docker-buildx >/dev/null 2>&1; then return; fi
    say "taking the plugins of Debian 13"
    mkdir -p "$plugins" "$lists/lists/partial" "$lists/cache/archives/partial" "$folder/plugins"
    local mirror key=/usr/share/keyrings/debian-archive-keyring.gpg
    mirror=$(sed -nE 's/^(URIs:|deb( \[[^]]*\])?) *(https?:[^ ]*debian) .*|^URIs: *(https?:[^ ]*debian)$/\3\4/p' \
        /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -1)
    echo "deb [signed-by=$key] ${mirror:-http://deb.debian.org/debian} trixie main" >"$lists/trixie.list"
    local options=(-o "Dir::Etc::sourcelist=$lists/trixie.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$lists/lists"
        -o "Dir::Cache=$lists/cache" -o APT::Sandbox::User=root)
    apt "${options[@]}" update
    (cd "$folder/plugins" && apt "${options[@]}" download docker-compose docker-buildx && for deb in ./*.deb; do dpkg-deb -x "$deb" .; done)
    find "$folder/plugins" -path '*cli-plugins*' -type f -exec cp {} "$plugins/" \;
}

case $command in
start)
    if docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; then
        say "using the engine that is there"
        echo "${DOCKER_HOST:-unix:///var/run/docker.sock}"
        exit
    fi
    if ! command -v dockerd >/dev/null || ! command -v debootstrap >/dev/null; then install_engine; fi
    install_plugins
    docker compose version >/dev/null 2>&1 || fail "the Compose plugin could not be had."
    socket=unix://$folder/docker.sock
    cat >"$folder/daemon.json" <<JSON
{"data-root": "$folder/data", "exec-root": "$folder/exec", "pidfile": "$folder/docker.pid", "hosts": ["$socket"],
 "features": {"buildkit": true},
 "default-ulimits": {"nofile": {"Name": "nofile", "Soft": 1024, "Hard": 4096}, "nproc": {"Name": "nproc", "Soft": 4096, "Hard": 4096}}}
JSON
    setsid dockerd --config-file "$folder/daemon.json" >"$folder/dockerd.log" 2>&1 </dev/null &
    for _ in $(seq 60); do
        if DOCKER_HOST=$socket docker info >/dev/null 2>&1; then
            say "started $(DOCKER_HOST=$socket docker version --format '{{.Server.Version}}') in $folder"
            echo "$socket"
            exit
        fi
        sleep 0.5
    done
    tail -5 "$folder/dockerd.log" >&2
    fail "dockerd does not start here; its log is $folder/dockerd.log."
    ;;
stop)
    if [ -f "$folder/docker.pid" ]; then
        kill "$(cat "$folder/docker.pid")" 2>/dev/null || true
        for _ in $(seq 60); do [ -f "$folder/docker.pid" ] || break; sleep 0.5; done
        say "stopped"
    fi
    ;;
*) fail "start or stop, not $command" ;;
esac
