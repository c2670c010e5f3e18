# `make` alone builds bin/hactl. `make demo` and `make test` do all set-up that
# they need on a fresh Debian 12 with Go, as root.
LAB   := test/e2e/nslab/lab.sh
VMLAB := test/e2e/vmlab/lab.sh
NODES ?= 3
VMS   ?= 2
# Packages whose tests are end-to-end; everything else is fast and needs no root. test/e2e/vm runs on virtual machines.
E2E   := $(shell go list ./test/e2e/... 2>/dev/null | grep -v '/test/e2e/vm$$')
UNIT  := $(shell go list ./... 2>/dev/null | grep -v /test/e2e)

.PHONY: build test unit cc drbdadm git promtool screenshots e2e e2e-vm e2e-vm-short vmlab vmlab-up vmlab-down recordings lint corpus bench bench-vm demo lab-up lab-down schema agents fuzz clean

build:
	go build -trimpath -o bin/hactl ./cmd/hactl

# Everything that must pass: unit, property and script tests, then the real daemons in the namespace lab, then a short run on real kernels.
test: build unit e2e e2e-vm-short

# The race detector makes the proofs of the CIB's layer over hundreds of real CIBs ten times slower: with it they are a sample.
unit: cc drbdadm git promtool
	go test -race $(filter-out %/drivers/cib,$(UNIT))
	go test -race -short ./drivers/cib
	go test ./drivers/cib

# The race detector needs a C compiler.
cc:
	@command -v gcc >/dev/null && test -e /usr/include/stdlib.h || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends gcc libc6-dev; }

# Git sources are tested with real servers: git's own over HTTP, and sshd. Nothing is started or enabled on this machine.
git:
	@command -v git >/dev/null && command -v ssh-keygen >/dev/null && test -x /usr/sbin/sshd || $(LAB) install git

# What drbd.conf may say is asked of drbdadm itself. It needs no kernel module here, and nothing is started or enabled.
drbdadm:
	@command -v drbdadm >/dev/null || $(LAB) install drbdadm

# Tests in the lab mostly wait, and each has a lab of its own.
e2e: build
	$(LAB) install peers
	$(LAB) install browser
	HACTL_E2E=require HACTL_BIN=$(CURDIR)/bin/hactl go test -timeout 45m -p 1 -parallel 3 $(E2E)

# docs/watch-*.png, made anew from the page of simulated clusters in a headless Chromium.
screenshots:
	$(LAB) install browser
	HACTL_E2E=require HACTL_SCREENSHOTS=1 go test -count=1 ./test/e2e/web

# The alert rules of examples/watch, asked of Prometheus' own checker. Nothing is started or enabled on this machine.
promtool:
	@command -v promtool >/dev/null || $(LAB) install promtool

# The storage scenarios on virtual machines: all of them, or those that are short.
e2e-vm: build vmlab
	HACTL_E2E=require HACTL_BIN=$(CURDIR)/bin/hactl go test -timeout 90m -count=1 ./test/e2e/vm

e2e-vm-short: build vmlab
	HACTL_E2E=require HACTL_BIN=$(CURDIR)/bin/hactl go test -timeout 20m -count=1 -run '^TestShort' ./test/e2e/vm

# What virtual machines need: packages, and the guests' image, which is built once and kept outside the tree.
vmlab:
	$(VMLAB) install
	$(VMLAB) image

# Import, render and plan proved on real CIBs, with the counts; CORPUS names another folder of them.
corpus:
	HACTL_CORPUS=$(CORPUS) go test -count=1 -v -run 'TestCorpus$$|TestReactionsCorpus$$' ./drivers/cib

lint:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "gofmt would change:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	go vet ./...
	golangci-lint run ./...

# Both sides of each claim in one run, with ratios; needs pcs and crmsh as peers.
bench: build
	$(LAB) install peers
	HACTL_E2E=require HACTL_BIN=$(CURDIR)/bin/hactl go test -timeout 40m -run '^$$' -bench . -benchtime 1x -p 1 ./test/e2e/bench

# The same on virtual machines: S1 with its storage against the commands typed by hand, and what a plan costs.
bench-vm: build vmlab
	HACTL_E2E=require HACTL_BIN=$(CURDIR)/bin/hactl go test -timeout 60m -count=1 -run '^$$' -bench . -benchtime 1x ./test/e2e/vm

# The main job on a lab that stays up: bare nodes to a fenced cluster that serves a page.
demo: build
	test/e2e/demo.sh

lab-up:
	$(LAB) install
	$(LAB) up $(NODES)
	$(LAB) status

lab-down:
	$(LAB) down

vmlab-up: vmlab
	$(VMLAB) up $(VMS)
	$(VMLAB) status

vmlab-down:
	$(VMLAB) down

# drivers/*/testdata/recorded: what the storage tools print in every state that a driver must know, made anew in virtual machines.
recordings: vmlab
	test/e2e/vmlab/recordings/all.sh

# The JSON Schema and docs/reference.md, after a change of the types in api/v1 or of their comments.
schema:
	go generate ./schemas

# The agents' metadata of Debian 12, read anew: a Debian in AGENTS_ROOT with every package that has agents. Needs root, 3 GB and debootstrap.
AGENTS_ROOT ?= /var/tmp/hactl-agents/root
agents:
	schemas/agents/gen/root.sh $(AGENTS_ROOT)
	go run ./schemas/agents/gen -root $(AGENTS_ROOT) -o schemas/agents/agents.jsonl
	go generate ./schemas

fuzz:
	go test -run '^$$' -fuzz FuzzLoad -fuzztime 2m ./api/v1
	go test -run '^$$' -fuzz FuzzExpression -fuzztime 1m ./api/v1
	go test -run '^$$' -fuzz FuzzImport -fuzztime 2m ./drivers/cib

clean:
	rm -rf bin
