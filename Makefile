# fiord's commands. `make` alone lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# Every module of the workspace, as paths from here.
MODULES = $(shell go list -m -f '{{.Dir}}' | sed 's|^$(CURDIR)/||')

# Options for the go command's test runs, e.g. TEST_FLAGS='-run Push -count 5'.
TEST_FLAGS ?=
# How long each fuzz target runs, and which: make fuzz FUZZ=Webhook FUZZTIME=5m
FUZZTIME ?= 20s
FUZZ ?= .
# How long random jobs are tried against the guard, and in how many sandboxes at once.
DURATION ?= 1h
WORKERS ?= 4
GUARD = host/guard
# Which benchmarks run, and how often: make bench BENCH=Publish COUNT=10
BENCH ?= .
COUNT ?= 1
# How many pairs of fiord and bare fio, and how long each runs. 20 are judged.
FIDELITY_PAIRS ?= 20
FIDELITY_RUNTIME ?= 10s
# How many scale makes of everything.
HOSTS ?= 1000
BENCHES ?= 500
RUNS ?= 10000
# How many simulated histories are behind each figure of the guide on verdicts.
HISTORIES ?= 2000
# How hard chaos tries.
KILLS ?= 50
STORIES ?= 200
RACES ?= 20000
# How long NATS and S3 are away.
OUTAGE ?= 1h

.PHONY: help
help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Install what is missing on this machine for everything below
	@scripts/setup test

.PHONY: build
build: ## Build every command into bin/
	@CGO_ENABLED=0 go build -trimpath -o bin/ work

.PHONY: demo
demo: ## From a git push to plots on a page, on this machine
	@scripts/setup demo
	@scripts/demo

.PHONY: test
test: setup ## Set up, and run all tests
	@GOWORK=off go build -C tools -o ../bin/testsum ./testsum
	@go test -json -timeout 25m $(TEST_FLAGS) work | bin/testsum

.PHONY: check
check: ## Everything that CI checks; the tests come last
	@for step in fmt-check vet alone generate-check tidy-check tools-test lint test; do \
	  echo "== $$step"; $(MAKE) --no-print-directory $$step; done

.PHONY: fmt
fmt: ## Format the code
	@gofmt -w $(MODULES) tools

.PHONY: fmt-check
fmt-check:
	@files=$$(gofmt -l $(MODULES) tools); if [[ -n $$files ]]; then echo "not formatted (make fmt):"; echo "$$files"; exit 1; fi

.PHONY: vet
vet:
	@go vet work

bin/golangci-lint: tools/go.mod tools/go.sum
	@echo "building golangci-lint (once, takes minutes)"
	@GOWORK=off go -C tools build -o ../bin/ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	@touch $@

.PHONY: lint
lint: bin/golangci-lint ## Run the linters of .golangci.yml
	@bin/golangci-lint run $(addprefix ./,$(addsuffix /...,$(MODULES)))

.PHONY: generate
generate: ## Regenerate schemas, the AsyncAPI document and tables in READMEs
	@go generate work

.PHONY: generate-check
generate-check:
	@scripts/unchanged $(MAKE) --no-print-directory generate

.PHONY: tidy
tidy: ## Tidy every module, and agree on the versions of dependencies
	@go work sync
	@for module in $(MODULES) tools; do GOWORK=off go -C $$module mod tidy; done

.PHONY: tidy-check
tidy-check:
	@scripts/unchanged $(MAKE) --no-print-directory tidy

.PHONY: alone
alone: # every module builds without the workspace, as its users will build it
	@for module in $(MODULES); do GOWORK=off go -C $$module build -o /dev/null ./...; done

.PHONY: tools-test
tools-test:
	@GOWORK=off go -C tools vet ./testsum
	@GOWORK=off go -C tools test ./testsum

.PHONY: race
race: setup ## Run all tests under the race detector
	@go test -race $(TEST_FLAGS) work

.PHONY: fuzz
fuzz: ## Fuzz each target for FUZZTIME
	@scripts/fuzz '$(FUZZ)' '$(FUZZTIME)'

.PHONY: fuzz-guard
fuzz-guard: setup ## Try random jobs against the guard and fio itself, for DURATION with WORKERS
	@nice -n 19 go test -v -count=1 -timeout 0 -run FioDoesNothing ./$(GUARD)/differential \
	  -differential.seed 0 -differential.for $(DURATION) -differential.workers $(WORKERS) -differential.keep $(CURDIR)/$(GUARD)/differential/testdata/found

.PHONY: bench
bench: setup ## Measure: every benchmark, one package at a time
	@go test -p 1 -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) \
	  $$(git grep -l '^func Benchmark' -- '*_test.go' | xargs -n 1 dirname | sort -u | sed 's|^|./|')

.PHONY: integration
integration: setup ## Run the whole-system tests alone
	@go test -count=1 $(TEST_FLAGS) ./integration/...

.PHONY: chaos
chaos: setup ## Kill services and race ends at random moments and play random histories, KILLS, RACES and STORIES times
	@FIORD_TEST_KILLS=$(KILLS) go test -v -count=1 -timeout 2h -run Killed ./services/bench
	@go test -v -count=1 -timeout 2h -run Interleavings ./internal/bus -interleavings $(RACES)
	@go test -v -count=1 -timeout 2h -run EveryHead ./services/ingest -ingest.seed 0 -ingest.stories $(STORIES)
	@go test -v -count=1 -timeout 2h -run RandomInterleavings ./integration/choreography -choreography.seed 0 -choreography.benches 500
	@go test -v -count=1 -timeout 2h ./integration/chaos -chaos.kills $(KILLS)

.PHONY: outage
outage: setup ## Take NATS and S3 away from workers that measure, for OUTAGE
	@go test -v -count=1 -timeout 24h ./integration/outage -outage.for $(OUTAGE)

.PHONY: scale
scale: setup ## Measure with HOSTS hosts, BENCHES benches at once and one of RUNS runs: hours on two cores
	@go test -v -count=1 -timeout 12h ./integration/scale -scale.hosts $(HOSTS) -scale.benches $(BENCHES) -scale.runs $(RUNS) \
	  -scale.patience 11h

.PHONY: fidelity
fidelity: setup ## Compare what fiord measures with bare fio: half an hour on a quiet machine
	@go test -v -count=1 -timeout 6h -run FiordMeasures ./integration/fidelity \
	  -fidelity.pairs $(FIDELITY_PAIRS) -fidelity.runtime $(FIDELITY_RUNTIME)

.PHONY: compare-inventory
compare-inventory: ## Ask Ansible's own aws_ec2 plugin, on a moto server, what it makes of the test configurations
	@scripts/compare-inventory

.PHONY: simulate
simulate: ## Simulate verdicts from HISTORIES histories a figure, and write the tables of docs/guides/verdicts.md
	@go test -v -count=1 -timeout 6h ./verdict/simulate -simulate.histories $(HISTORIES) -simulate.write

.PHONY: images
images: build ## Build the container images: fio of two Debian suites, one per program, and the drop-in
	@deploy/images/fio/build bookworm
	@deploy/images/fio/build trixie
	@deploy/images/service/build
	@deploy/images/dropin/build

.PHONY: release
release: ## Make a tree with tags instead of replaces: make release VERSION=v0.1.0 OUT=dir
	@scripts/release '$(VERSION)' '$(OUT)'

.PHONY: clean
clean: ## Remove what was built, and the demo's data
	@rm -rf bin .fiord .fiord-demo .fiord-fleet dist
