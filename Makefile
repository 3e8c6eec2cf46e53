# Every target makes the virtual environment that it needs; nothing but make and Python 3.11 or later must be there.

PYTHON ?= python3

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
EXTRAS := .[all]
GROUP := check

# The peers of the benchmarks bring much along; nothing that is checked should meet it.
BENCH := .venv-bench
BENCH_STAMP := $(BENCH)/.installed
BENCH_GROUP := bench
# The example that runs a benchmark brings even more.
DOJO := .venv-agentdojo
DOJO_STAMP := $(DOJO)/.installed
DOJO_GROUP := agentdojo
# The tests are shared out among the processors: half of them wait for a database or a process.
SHARED := --numprocesses auto --dist worksteal

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help venv demo agentdojo test check bench bench-quick site soak format written constraints clean

help:
	@echo "make demo | agentdojo | test | check | bench | bench-quick | site | soak | format | written | venv | constraints | clean"

# ---- what the two README commands call ----------------------------------------------------------

demo: $(STAMP)
	$(BIN)/turnkeep demo

# Two suites of a benchmark, without a model, by workers that are killed; about two minutes.
agentdojo: $(DOJO_STAMP)
	$(DOJO)/bin/python -m examples.agentdojo banking slack

test: $(STAMP)
	$(BIN)/python -m pytest $(SHARED)

# ---- what a change must pass --------------------------------------------------------------------

check: $(STAMP)
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest $(SHARED)

bench: $(BENCH_STAMP)
	$(BENCH)/bin/python benchmarks/run.py

bench-quick: $(BENCH_STAMP)
	$(BENCH)/bin/python benchmarks/run.py --quick

# The documents, with a reference made from the docstrings, as pages in build/site.
site: $(STAMP)
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going -c docs . build/site

# Two hundred workers are killed at random, over files and over a database; about five minutes.
soak: $(STAMP)
	TURNKEEP_SOAK_KILLS=100 $(BIN)/python -m pytest tests/processes/test_worker_soak.py

format: $(STAMP)
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

# What is written from other sources: the homes of public names, the blocking services, the table of settings.
written: $(STAMP)
	$(BIN)/python -m tests.face.homes
	$(BIN)/python -m tests.blocking.generation
	$(BIN)/python -m tests.settings.table

# ---- the environment ----------------------------------------------------------------------------

venv: $(STAMP)

# An environment in the folder $(1), with the group $(2) and nothing that is not pinned.
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Turnkeep needs Python 3.11 or later, and '$(PYTHON)' is not one: name one with 'make PYTHON=...'." >&2; \
		exit 1; }
	test -x $(1)/bin/python || $(PYTHON) -m venv $(1)
	$(1)/bin/python -m pip install --quiet --constraint constraints.txt --upgrade pip
	$(1)/bin/python -m pip install --quiet --constraint constraints.txt --build-constraint constraints.txt \
		--editable '$(EXTRAS)' --group $(2)
	touch $@
endef

$(STAMP): pyproject.toml constraints.txt
	$(call install,$(VENV),$(GROUP))

$(BENCH_STAMP): pyproject.toml constraints.txt
	$(call install,$(BENCH),$(BENCH_GROUP))

$(DOJO_STAMP): pyproject.toml constraints.txt
	$(call install,$(DOJO),$(DOJO_GROUP))

# Resolves everything anew in an environment of its own, so that no earlier pin is carried along.
constraints:
	rm -rf build/constraints
	$(PYTHON) -m venv build/constraints
	build/constraints/bin/python -m pip install --quiet --upgrade pip
	build/constraints/bin/python -m pip install --quiet --editable '$(EXTRAS)' \
		--group $(GROUP) --group $(BENCH_GROUP) --group $(DOJO_GROUP)
	{ echo "# What 'make venv', 'make bench' and 'make agentdojo' install, build backend and pip included; 'make constraints' refreshes it."; \
	  build/constraints/bin/python -m pip freeze --all --exclude-editable --exclude setuptools; \
	} > build/constraints/constraints.txt
	mv build/constraints/constraints.txt constraints.txt
	rm -rf build/constraints

clean:
	rm -rf $(VENV) $(BENCH) $(DOJO) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
