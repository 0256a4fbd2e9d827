#!/usr/bin/env bash
# Runs the checks; with no argument, all of them. Installs what it needs from Debian packages and the Go and
# npm registries: a private PostgreSQL, Chromium with Chinese fonts, nats-server, poppler.
#   scripts/test.sh [lint|go|web|e2e ...]
set -euo pipefail
cd "$(dirname "$0")/.."
parts=("$@"); [ ${#parts[@]} -gt 0 ] || parts=(web go e2e lint)
export CI="${CI:-}"
# Tests on public data sets run when the folder is there, beside the checkout or named by the variable.
if [ -z "${CAPILLARY_TEST_DATA:-}" ] && [ -d ../shared/data ]; then CAPILLARY_TEST_DATA="$(cd ../shared/data && pwd)"; export CAPILLARY_TEST_DATA; fi
if [ -z "${CAPILLARY_TEST_VECTORS:-}" ] && [ -d ../shared/vectors ]; then CAPILLARY_TEST_VECTORS="$(cd ../shared/vectors && pwd)"; export CAPILLARY_TEST_VECTORS; fi
say() { printf '\n== %s (%s)\n' "$*" "$(date +%T)"; }

need() { # need COMMAND PACKAGE...: installs the packages when the command is missing
  local cmd="$1"; shift
  command -v "$cmd" >/dev/null 2>&1 && return 0
  say "installing $*"
  local sudo=""; [ "$(id -u)" = 0 ] || sudo=sudo
  [ -n "${apt_updated:-}" ] || { $sudo apt-get update -qq; apt_updated=1; }
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

run_lint() {
  say "lint"
  local version; version="$(sed -n 's/^GOLANGCI_VERSION := //p' Makefile)"
  local gobin="${GOLANGCI_BIN:-$(go env GOPATH)/bin/golangci-lint-$version}"
  if [ ! -x "$gobin" ]; then
    local tmp; tmp="$(mktemp -d)"
    GOBIN="$tmp" go install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$version"
    mkdir -p "$(dirname "$gobin")"; mv "$tmp/golangci-lint" "$gobin"; rmdir "$tmp"
  fi
  "$gobin" run ./...
}

run_web() {
  say "console: install, types, unit tests, build, size budget"
  scripts/web.sh check
  scripts/web.sh build
}

run_go() {
  say "Go: vet and tests with -race on SQLite and PostgreSQL"
  need nats-server nats-server
  need pdftoppm poppler-utils
  eval "$(scripts/testpg.sh env)"
  go vet ./...
  # Browser tests have a part of their own.
  local pkgs; pkgs="$(go list ./... | grep -v /internal/e2e)"
  # shellcheck disable=SC2086
  CI=true go test -race -timeout 20m $pkgs
  # The main job twice over, and the real data sets, without the race detector (with it the embedded database takes minutes more).
  CI=true go test -timeout 15m -run 'InstitutionsNeverMix|TenCases' ./internal/app
  # The bars of docs/reliability.md in their short forms, likewise.
  CI=true go test -timeout 15m ./internal/reliability
  CI=true go test -timeout 15m -run 'FlippedBit|KillMinusNine|ManyDays|CaughtUpInline|CrashesChange' ./internal/ledger/journal ./internal/lending/receipt ./internal/lending/eod
  # shellcheck disable=SC2046
  CI=true go test -timeout 15m $(grep -rl testkit/cumcm --include='*_test.go' internal | xargs -n1 dirname | sort -u | sed 's#^#./#')
}

run_e2e() {
  say "browser tests"
  need chromium chromium fonts-noto-cjk
  dpkg -s fonts-noto-cjk >/dev/null 2>&1 || need no-such-command fonts-noto-cjk
  [ -f internal/app/console/dist/index.html ] || scripts/web.sh build
  CGO_ENABLED=0 go build -trimpath -o bin/capillary ./cmd/capillary
  CAPILLARY_E2E=1 CAPILLARY_BIN="$PWD/bin/capillary" go test -timeout 15m -count=1 ./internal/e2e/...
}

for p in "${parts[@]}"; do
  case "$p" in
    lint) run_lint ;; go) run_go ;; web) run_web ;; e2e) run_e2e ;;
    *) sed -n 2,5p "$0"; exit 2 ;;
  esac
done
say "all green: ${parts[*]}"
