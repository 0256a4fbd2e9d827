#!/usr/bin/env bash
# Checks the deployment files without a container engine: systemd-analyze for the unit, helm (built from its module) for the
# chart, BuildKit's linter and compose's loader (scripts/deploylint, a module of its own) for the Dockerfile and the compose file.
set -euo pipefail
cd "$(dirname "$0")/.."
if command -v systemd-analyze >/dev/null; then
  tmp="$(mktemp -d)"; sed 's#/usr/local/bin/capillary#/bin/true#' deploy/systemd/capillary.service >"$tmp/capillary.service"
  systemd-analyze verify "$tmp/capillary.service" && echo "systemd unit: ok"; rm -rf "$tmp"
else echo "systemd unit: skipped, systemd-analyze is not here"; fi
(cd scripts/deploylint && go run . ../.. ../../deploy/Dockerfile ../../deploy/compose.yaml)
go run helm.sh/helm/v3/cmd/helm@v3.18.6 lint deploy/helm/capillary
