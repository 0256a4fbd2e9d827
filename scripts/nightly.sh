#!/usr/bin/env bash
# The long campaigns: fuzz every decoder, repeat the crash and race stories many times; the deployment files.
#   FUZZ_SECONDS=300 COUNT=20 scripts/nightly.sh
set -euo pipefail
cd "$(dirname "$0")/.."
eval "$(scripts/testpg.sh env)"
scripts/deploy-lint.sh
seconds="${FUZZ_SECONDS:-300}"; count="${COUNT:-20}"
grep -rlE '^func Fuzz' --include='*_test.go' internal | while read -r f; do
  pkg="./$(dirname "$f")"
  grep -oE '^func (Fuzz[A-Za-z0-9_]+)' "$f" | awk '{print $2}' | while read -r target; do
    echo "== fuzz $target in $pkg for ${seconds}s"
    go test "$pkg" -run '^$' -fuzz "^$target\$" -fuzztime "${seconds}s"
  done
done
echo "== crash, race and concurrency stories, $count times"
CI=true CAPILLARY_LONG=1 go test -race -count="$count" -timeout 6h -run 'Kill|Crash|Concurren|Race|Twice|DoubleClick|Tamper' ./...
