#!/usr/bin/env bash
# The long campaigns: the bars of docs/reliability.md in their long forms, the seeded bugs, fuzzing of every
# decoder, the crash and race stories many times; the deployment files.
#   FUZZ_SECONDS=300 COUNT=20 scripts/nightly.sh
#   scripts/nightly.sh bars          the bars and the seeded bugs alone; sizes by the variables in docs/reliability.md
set -euo pipefail
cd "$(dirname "$0")/.."
eval "$(scripts/testpg.sh env)"
bars() {
  echo "== the bars of docs/reliability.md, long"
  CI=true CAPILLARY_LONG=1 go test -count=1 -timeout 12h ./internal/reliability
  CI=true CAPILLARY_LONG=1 go test -count=1 -timeout 2h -run 'TenCases' ./internal/app
  CI=true CAPILLARY_LONG=1 go test -count=1 -timeout 2h -run 'OutboxBar' ./internal/platform/event
  CI=true CAPILLARY_LONG=1 go test -count=1 -timeout 2h -run 'FlippedBit' ./internal/ledger/journal
  echo "== seeded bugs"
  scripts/canaries.sh
}
if [ "${1:-}" = bars ]; then bars; exit 0; fi
scripts/deploy-lint.sh
bars
seconds="${FUZZ_SECONDS:-300}"; count="${COUNT:-20}"
grep -rlE '^func Fuzz' --include='*_test.go' internal | while read -r f; do
  pkg="./$(dirname "$f")"
  grep -oE '^func (Fuzz[A-Za-z0-9_]+)' "$f" | awk '{print $2}' | while read -r target; do
    echo "== fuzz $target in $pkg for ${seconds}s"
    go test "$pkg" -run '^$' -fuzz "^$target\$" -fuzztime "${seconds}s"
  done
done
echo "== crash, race and concurrency stories, $count times"
# shellcheck disable=SC2046
CI=true CAPILLARY_LONG=1 go test -race -count="$count" -timeout 6h -run 'Kill|Crash|Concurren|Race|Twice|DoubleClick|Tamper' $(go list ./... | grep -v /internal/reliability)
