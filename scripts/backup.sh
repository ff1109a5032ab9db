#!/usr/bin/env bash
# Backs up rows and files of an installation, and brings them back. Use it in the folder of the service's .env.
#   scripts/backup.sh [--compose] save FOLDER [DAYS]     a new folder FOLDER/<time>; copies older than DAYS (7) are deleted after it
#   scripts/backup.sh check COPY                         whether a copy is as it was written
#   scripts/backup.sh [--compose] restore [--replace] COPY    into an empty installation, or (--replace) in place of what is there
# Plain, it finds database and files by the service's own settings; --compose takes them from the stack of this folder.
# Saving may go on while the service runs; it reads the copy back. Files in a bucket are not copied (docs/DEVOPS.md says how).
# Exit status: 0 done, 1 not done (no half copy is left, nothing was deleted or replaced), 2 asked wrongly.
set -euo pipefail
umask 077

fail() { echo "backup: $*" >&2; exit "${2:-1}"; }
usage() { sed -n '3,5s/^#   //p' "$0" >&2; exit 2; }

LIST="SELECT job_id || '/' || revision || '/' || name FROM artifacts"

# ---------------------------------------------------------------------------------------------- PostgreSQL
in_compose() { [ "$where" = compose ]; }

psql_() {
    if in_compose; then
        # shellcheck disable=SC2016
        docker compose exec -T postgres sh -c 'exec psql -X -q -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d "$POSTGRES_DB" "$@"' psql "$@"
    else
        psql -X -q -v ON_ERROR_STOP=1 -d "$url" "$@"
    fi
}

dump() {
    if in_compose; then
        # shellcheck disable=SC2016
        docker compose exec -T postgres sh -c 'exec pg_dump -Fc -U "$POSTGRES_USER" -d "$POSTGRES_DB"'
    else
        pg_dump -Fc -d "$url"
    fi
}

as_sql() {
    if in_compose; then
        docker compose exec -T postgres pg_restore --no-owner --no-privileges -f -
    else
        pg_restore --no-owner --no-privileges -f -
    fi
}

# ---------------------------------------------------------------------------------------------- SQLite
# sqlite_copy FROM TO: a copy in one piece, also of a database that is in use; then whether it is whole
sqlite_copy() {
    "$python" - "$1" "$2" <<'PYTHON'
import contextlib, pathlib, sqlite3, sys

source, target = sys.argv[1:]
with (
    contextlib.closing(sqlite3.connect(f"{pathlib.Path(source).absolute().as_uri()}?mode=ro", uri=True)) as old,
    contextlib.closing(sqlite3.connect(target)) as new,
):
    old.backup(new)
    said = new.execute("PRAGMA integrity_check").fetchone()[0]
sys.exit(0 if said == "ok" else f"backup: {target}: {said}")
PYTHON
}

sqlite_ask() {
    "$python" -c 'import sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2]): print(*row)' "$database" "$1"
}

# ---------------------------------------------------------------------------------------------- both
ask() { if [ "$rows" = rows.db ]; then sqlite_ask "$1"; else psql_ -Atc "$1" </dev/null; fi; }

tar_() {
    if in_compose; then
        docker compose run --rm --no-deps -T --entrypoint tar api -C /data/artifacts "$@"
    else
        mkdir -p "$artifacts"
        tar -C "$artifacts" "$@"
    fi
}

listed() { LC_ALL=C sort; }
in_tar() { tar -tf "$1" | sed 's|^\./||' | listed; }

where_things_are() {
    if in_compose; then
        rows=rows.dump
    else
        python=${PYTHON:-python3}
        artifacts=${ARTIFACTS_DIR:-${DATA_DIR:-/data}/artifacts}
        case ${DATABASE_URL:=sqlite:///${DATA_DIR:-/data}/drumscribe.db} in
        sqlite:///*) rows=rows.db database=${DATABASE_URL#sqlite:///} ;;
        # What SQLAlchemy calls the driver is nothing to libpq
        postgresql*://*) rows=rows.dump url=postgresql://${DATABASE_URL#*://} ;;
        *) fail "nobody knows the database of DATABASE_URL" 2 ;;
        esac
    fi
}

