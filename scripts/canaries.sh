#!/usr/bin/env bash
# Seeds one bug after another (internal/base/canary) and expects the tests to find each: a bug that no test finds
# is the failure. First the same tests must pass without a bug.
#   scripts/canaries.sh              all of them
#   scripts/canaries.sh double_pay   one
set -euo pipefail
cd "$(dirname "$0")/.."
eval "$(scripts/testpg.sh env)"
module=github.com/capillary-finance/capillary/internal
# bug | package | tests that must find it
table='
double_pay|reliability|TestEachReferenceIsPaidOnce
late_value_date|reliability|TestSimulationAgreesWithTheOracle
lost_rounding|reliability|TestSimulationAgreesWithTheOracle
skip_limit|reliability|TestNoLineIsOverdrawn
lost_release|reliability|TestSimulationAgreesWithTheOracle
skip_audit|reliability|TestSimulationAgreesWithTheOracle
skip_event|reliability|TestKillMinusNineLosesNoAcknowledgement
sqlite_normal|reliability|TestPowerLossLosesNoAcknowledgement
skip_lock|reliability|TestTheTenAnomaliesDoNotHappen
torn_reads|reliability|TestTheTenAnomaliesDoNotHappen
key_not_marked|app|TestTenCasesOfRepeatedRequests
replayed_failure|reliability|TestFailEveryCallOfTheCoreFlows
lost_letter|platform/event|TestAPoisonEventDelaysNobodyElseAndEndsAsADeadLetter
blind_verify|reliability|TestBitRotIsFound
fatal_outage|platform/job|TestAnOutageOfTheDatabaseIsTriedAgain
blind_outbox|platform/event|TestADamagedEventReachesNobody
queue_jump|platform/event|TestAPoisonEventDelaysNobodyElseAndEndsAsADeadLetter
held_is_free|ledger/writer|TestWhatIsHeldIsNotAvailable
open_books|ledger/period|TestAClosedMonthTakesNoEntry
fx_forgets|ledger/fx|TestAYearEndWithDollars
own_approval|ledger/period|TestAClosedMonthTakesNoEntry
kept_reversal|lending/loan|TestAReversedRepaymentLeavesNoTrace
stolen_lease|lending/eod|TestALeaseRunsOut
twice_arrived|lending/receipt|TestCollectedMoneyIsRecognised
spent_room|credit/facility|TestReleaseGivesRoomBackOnlyWhenRevolving
'
export CAPILLARY_SIM_OPS="${CAPILLARY_SIM_OPS:-1500}"
run() { # run BUG PACKAGE TEST
  go test -count=1 -timeout 10m -tags canary -ldflags "-X $module/base/canary.name=$1" -run "^$3\$" "./internal/$2" 2>&1
}
missed=()
only="${1:-}"
if [ -z "$only" ]; then
  echo "== without a bug"
  while IFS='|' read -r _ package test; do
    [ -n "$package" ] || continue
    out="$(run none "$package" "$test")" || { echo "$out" | tail -30; echo "$test fails without a bug"; exit 1; }
  done < <(echo "$table" | sort -t'|' -u -k2)
fi
while IFS='|' read -r bug package test; do
  [ -n "$bug" ] || continue
  [ -z "$only" ] || [ "$only" = "$bug" ] || continue
  if out="$(run "$bug" "$package" "$test")"; then
    echo "MISSED  $bug: $test passes with it"; missed+=("$bug")
  elif grep -q -- '--- FAIL' <<<"$out"; then
    echo "found   $bug by $test"
  else
    echo "$out" | tail -20; echo "BROKEN  $bug: the test did not run"; missed+=("$bug")
  fi
done <<<"$table"
[ ${#missed[@]} -eq 0 ] || { echo "not found: ${missed[*]}"; exit 1; }
