# Two commands matter: `make run` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup setup-test run test check lint bench golden clean

BIN := .venv/bin
SONG ?= demo/demo.flac
OUT ?= out
ARGS ?=

# Tools keep what they download inside .venv, so that nothing depends on a home folder
export PYRIGHT_PYTHON_CACHE_DIR := $(CURDIR)/.venv/pyright
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:  ## make .venv and install DrumScribe into it; .venv/bin/drumscribe exists afterwards
	@scripts/setup.sh

setup-test:
	@scripts/setup.sh test,train,demucs

run: setup  ## transcribe the demo song, or SONG=path/to/song.mp3, into OUT=out
	@$(BIN)/drumscribe transcribe "$(SONG)" --out "$(OUT)" $(ARGS)

lint: setup-test
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/pyright
	@$(BIN)/lint-imports

test: lint  ## format, lint, types, stairs and every test
	@$(BIN)/pytest -ra $(ARGS)

check: setup-test  ## the quick part of it: lint without types, library tests without the evaluation material
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/lint-imports
	@$(BIN)/pytest tests/library -m "not shared" $(ARGS)

bench: setup  ## measure time and memory; writes docs/benchmarks.md
	@$(BIN)/python scripts/bench.py

golden: setup-test  ## write the golden files anew; review the diff before you commit it
	@DRUMSCRIBE_GOLDEN=write $(BIN)/pytest -ra tests/golden $(ARGS)

clean:  ## remove everything that make made
	@rm -rf .venv out .pytest_cache .ruff_cache .hypothesis .import_linter_cache
