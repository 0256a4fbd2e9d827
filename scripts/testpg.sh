#!/usr/bin/env bash
# A private PostgreSQL for tests: installs the Debian package when missing, makes a throw-away cluster in
# a temporary folder on a free loopback port, and prints the variable the tests read.
#   eval "$(scripts/testpg.sh env)"    start if needed, print export CAPILLARY_TEST_POSTGRES=...
#   scripts/testpg.sh stop             stop it and remove the folder
# With CAPILLARY_TESTPG_DURABLE=1 a second cluster that syncs its commits, for measurements.
set -euo pipefail
dir="${CAPILLARY_TESTPG_DIR:-${TMPDIR:-/tmp}/capillary-testpg-$(id -u)}"
careless="-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c shared_buffers=128MB"
if [ -n "${CAPILLARY_TESTPG_DURABLE:-}" ]; then
  dir="$dir-durable"; careless="-c shared_buffers=1GB -c max_wal_size=4GB -c checkpoint_timeout=15min"
fi

find_bin() {
  local d
  for d in /usr/lib/postgresql/*/bin; do [ -x "$d/initdb" ] && bin="$d"; done
  [ -n "${bin:-}" ] || { command -v initdb >/dev/null && bin="$(dirname "$(readlink -f "$(command -v initdb)")")"; }
  [ -n "${bin:-}" ]
}

as_owner() { # initdb refuses root
  if [ "$(id -u)" = 0 ]; then runuser -u "$owner" -- "$@"; else "$@"; fi
}

ensure() {
  if ! find_bin; then
    echo "testpg: installing postgresql" >&2
    sudo=""; [ "$(id -u)" = 0 ] || sudo=sudo
    { $sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends postgresql; } >&2
    find_bin || { echo "testpg: no PostgreSQL server found; install the package postgresql" >&2; exit 1; }
  fi
  owner="$(id -un)"
  if [ "$(id -u)" = 0 ]; then
    owner=postgres; id postgres >/dev/null 2>&1 || owner=nobody
  fi
}

free_port() {
  local p
  for p in $(shuf -i 20000-29999 -n 50); do
    (exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null || { echo "$p"; return; }
  done
  echo "testpg: no free port" >&2; return 1
}

start() {
  ensure
  if [ -s "$dir/port" ] && as_owner "$bin/pg_ctl" -D "$dir/data" status >/dev/null 2>&1; then return; fi
  rm -rf "$dir"; mkdir -p "$dir"; chmod 755 "$dir"
  if [ "$(id -u)" = 0 ]; then chown "$owner" "$dir"; fi
  (cd "$dir" && as_owner "$bin/initdb" -D "$dir/data" -U capillary -A trust -E UTF8 --locale=C.UTF-8 >/dev/null)
  local port; port="$(free_port)"
  # Throw-away data: durability is what the crash campaigns test, on clusters of their own.
  (cd "$dir" && as_owner "$bin/pg_ctl" -D "$dir/data" -w -t 60 -l "$dir/log" -o "-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories=$dir $careless -c max_connections=300" start >/dev/null)
  echo "$port" >"$dir/port"
}

case "${1:-env}" in
  env) start >&2; echo "export CAPILLARY_TEST_POSTGRES='postgres://capillary@127.0.0.1:$(cat "$dir/port")/postgres?sslmode=disable'" ;;
  stop) ensure; if [ -d "$dir/data" ]; then as_owner "$bin/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$dir"; fi ;;
  *) sed -n 2,7p "$0"; exit 2 ;;
esac
