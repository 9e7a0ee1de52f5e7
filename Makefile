# Hubbub: two commands do everything on a fresh machine.
#
#   make run     build the release and start it, with demo data      http://127.0.0.1:3000
#   make test    everything: format, lints, unit, property, store, socket and browser tests
#
#   make dev     rebuild and reload while you edit
#   make build   target/release/hubbub and target/site
#   make lint, make unit, make end2end   the parts of make test
#   make bench   numbers, beside a plain axum server and raw SQLite; BENCH="--quick" for a short run
#   make seen    how long until another browser shows what was acknowledged, and whether a page grows; part of a bench of
#                everything
#   make soak    many clients behind breaking lines, writers, a redeployment; SOAK="--clients 100"
#                and orders on their way while the server is killed; ORDER_SOAK="--orders 200 --seed 7"
#   make hostile strangers who do what a server has to bear, while two people talk; HOSTILE="--each 5"
#   make fuzz    each fuzz target for FUZZ_SECONDS (60); needs a nightly compiler
#   make setup   only fetch the tools (each target does what it needs by itself)

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/.tools/bin:$(CURDIR)/end2end/node_modules/.bin:$(PATH)

.PHONY: help run dev build bench seen soak hostile fuzz test setup setup-test lint unit end2end clean

help:
	@sed -n '3,18s/^# \{0,1\}//p' Makefile

setup:
	@scripts/setup build

setup-test:
	@scripts/setup test

build: setup
	@scripts/step "Building the release (the first time takes several minutes)" \
		scripts/build
	@scripts/sizes

run: build
	@HUBBUB_DEMO=$${HUBBUB_DEMO:-true} exec target/release/hubbub

dev: setup
	@HUBBUB_DEMO=$${HUBBUB_DEMO:-true} cargo leptos watch

bench: build
	@scripts/step "Building the load generator" cargo build --quiet --release -p bench
	@scripts/step "Numbers, beside a plain axum broadcast server and raw SQLite" target/release/bench $(BENCH)
	@$(if $(BENCH),,$(MAKE) --no-print-directory seen)

seen: setup-test build
	@cd end2end && ../scripts/step "From acknowledged to seen in another browser, and what a page holds" \
		npx --no-install playwright test --config measure

soak: build
	@scripts/step "Building the load generator" cargo build --quiet --release -p bench
	@scripts/step "Soaking" target/release/bench soak $(SOAK)
	@scripts/step "Soaking with orders" target/release/bench order-soak $(ORDER_SOAK)

hostile: build
	@scripts/step "Building the load generator" cargo build --quiet --release -p bench
	@scripts/step "Strangers of every kind" target/release/bench hostile $(HOSTILE)

fuzz:
	@scripts/fuzz

lint:
	@scripts/step "Checking the format" cargo fmt --all --check
	@scripts/step "Lints, server side" cargo clippy --workspace --exclude frontend --all-targets -- -D warnings
	@scripts/step "Lints, browser side" \
		cargo clippy -p frontend --target wasm32-unknown-unknown -- -D warnings

unit:
	@scripts/step "Tests in Rust" cargo nextest run --workspace --exclude frontend --features domain/schema

end2end: build
	@cd end2end && ../scripts/step "Types of the browser tests" npx --no-install tsc --noEmit
	@cd end2end && ../scripts/step "Tests in a browser" npx --no-install playwright test

test: setup-test
	@$(MAKE) --no-print-directory lint unit end2end
	@echo; echo "All of it passed."

clean:
	cargo clean
