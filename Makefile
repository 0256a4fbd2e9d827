SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
GO ?= go
BIN := bin/capillary
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X github.com/capillary-finance/capillary/internal/app.Version=$(VERSION)
GOLANGCI_VERSION := v2.15.0
CONSOLE := internal/app/console/dist
DATA ?= ./data
PORT ?= 8080

.PHONY: help run build web test test-go test-web test-e2e lint fmt bench nightly clean font openapi types deploy-lint

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sort | awk 'BEGIN{FS=":.*## "}{printf "  %-12s %s\n",$$1,$$2}'

run: build ## build console and binary, start with demonstration data under ./data, do the main job, print URL and logins
	./$(BIN) demo --data $(DATA) --port $(PORT)

build: $(CONSOLE)/index.html ## build the console and the binary
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/capillary

WEB_SOURCES := $(shell find web -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)

$(CONSOLE)/index.html: $(WEB_SOURCES)
	scripts/web.sh build

web: ## build the console alone
	scripts/web.sh build

test: ## everything: Go tests with -race on SQLite and PostgreSQL, console checks, browser tests
	scripts/test.sh

test-go: ## Go tests with -race on both databases
	scripts/test.sh go

test-web: ## console: types, unit tests, size budget
	scripts/test.sh web

test-e2e: ## browser tests in headless Chromium
	scripts/test.sh e2e

lint: ## golangci-lint v2 with the floors (depguard)
	scripts/test.sh lint

fmt: ## format Go code
	gofmt -w cmd internal products

bench: build ## measure; prints ratios against a baseline of the same minute
	scripts/bench.sh

nightly: ## long campaigns: crash, fuzz, races
	scripts/nightly.sh

openapi: build ## write docs/openapi.json
	./$(BIN) openapi > docs/openapi.json

types: openapi ## regenerate the console's types from the OpenAPI document
	$(GO) run ./cmd/tsgen -in docs/openapi.json -out web/src/api/schema.d.ts

font: ## rebuild the document font from Debian's Noto CJK (needs fonttools)
	python3 scripts/make-font.py

deploy-lint: ## check Dockerfile, compose, systemd and Helm files
	scripts/deploy-lint.sh

clean: ## remove what was built
	rm -rf bin $(CONSOLE) web/node_modules web/dist
