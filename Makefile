# Each target does its own set-up: a virtual environment in .venv, with the versions of constraints.txt.
# `make` alone lists the targets.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# The page is built by a target of its own, when its sources have changed: installing leaves it out.
INSTALL := ANEW_NO_UI=1 $(PIP) install --constraint constraints.txt

comma := ,
# What pip says is of interest only when it fails.
define quietly
@log=$$(mktemp) && if $(1) > "$$log" 2>&1; then rm -f "$$log"; else code=$$?; cat "$$log"; rm -f "$$log"; exit $$code; fi
endef

# A process for each core and some more, as many tests wait for others, those of the quick suite a third of their time; those of one
# file stay together, so that servers and models are made once.
PARALLEL ?= -n $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN) + $(MORE) ))) --dist loadfile
MORE := 1
test: MORE := 2

# No test hangs: after so many seconds it fails, with the stacks of all threads. The slowest are listed at the end.
EACH := --timeout=600 --durations=30

# Tests start hundreds of interpreters; without their bytecode each would compile our sources again.
unexport PYTHONDONTWRITEBYTECODE

# The first interpreter that is new enough; `make PYTHON=…` chooses another.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

.PHONY: help demo demo-server test test-all web soak lint format docs bench constraints clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/.for-demo web  ## train a grid of real models, then ask questions about it
	@$(BIN)/python examples/digits.py

demo-server: $(VENV)/.for-demo-server  ## two servers of a group with PostgreSQL, ClickHouse and S3, one of which is killed while eight trainings run
	@$(BIN)/python -m examples.group

# Compiled once, and not by each of the processes that import it first, and of the hundreds of programs that keep no bytecode.
COMPILE := @$(BIN)/python -m compileall -q src/anew

test: $(VENV)/.for-development web  ## the suite without its slow proofs
	$(COMPILE)
	$(BIN)/python -m pytest -vv --no-header -m "not slow and not soak" $(EACH) $(PARALLEL) $(PYTEST)

test-all: $(VENV)/.for-development web  ## the suite with its slow proofs
	$(COMPILE)
	$(BIN)/python -m pytest -vv --no-header -m "not soak" $(EACH) $(PARALLEL) $(PYTEST)

web: $(VENV)/.for-demo  ## the browser page; nothing is done where it is up to date
	@$(BIN)/python web/build.py

soak: $(VENV)/.for-development  ## random loops that run for an hour
	$(BIN)/python -m pytest -vv --no-header -m soak -o faulthandler_timeout=0 $(PYTEST)

lint: $(VENV)/.for-development  ## style, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy --strict tests/typing
	$(BIN)/python web/build.py check

format: $(VENV)/.for-development  ## put the code into its format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(VENV)/.for-development  ## the documentation site, in docs/_build/html
	$(BIN)/sphinx-build --fail-on-warning --keep-going --quiet --jobs auto -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

bench: $(VENV)/.for-development  ## measure beside floors and peers, into benchmarks/RESULTS.md
	$(BIN)/python -m benchmarks

constraints: $(VENV)/.for-development  ## write the versions now in .venv to constraints.txt
	$(BIN)/python tools/constraints.py > constraints.new
	mv constraints.new constraints.txt

clean:  ## remove everything that was made here, experiments excepted
	rm -rf $(VENV) src/anew/server/bundle web/node_modules docs/_build docs/reference/generated build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps say what the environment was last made from: a change of either file installs again.
$(VENV)/.python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and none was found; make PYTHON=/path/to/python3"; exit 1; }
	@echo "Making a virtual environment with $$($(PYTHON) --version) in $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	$(call quietly,$(INSTALL) --upgrade pip)
	@touch $@

$(VENV)/.for-demo: pyproject.toml constraints.txt | $(VENV)/.python
	@echo "Installing Anew and scikit-learn …"
	$(call quietly,$(INSTALL) --build-constraint constraints.txt --editable ".[plot$(comma)pandas$(comma)server]" --group demo)
	@touch $@

$(VENV)/.for-demo-server: pyproject.toml constraints.txt | $(VENV)/.python
	@echo "Installing Anew, PostgreSQL and an S3 service …"
	$(call quietly,$(INSTALL) --build-constraint constraints.txt --editable ".[server$(comma)group$(comma)weights]" --group demo-server)
	@touch $@

$(VENV)/.for-development: pyproject.toml constraints.txt | $(VENV)/.python
	@echo "Installing what tests, types and docs need (some minutes the first time) …"
	$(call quietly,$(INSTALL) --build-constraint constraints.txt --editable ".[all]" --group dev)
	@touch $@ $(VENV)/.for-demo $(VENV)/.for-demo-server
