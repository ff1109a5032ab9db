#!/usr/bin/env bash
# Runs the parts of a distributed service as plain processes of this machine. Use it in the folder of the service's .env.
#   scripts/part.sh start|stop|restart|kill PART…      scripts/part.sh status
# A PART is api (at API_HOST, API_PORT), worker-default, worker-heavy or celery-beat; worker-heavy-2 is another of its kind. Logs and pids are in run/.
# `stop` lets a worker finish its step, within the grace that Compose gives it too; `kill` gives none.
set -euo pipefail
scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

fail() { echo "part: $*" >&2; exit 2; }

# The process of a part, if it lives. After a restart of the machine its number may be another's
pid_of() {
    local pid
    pid=$(cat "run/$1.pid" 2>/dev/null) || return 1
    case $(ps -o stat= -o args= -p "$pid") in
    Z* | '') return 1 ;;
    *drumscribe* | *entrypoint-worker* | *part.sh*) echo "$pid" ;;
    *) return 1 ;;
    esac
}

start() {
    local part=$1 run=() queue=
    pid_of "$part" >/dev/null && { echo "$part runs already"; return; }
    case $part in
    api) run=(drumscribe serve --host "${API_HOST:-127.0.0.1}" --port "${API_PORT:-8000}") ;;
    worker-default*) queue=default run=("$scripts/entrypoint-worker.sh" worker) ;;
    worker-heavy*) queue=heavy-compute run=("$scripts/entrypoint-worker.sh" worker) ;;
    celery-beat) run=("$scripts/entrypoint-worker.sh" beat) ;;
    *) fail "nobody knows the part $part" ;;
    esac
    mkdir -p run
    WORKER_QUEUE=$queue BEAT_STATE_DIR=$PWD/run/beat setsid "${run[@]}" </dev/null >>"run/$part.log" 2>&1 &
    echo $! >"run/$part.pid"
    echo "$part started"
}

# stop SIGNAL PART: its whole session ends with it, if it has to be killed
stop() {
    local signal=$1 part=$2 pid grace=10
    pid=$(pid_of "$part") || { echo "$part does not run"; return; }
    case $part in
    api) grace=30 ;;
    worker-default*) grace=120 ;;
    worker-heavy*) grace=300 ;;
    esac
    if [ "$signal" = TERM ]; then kill -TERM "$pid" || true; else grace=0; fi
    for ((waited = 0; waited < grace * 5; waited++)); do
        pid_of "$part" >/dev/null || break
        sleep 0.2
    done
    if pid_of "$part" >/dev/null; then
        kill -KILL -- "-$pid" || true
        echo "$part was killed"
    else
        echo "$part stopped"
    fi
    rm -f "run/$part.pid"
}

status() {
    local file part pid
    for file in run/*.pid; do
        [ -e "$file" ] || continue
        part=$(basename "$file" .pid)
        if pid=$(pid_of "$part"); then echo "$part runs, process $pid"; else echo "$part ended by itself"; fi
    done
}

[ $# -gt 0 ] || { sed -n '2,5s/^# //p' "$0"; exit 2; }
if [ -e .env ]; then
    set -a
    # shellcheck source=/dev/null
    . ./.env
    set +a
fi
command=$1
shift
[ $# -gt 0 ] || [ "$command" = status ] || fail "which part?"
for part in "$@"; do
    case $command in
    start) start "$part" ;;
    stop) stop TERM "$part" ;;
    kill) stop KILL "$part" ;;
    restart) stop TERM "$part" && start "$part" ;;
    *) fail "$command is no command" ;;
    esac
done
[ "$command" != status ] || status