save() {
    local folder=$1 days=${2:-7} stamp part
    [[ $days =~ ^[1-9][0-9]*$ ]] || usage
    stamp=$(date -u +%Y%m%dT%H%M%SZ)
    mkdir -p "$folder"
    find "$folder" -mindepth 1 -maxdepth 1 -name '.part-*' -mtime +0 -exec rm -rf {} + # of one that was killed
    part=$folder/.part-$stamp
    mkdir "$part"
    # shellcheck disable=SC2064
    trap "rm -rf '$part'" EXIT

    if [ "$rows" = rows.db ]; then
        [ -e "$database" ] || fail "there is no database $database"
        sqlite_copy "$database" "$part/rows.db"
    else
        dump >"$part/rows.dump"
        as_sql <"$part/rows.dump" >/dev/null
    fi
    # Files after the rows: they never change, so what these rows name is there, or has been deleted meanwhile
    if [ "$STORAGE_BACKEND" = local ]; then
        ask "$LIST" | listed >"$part/before"
        # 1: a file was deleted while it was read
        tar_ --exclude=./.incoming --warning=no-file-changed --warning=no-file-removed -cf - . >"$part/files.tar" || [ $? = 1 ]
        ask "$LIST" | listed >"$part/after"
        in_tar "$part/files.tar" >"$part/there"
        LC_ALL=C comm -12 "$part/before" "$part/after" | LC_ALL=C comm -23 - "$part/there" >"$part/missing"
        [ ! -s "$part/missing" ] || fail "$(wc -l <"$part/missing") files that the rows name are not there, the first: $(head -1 "$part/missing")"
        rm "$part/before" "$part/after" "$part/there" "$part/missing"
    fi
    (cd "$part" && sha256sum -- * >SHA256SUMS)
    mv "$part" "$folder/$stamp"
    find "$folder" -mindepth 1 -maxdepth 1 -name '20??????T??????Z' -mtime "+$((days - 1))" -exec rm -rf {} +
    echo "$folder/$stamp"
}

check() {
    (cd "$1" 2>/dev/null && sha256sum --check --quiet --strict SHA256SUMS >/dev/null 2>&1) || fail "$1 is no copy, or is damaged"
}

restore() {
    local replace=$1 copy=$2 sql
    check "$copy"
    [ -e "$copy/$rows" ] || fail "the copy has no $rows: it is of another kind of installation"
    if [ "$rows" = rows.db ]; then restore_sqlite; else restore_postgres; fi
    echo "$(ask 'SELECT count(*) FROM jobs') jobs, $(ask 'SELECT count(*) FROM artifacts') files"
}

# Files come first: rows never name what is not there yet
restore_files() { [ ! -e "$copy/files.tar" ] || tar_ -xf - <"$copy/files.tar"; }

refuse_to_replace() {
    local there
    # Before the first migration there are no tables to ask
    there=$(ask 'SELECT (SELECT count(*) FROM jobs) + (SELECT count(*) FROM users) + (SELECT count(*) FROM api_keys)' 2>/dev/null || echo 0)
    [ "$replace" = yes ] || [ "$there" = 0 ] || fail "jobs, accounts or keys are here already; --replace puts the copy in their place"
}

restore_sqlite() {
    mkdir -p "$(dirname "$database")"
    exec 9>"$(dirname "$database")/drumscribe.lock"
    flock -n 9 || fail "the service still runs: stop it first"
    [ ! -e "$database" ] || refuse_to_replace
    restore_files
    sqlite_copy "$copy/rows.db" "$database.new"
    rm -f "$database-wal" "$database-shm"
    mv "$database.new" "$database"
}

restore_postgres() {
    local connected
    connected=$(ask "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'drumscribe'")
    [ "$connected" = 0 ] || fail "the service still runs, with $connected connections: stop it first"
    refuse_to_replace
    sql=$(mktemp)
    # shellcheck disable=SC2064
    trap "rm -f '$sql'" EXIT
    { echo 'DROP SCHEMA public CASCADE; CREATE SCHEMA public;' && as_sql <"$copy/rows.dump"; } >"$sql"
    restore_files
    # All or nothing
    psql_ --single-transaction -f - <"$sql" >/dev/null
}

where=plain
[ "${1:-}" != --compose ] || { where=compose; shift; }
[ $# -ge 2 ] || usage
if [ -e .env ]; then
    set -a
    # shellcheck source=/dev/null
    . ./.env
    set +a
fi
STORAGE_BACKEND=${STORAGE_BACKEND:-local}
where_things_are
case $1 in
save) shift && save "$@" ;;
check) check "$2" ;;
restore)
    shift
    replace=no
    [ "$1" != --replace ] || { replace=yes; shift; }
    restore "$replace" "${1:?which copy?}"
    ;;
*) usage ;;
esac
