#!/usr/bin/env bash
# Measures and prints Markdown rows; docs/benchmarks.md holds the last ones with their hardware.
#   make bench     (CAPILLARY_TEST_DATA or ../shared/data names the folder with cumcm2020c)
set -euo pipefail
cd "$(dirname "$0")/.."
data="${CAPILLARY_TEST_DATA:-}"; if [ -z "$data" ] && [ -d ../shared/data ]; then data="$(cd ../shared/data && pwd)"; fi
export CAPILLARY_TEST_DATA="$data"
go build -o bin/bench ./cmd/bench
work="$(mktemp -d)"; trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
eval "$(scripts/testpg.sh env)"

echo "| what | figure |"; echo "|---|---|"
if [ -d "$data/cumcm2020c" ]; then
  bin/bench assess bin/capillary "$data/cumcm2020c" "${RUNS:-7}"
  go test -run '^$' -bench 'Import' -benchtime 1x ./internal/evidence/intake | awk '/rows\/s/{split($1,n,"/"); printf "| import of 373,431 rows into %s | %.1f s, %s rows/s |\n", n[2], $3/1e9, $5}'
else
  echo "bench: no cumcm2020c below CAPILLARY_TEST_DATA: assess and import are left out" >&2
fi

serve() { # serve NAME PORT [ENV...]
  local name="$1" port="$2"; shift 2
  env "$@" bin/capillary demo --only --data "$work/$name" --port "$port" >/dev/null 2>&1
  env "$@" bin/capillary serve --data "$work/$name" --listen "127.0.0.1:$port" --set log.level=error --set limits.per_principal=100000 --set limits.per_address=100000 >/dev/null 2>&1 &
  server=$!
  for _ in $(seq 100); do curl -fs "http://127.0.0.1:$port/readyz" >/dev/null 2>&1 && return; sleep 0.1; done
  echo "bench: $name did not become ready" >&2; return 1
}
psql "$CAPILLARY_TEST_POSTGRES" -qc "set client_min_messages = error" -c "drop database if exists capillary_bench" -c "create database capillary_bench"
pg="${CAPILLARY_TEST_POSTGRES/\/postgres?/\/capillary_bench?}"
serve sqlite 18932
for c in 1 8; do bin/bench decisions http://127.0.0.1:18932 "$c" 8 | sed 's/over HTTP/over HTTP on SQLite/'; done
kill "$server"; wait "$server" 2>/dev/null || true
serve postgres 18933 CAPILLARY_DATABASE_POSTGRES_DSN="$pg"
for c in 1 8; do bin/bench decisions http://127.0.0.1:18933 "$c" 8 | sed 's/over HTTP/over HTTP on PostgreSQL (fsync off)/'; done
kill "$server"; wait "$server" 2>/dev/null || true
bin/bench start bin/capillary "$work/sqlite"

# Repayment plans on one core, beside the textbook's float annuity.
echo; echo "| plan | instalments | plans/s on one core | times the float floor |"; echo "|---|---|---|---|"
go test -run '^$' -bench Plans -benchtime 500ms ./internal/base/schedule | awk '/^BenchmarkPlans/{split($1,n,"/"); gsub("_"," ",n[2]); sub("-[0-9]+$","",n[3]); for(i=3;i<NF;i+=2) f[$(i+1)]=$i; printf "| %s | %d | %d | %.1f |\n", n[2], n[3], f["plans/s"], f["x-float"]}' | sort
# Boosted trees beside XGBoost on the same codes and threads, turn by turn; then scoring and explaining. Times are minimum / median.
python="${CAPILLARY_XGBOOST_PYTHON:-/usr/bin/python3}"
if "$python" -c 'import xgboost' 2>/dev/null; then
  echo; echo "| table | trees x depth | threads | capillary | XGBoost $("$python" -c 'import xgboost; print(xgboost.__version__)') | times XGBoost | of its processor time |"; echo "|---|---|---|---|---|---|---|"
  CAPILLARY_XGBOOST_PYTHON="$python" go test -run '^$' -bench AgainstXGBoost -benchtime 1x ./internal/insight/boost | grep '^|'
else
  echo "bench: $python has no xgboost (apt-get install python3-xgboost, or name another with CAPILLARY_XGBOOST_PYTHON): training beside XGBoost is left out" >&2
fi
echo; echo "| 100 trees of depth 5, 23 columns, one core | figure |"; echo "|---|---|"
go test -run '^$' -bench 'Predict' -benchtime 2000x ./internal/insight/boost | awk '/^BenchmarkPredict/{split($1,n,"/"); gsub("_"," ",n[2]); sub("-[0-9]+$","",n[2]); for(i=3;i<NF;i+=2) f[$(i+1)]=$i; if (n[2] ~ /,/) printf "| %s | %.1f us |\n", n[2], f["ns/op"]/1e3; else printf "| %s, in batch, a row | %.2f us, least %.2f us |\n", n[2], f["ns/row"]/1e3, f["least-ns/row"]/1e3}'
# Close of business, on engines that sync their commits. CAPILLARY_BENCH_LOANS and CAPILLARY_BENCH_DAYS choose ("1000,100000,1000000", "1,7,30,100,300,700").
eval "$(CAPILLARY_TESTPG_DURABLE=1 scripts/testpg.sh env)"
CAPILLARY_BENCH_POSTGRES="$CAPILLARY_TEST_POSTGRES" CAPILLARY_TEST_POSTGRES="" go test -run '^$' -bench Close -benchtime 1x -timeout 120m ./internal/lending/eod | scripts/bench-eod.awk
CAPILLARY_TESTPG_DURABLE=1 scripts/testpg.sh stop
# Postings against the bare insert of their rows, every commit synced: a PostgreSQL of its own.
echo; echo "| engine | clients | request | postings/s | p50 ms | p99 ms | postings per commit | floor/s | ratio |"; echo "|---|---|---|---|---|---|---|---|---|"
durable=(env CAPILLARY_TESTPG_DURABLE=1 CAPILLARY_TESTPG_DIR="${TMPDIR:-/tmp}/capillary-benchpg-$(id -u)")
eval "$("${durable[@]}" scripts/testpg.sh env)"
CAPILLARY_BENCH_SECONDS="${SECONDS_PER_CELL:-5}" go test -run '^$' -bench 'Posting$' -benchtime 1x ./internal/ledger/writer 2>&1 | grep '^|'
echo; echo "| engine | clients | request | postings/s | p50 ms | p99 ms |"; echo "|---|---|---|---|---|---|"
CAPILLARY_BENCH_SECONDS="${SECONDS_PER_CELL:-5}" go test -run '^$' -bench PostingOverHTTP -benchtime 1x ./internal/ledger/writer 2>&1 | grep '^|'
"${durable[@]}" scripts/testpg.sh stop
