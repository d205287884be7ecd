# The venv is .venv; PYTHON may name another interpreter (3.11 or newer).
PYTHON ?= python3
BIN := .venv/bin
AREA ?= core

.PHONY: venv demo test lint bench bench-full soak e2e clean

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

# A process for each core, and threads that don't spin while they wait: else two processes' would be in each other's way.
test: lint
	OMP_WAIT_POLICY=passive $(BIN)/python -m pytest -n logical --dist loadfile

bench: venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	$(BIN)/python -m tests.bench --area $(AREA)

bench-full: venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	$(BIN)/python -m tests.bench --full

# SOAK_SECONDS (a load or a fuzz), SOAK_LOOPS (kills) and SOAK_STREAMS (bent conversations of the wire) make it longer or shorter.
soak: venv
	$(BIN)/python -m pytest tests/soak --timeout 3600

# Tools that stand around the database, each in a venv of its own, which is made where it is missing.
superset := apache-superset rich cachetools flask-caching psycopg2-binary
dbt := -e . dbt-duckdb
jupyter := jupysql nbclient ipykernel pandas polars psycopg2-binary 'psycopg[binary]'

.venv/%/.made: tests/e2e/%-constraints.txt
	$(PYTHON) -m venv .venv/$*
	.venv/$*/bin/python -m pip install --quiet --disable-pip-version-check -c $< $($*)
	touch $@

e2e: venv .venv/superset/.made .venv/dbt/.made .venv/jupyter/.made
	MFGSQL_ALL_CLIENTS=1 $(BIN)/python -m pytest tests/e2e --timeout 600

clean:
	rm -rf .venv demo.duckdb*
