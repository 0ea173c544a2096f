# `make` prints the targets.
SHELL := /bin/bash
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
NPM_CI := npm ci --ignore-scripts --no-audit --no-fund --loglevel=error

.PHONY: help run build test unit lint web editor e2e fuzz bench bench-flow pages-speed lists-speed conformance torture cross deb audit clean

help: ## print the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | column -t -s $$'\t'

run: build ## build everything and start the cloud side with its data in ./data
	./bin/tsunagi serve --data ./data

build: web editor ## build pages, editor and bin/tsunagi
	VERSION=$(VERSION) scripts/go-build bin/tsunagi

test: ## all that must hold before a change lands; installs what it needs
	@scripts/test

unit: ## Go tests alone, without pages and without npm
	go test -tags no_ui ./...

lint: ## gofmt, go vet, staticcheck, and golangci-lint where it is installed
	@scripts/lint

web: web/panel/dist/index.html ## build the panel's pages

editor: web/editor/dist/editor.pack ## pack Node-RED's editor

web/panel/node_modules/.package-lock.json: web/panel/package.json web/panel/package-lock.json
	cd web/panel && $(NPM_CI)
	@touch $@

web/panel/dist/index.html: web/panel/node_modules/.package-lock.json $(shell find web/panel web/locales -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)
	cd web/panel && npm run --silent build

web/editor/node_modules/.package-lock.json: web/editor/package.json web/editor/package-lock.json
	cd web/editor && $(NPM_CI) --omit=optional
	@touch $@

web/editor/dist/editor.pack: web/editor/node_modules/.package-lock.json $(wildcard web/editor/pack/*.go)
	go run ./web/editor/pack

e2e: build ## the how-to, step by step, in Chromium with real clients
	@scripts/e2e

fuzz: ## every fuzz target, FUZZTIME each (default 30s)
	@scripts/fuzz

bench: build ## our broker and Debian's mosquitto in turn, our flows and Node-RED's, as ratios
	./bin/tsunagi bench compare
	@$(MAKE) --no-print-directory bench-flow

bench-flow: build ## our flow runtime and the real Node-RED on the same flows; NODE_RED, ROWS, ROUNDS
	@red="$$(scripts/node-red)" || echo "Node-RED can't be installed here: only our own figures are shown"; \
	NODE_RED="$$red" go run -tags no_ui ./internal/bench/flowbench -only "$(ROWS)" -rounds $(or $(ROUNDS),1)

pages-speed: build ## how long each page keeps the main thread busy with long lists behind it; PAGES, ROUNDS
	@[ e2e/node_modules/.package-lock.json -nt e2e/package-lock.json ] || npm ci --prefix e2e --ignore-scripts --no-audit --no-fund --loglevel=error
	@cd e2e && ROUNDS=$(or $(ROUNDS),3) node speed/pages.mjs $(PAGES)

lists-speed: build ## what a million lines of log, 100,000 users and 10,000 connections cost the server; TIMES, SCALE
	@[ e2e/node_modules/.package-lock.json -nt e2e/package-lock.json ] || npm ci --prefix e2e --ignore-scripts --no-audit --no-fund --loglevel=error
	@cd e2e && TIMES=$(or $(TIMES),10) SCALE=$(or $(SCALE),1) node speed/lists.mjs

conformance: ## MQTT cases on our broker, or on any with ADDR=host:port
	CONFORMANCE_ADDR=$(ADDR) go test -tags no_ui -count=1 -v ./conformance/... -args $(if $(ADDR),,-every -write-page)

torture: build ## long: kill -9 loops, full disk, power loss
	@scripts/torture

cross: web editor ## build for linux arm64, armv7, armv6 and riscv64 into bin/cross, 45 MB at most
	@scripts/cross

deb: web editor ## Debian packages for amd64, arm64 and armhf into bin/deb
	@scripts/deb

audit: ## known vulnerabilities in what we build from
	go run golang.org/x/vuln/cmd/govulncheck@v1.9.0 -tags no_ui ./...

clean: ## remove what was built, not the data
	rm -rf bin web/panel/dist web/panel/node_modules web/editor/dist web/editor/node_modules
