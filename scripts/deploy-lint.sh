#!/usr/bin/env bash
# Checks the deployment files with what the machine has: systemd-analyze for the unit, helm (built from its
# module) for the chart, docker compose config when the plugin is there, and BuildKit's parser for the Dockerfile.
set -euo pipefail
cd "$(dirname "$0")/.."
if command -v systemd-analyze >/dev/null; then
  tmp="$(mktemp -d)"; sed 's#/usr/local/bin/capillary#/bin/true#' deploy/systemd/capillary.service >"$tmp/capillary.service"
  systemd-analyze verify "$tmp/capillary.service" && echo "systemd unit: ok"; rm -rf "$tmp"
else echo "systemd unit: skipped, systemd-analyze is not here"; fi
go run helm.sh/helm/v3/cmd/helm@v3.18.6 lint deploy/helm/capillary
if docker compose version >/dev/null 2>&1; then
  docker compose -f deploy/compose.yaml config -q && echo "compose: ok"
else echo "compose: skipped, the docker compose plugin is not here"; fi
if docker buildx version >/dev/null 2>&1; then
  docker buildx build --check -f deploy/Dockerfile . && echo "Dockerfile: ok"
else echo "Dockerfile: skipped, docker buildx is not here"; fi
