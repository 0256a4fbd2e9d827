#!/usr/bin/env bash
# Installs the console's packages from the lock file and builds or checks it.
#   scripts/web.sh build|check
set -euo pipefail
cd "$(dirname "$0")/../web"
stamp=node_modules/.installed
if [ ! -f "$stamp" ] || [ package-lock.json -nt "$stamp" ]; then
  npm ci --ignore-scripts --no-audit --no-fund
  touch "$stamp"
fi
case "${1:-build}" in
  build) npm run --silent build ;;
  check) npm run --silent check ;;
  *) sed -n 2,3p "$0"; exit 2 ;;
esac
