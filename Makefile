# The venv is .venv; PYTHON may name another interpreter (3.11 or newer).
PYTHON ?= python3
BIN := .venv/bin
AREA ?= core

.PHONY: venv demo test lint bench bench-full soak clean

venv: .venv/.made

# The CPU build of torch is asked for first and by version: a later install must not pull another one.
.venv/.made: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

demo: venv
	rm -rf demo.duckdb demo.duckdb.wal demo.duckdb.ml
	$(BIN)/mfgsql demo --db demo.duckdb

lint: venv
	$(BIN)/ruff check mfgsql udfs tests
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint
	$(BIN)/python -m pytest

bench: venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	$(BIN)/python -m tests.bench --area $(AREA)

bench-full: venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	$(BIN)/python -m tests.bench --full

# SOAK_SECONDS (a load or a fuzz), SOAK_LOOPS (kills) and SOAK_STREAMS (bent conversations of the wire) make it longer or shorter.
soak: venv
	$(BIN)/python -m pytest tests/soak --timeout 3600

clean:
	rm -rf .venv demo.duckdb*
