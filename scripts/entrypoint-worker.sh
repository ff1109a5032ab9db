#!/usr/bin/env bash
# Starts one process of a distributed service: worker (the default, of the queue in WORKER_QUEUE), beat, migrate, serve.
# A worker of heavy-compute first brings its models here.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
command=${1:-worker}
shift || true

case $command in
worker)
  queue=${WORKER_QUEUE:-default}
  if [ "$queue" = heavy-compute ]; then
    # A model that cannot be had now may be had when the first job comes; the log and /health say so until then
    "$here/download_models.sh" || echo "entrypoint-worker: starting without it" >&2
  fi
  exec drumscribe worker --queue "$queue" "$@"
  ;;
beat)
  # Made at start, for /tmp may be a fresh tmpfs; the health check looks for beat.pid there
  state=${BEAT_STATE_DIR:-/tmp/drumscribe-beat}
  mkdir -p "$state"
  rm -f "$state/beat.pid" # of a container that was killed
  exec drumscribe beat --state "$state" "$@"
  ;;
*)
  exec drumscribe "$command" "$@"
  ;;
esac
