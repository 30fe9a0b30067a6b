# Every task of this repository. `make` alone runs what must pass before a commit.
# GNU make 3.81 or newer and CPython 3.11 or 3.12; everything else goes into .venv.

ifndef PYTHON
PYTHON := $(shell for p in python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && echo $$p && break; done)
endif
VENV := .venv
BIN := $(VENV)/bin
# setuptools warns of every editable install that folders can shadow packages; ours are meant to.
PIP := PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check
CODE := recommender training serving benchmarks tests

FUZZ_SECONDS := 300

.PHONY: check setup fmt lint type pytest test fuzz bench build demo demo-check clean

check: test

# ---- What users run -----------------------------------------------------------------------------

demo: $(VENV)/.demo  ## learn from a year of orders, show the lists, serve them on http://127.0.0.1:8080
	@$(BIN)/cartlift demo

demo-check: $(VENV)/.demo  ## the same, asked through HTTP; exit code 0 or 1
	@$(BIN)/cartlift demo --check

test: lint type pytest  ## lint, types and every test, a real Redis included

# ---- What developers run ------------------------------------------------------------------------

setup: $(VENV)/.dev $(VENV)/.demo

fmt: $(VENV)/.dev
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

lint: $(VENV)/.dev
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/codespell $(CODE) docs README.md CHANGELOG.md CONTRIBUTING.md Makefile pyproject.toml

type: $(VENV)/.dev
	$(BIN)/mypy

pytest: $(VENV)/.dev $(VENV)/.demo
	$(BIN)/pytest --numprocesses auto --dist loadfile

fuzz: $(VENV)/.dev  ## bytes made up by libFuzzer for all that reads what strangers send
	$(BIN)/python -m tests.fuzz.parsers -max_total_time=$(FUZZ_SECONDS)

bench: $(VENV)/.dev $(VENV)/.demo
	$(BIN)/python -m benchmarks.quality
	$(BIN)/python -m benchmarks.quality_plot

build: $(VENV)/.dev
	$(BIN)/python -m build

clean:
	rm -rf $(VENV) .cartlift build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

# ---- The environment ----------------------------------------------------------------------------

$(VENV)/.demo: $(BIN)/python pyproject.toml
	@echo "Installing cartlift and the demo's orders into $(VENV) (first time only) …"
	@$(PIP) --editable '.[demo]'
	@touch $@

$(VENV)/.dev: $(BIN)/python pyproject.toml
	@echo "Installing the development tools into $(VENV) (first time only) …"
	@$(PIP) --editable . --group dev
	@touch $@

# Debian ships Python without its venv module: root gets it installed, anyone else is told how.
$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "cartlift needs CPython 3.11 or 3.12: install one, or name it with make PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null \
	|| { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -qq -y python3-venv; } \
	|| { echo "$(PYTHON) has no venv module: sudo apt-get install python3-venv, then make again"; exit 1; }
	@test "$$(uname)" != Linux || $(PYTHON) -c 'import ctypes; ctypes.CDLL("libgomp.so.1")' 2>/dev/null \
	|| { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -qq -y libgomp1; } \
	|| { echo "The ALS solver needs OpenMP: sudo apt-get install libgomp1, then make again"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --upgrade 'pip>=25.1'
