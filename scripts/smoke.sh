#!/usr/bin/env bash
# Does what a user does with a running service: sends the demo song, waits, fetches the score. Usage: scripts/smoke.sh API [WEB]
# DRUMSCRIBE_API_KEY is the key to use where the installation asks for one.
set -euo pipefail
cd "$(dirname "$0")/.."
api=${1:?the address of the API, http://localhost:8000}
web=${2:-}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
curl() { command curl ${DRUMSCRIBE_API_KEY:+--header "Authorization: Bearer $DRUMSCRIBE_API_KEY"} "$@"; }

fail() { echo "smoke: $*" >&2; exit 1; }

health=$(curl --silent --show-error --max-time 20 "$api/api/v1/health")
[ "$(jq -r .status <<<"$health")" = ok ] || fail "health says $health"

job=$(curl --silent --show-error --fail-with-body --max-time 60 -F file=@demo/demo.flac -F title=Smoke "$api/api/v1/jobs" | jq -er .job_id)
for _ in $(seq 120); do
    state=$(curl --silent --show-error --max-time 20 "$api/api/v1/jobs/$job")
    case $(jq -r .status <<<"$state") in
    completed) break ;;
    failed | cancelled) fail "the job ended: $state" ;;
    esac
    sleep 1
done
[ "$(jq -r .status <<<"$state")" = completed ] || fail "the job takes too long: $state"

curl --silent --show-error --fail --max-time 30 -o "$folder/song.pdf" "$api/api/v1/jobs/$job/download/pdf"
[ "$(head -c 5 "$folder/song.pdf")" = "%PDF-" ] || fail "that is no PDF"
curl --silent --show-error --fail --max-time 30 -o "$folder/song.musicxml" "$api/api/v1/jobs/$job/download/musicxml"
notes=$(grep -c '<note>\|<note ' "$folder/song.musicxml") || fail "the score has no notes"
curl --silent --show-error --fail --max-time 30 "$api/metrics" | grep --quiet '^drumscribe_http_requests_total' || fail "no metrics"
[ -z "$web" ] || curl --silent --show-error --fail --max-time 30 "$web/" | grep --quiet DrumScribe || fail "the web app does not answer"
curl --silent --show-error --fail --max-time 30 -X DELETE "$api/api/v1/jobs/$job"
echo "smoke: a PDF of $(wc -c <"$folder/song.pdf") bytes, $notes notes"
