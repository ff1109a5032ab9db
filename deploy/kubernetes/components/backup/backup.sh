#!/bin/sh
# Dumps the database of DATABASE_URL into the folder $1 and removes the dumps that are older than $2 days.
# One that breaks off leaves no file that looks whole, and removes nothing.
set -eu
folder=$1 days=$2
# what SQLAlchemy calls the driver is nothing to libpq
url=$(printf %s "$DATABASE_URL" | sed 's/^postgresql+psycopg:/postgresql:/')
name=$folder/rows-$(date -u +%Y%m%dT%H%M%SZ).dump
trap 'rm -f "$name.part"' EXIT
pg_dump --format=custom --file="$name.part" --dbname="$url"
pg_restore --list "$name.part" >/dev/null
mv "$name.part" "$name"
find "$folder" -name 'rows-*.dump' -mtime "+$((days - 1))" -delete
echo "$name $(wc -c <"$name") bytes"
