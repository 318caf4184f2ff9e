#!/bin/sh
# A demo host: one PostgreSQL that archives its log, and the agent beside it, as on a machine of its own. One container and
# not two: the agent stops and starts the instance when it restores it in place.
set -eu
: "${PGDATA:?}" "${PGHOST:?}" "${DEMO_ARCHIVE:?}" "${DEMO_PASSWORD_FILE:?}"

if [ ! -e "$PGDATA" ]; then
  # Renamed last, so that a set-up that was interrupted begins again.
  rm -rf "$PGDATA.new"
  initdb --pgdata="$PGDATA.new" --username=postgres --pwfile="$DEMO_PASSWORD_FILE" \
    --auth=scram-sha-256 --data-checksums --encoding=UTF8 --no-locale
  mkdir -p "$DEMO_ARCHIVE"
  cat >>"$PGDATA.new/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$PGHOST'
wal_level = replica
summarize_wal = on
archive_mode = on
archive_command = 'holdfast wal-archive "%p" "$DEMO_ARCHIVE/%f"'
archive_timeout = 60
CONF
  mv "$PGDATA.new" "$PGDATA"
fi

# An instance that a restore left half done does not start; the agent goes on with that restore.
pg_ctl start --wait --silent --log="$(dirname "$PGDATA")/server.log" || echo 'the instance does not start: see server.log' >&2

holdfast agent &
agent=$!
trap 'kill -TERM "$agent" 2>/dev/null || true' TERM INT
status=0
while kill -0 "$agent" 2>/dev/null; do
  status=0
  wait "$agent" || status=$?
done
pg_ctl stop --mode=fast --silent || true
exit "$status"
