# Two commands matter: `make run` starts the product, `make test` passes the tests. `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup setup-service setup-test run transcribe test test-web check lint types lint-web lint-ops bench accuracy load chaos mutate stack-test golden openapi clean

BIN := .venv/bin
SONG ?= demo/demo.flac
OUT ?= out
HOST ?= 127.0.0.1
PORT ?= 8000
WEB_PORT ?= 3000
DATA ?= data
ARGS ?=

# Tools keep what they download inside .venv, so that nothing depends on a home folder
export PYRIGHT_PYTHON_CACHE_DIR := $(CURDIR)/.venv/pyright
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:  ## make .venv and install DrumScribe into it; .venv/bin/drumscribe exists afterwards
	@scripts/setup.sh

setup-service:
	@scripts/setup.sh service

setup-test:
	@scripts/setup.sh service,test,train,demucs

run: setup-service  ## start DrumScribe on this machine and print its address (HOST, WEB_PORT, PORT of the API, DATA=folder); Ctrl-C ends it
	@node=$$(scripts/build_frontend.sh); PATH="$$node:$$PATH" exec $(BIN)/drumscribe serve --host "$(HOST)" --port "$(PORT)" \
		--data "$(DATA)" --web frontend/.next/standalone --web-port "$(WEB_PORT)" $(ARGS)

transcribe: setup  ## transcribe the demo song, or SONG=path/to/song.mp3, into OUT=out, without a server
	@$(BIN)/drumscribe transcribe "$(SONG)" --out "$(OUT)" $(ARGS)

lint: setup-test
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/lint-imports

types: setup-test
	@$(BIN)/pyright

lint-ops: setup-test  ## what operations rest on: workflows, images, compose files, alert rules, scripts, secrets
	@scripts/setup_ops.sh lint
	@scripts/setup_ops.sh checkov || echo "What needs checkov is skipped."
	@scripts/setup_ops.sh monitoring || echo "What needs Prometheus is skipped."
	@$(BIN)/python scripts/lint_ops.py

lint-web: setup-test
	@node=$$(scripts/setup_frontend.sh); cd frontend; PATH="$$node:$$PATH"; npm run --silent lint; npm run --silent types; npm test --silent

test-web: lint-web  ## the web app: style, types, unit tests, size, and a real browser against the real service
	@node=$$(scripts/build_frontend.sh); PATH="$$node:$$PATH"; browser=$$(scripts/setup_browser.sh); \
		cd frontend; npm run --silent size; CHROMIUM="$$browser" npm run --silent e2e

# Shared machines have slow moments: with CI set, what failed is tried once more, for all to see
test: lint types lint-ops test-web  ## format, lint, types and every test
	@$(BIN)/pytest -ra $(ARGS) || { [ -n "$${CI:-}" ] && echo "Once more, what failed:" && $(BIN)/pytest -ra --last-failed --last-failed-no-failures none; }

check: setup-test  ## the quick part of it: lint without types, library tests without the evaluation material
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/lint-imports
	@$(BIN)/pytest tests/library -m "not shared" $(ARGS)

bench: setup  ## measure time and memory; writes docs/benchmarks.md
	@$(BIN)/python scripts/bench.py

accuracy: setup  ## write the pages about accuracy; ARGS="measure --mdb FOLDER --generated FOLDER" measures first
	@$(BIN)/python scripts/accuracy.py $(ARGS)

load: setup-test  ## load the service: polls, event streams, uploads, a long queue; prints the table
	@$(BIN)/python scripts/load.py $(ARGS)

chaos: setup-test  ## break the service on purpose, in both modes, and count what became of the jobs
	@$(BIN)/python scripts/chaos.py $(ARGS)

stack-test: setup  ## build the images, run the production stack in containers, use it and break it (needs an engine, or root)
	@$(BIN)/python scripts/stack_test.py $(ARGS)

mutate: setup-test  ## send 5,000 tampered uploads to the service and count what becomes of them
	@$(BIN)/python scripts/mutate_uploads.py $(ARGS)

openapi: setup-test  ## write docs/openapi.json anew; review the diff before you commit it
	@$(BIN)/python scripts/openapi.py

golden: setup-test  ## write the golden files anew; review the diff before you commit it
	@DRUMSCRIBE_GOLDEN=write $(BIN)/pytest -ra tests/golden $(ARGS)

clean:  ## remove everything that make made
	@rm -rf .venv out data frontend/node_modules frontend/.next .pytest_cache .ruff_cache .hypothesis .import_linter_cache
