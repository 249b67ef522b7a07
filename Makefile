# What can be done here. `make run` and `make test` need nothing but git, make and python3-venv.
# ARGS are handed on: make run ARGS=--once-through, make test ARGS='-k outbox', make lock ARGS=--upgrade

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test lint check bench campaign screenshots docs lock clean

PYTHON ?= /usr/bin/python3 python3 python3.14 python3.13 python3.12 python3.11
VENV := .venv
BIN := $(VENV)/bin
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip -qq
EXAMPLE := examples/smithd-host
PAGES := README.md CHANGELOG.md CONTRIBUTING.md Containerfile config.example.yaml docs examples systemd
COMPILE := uv pip compile -q --python-version 3.11 --universal --generate-hashes --no-annotate --no-header

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 12

run: $(VENV)/ours $(VENV)/runtime ## set everything up in .venv and run the demo
	@$(BIN)/smithd demo $(ARGS)

test: $(VENV)/ours $(VENV)/testing ## set everything up in .venv and run all tests
	@$(BIN)/python -m pytest --numprocesses=auto --dist=loadfile $(ARGS)

lint: $(VENV)/ours $(VENV)/testing ## style, types, and the rules for imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict daemon sources examples tests benchmarks
	$(BIN)/lint-imports

check: lint test ## everything a change must pass

bench: $(VENV)/ours $(VENV)/runtime ## what smithd costs, against a bare loop and bare imports
	@$(BIN)/python -m benchmarks $(ARGS)

campaign: $(VENV)/ours $(VENV)/testing ## the long form of the tests that search: fuzzing, kill -9
	SMITHD_CAMPAIGN=long $(BIN)/python -m pytest -m campaign --timeout=7200 $(ARGS)

screenshots: $(VENV)/ours $(VENV)/testing ## make the pictures in docs/ anew (needs Chromium)
	@TZ=UTC $(BIN)/python tests/screenshots.py

docs: $(VENV)/documentation ## build the documentation site into site/; a link or an anchor that leads nowhere fails
	@rm -rf $(VENV)/pages && mkdir $(VENV)/pages && cp -R $(PAGES) $(VENV)/pages
	@$(BIN)/zensical build --strict --clean

lock: ## write the locks anew (needs uv); ARGS=--upgrade takes the newest versions
	$(COMPILE) $(ARGS) pyproject.toml -o requirements.lock
	$(COMPILE) $(ARGS) --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	sed -n '/^docs = \[$$/,/^\]$$/s/^ *"\([^"]*\)".*/\1/p' pyproject.toml | $(COMPILE) $(ARGS) -c requirements-dev.lock - -o requirements-docs.lock
	{ sed -n 's/^requires = \["\(.*\)"\]$$/\1/p' pyproject.toml; echo editables; } | $(COMPILE) $(ARGS) - -o requirements-build.lock

clean: ## remove everything that was made here
	rm -rf $(VENV) dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

# Each file below stands for something that is in .venv, so that a second call is instant and a new lock installs anew.

$(VENV)/made:
	@for python in $(PYTHON); do \
	    $$python -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	    echo "Setting up $(VENV) with $$($$python --version); this takes about a minute, once."; \
	    $$python -m venv --clear $(VENV) && touch $@; exit; \
	done; \
	echo "smithd needs Python 3.11 or later with its venv module (Debian: apt-get install python3-venv)." >&2; \
	echo "Looked for: $(PYTHON). To name another: make PYTHON=/path/to/python3 $(MAKECMDGOALS)" >&2; exit 1

$(VENV)/runtime: requirements.lock $(VENV)/made
	@$(PIP) install --require-hashes -r $<
	@touch $@

$(VENV)/testing: requirements-dev.lock $(VENV)/made
	@$(PIP) install --require-hashes -r $<
	@touch $@

$(VENV)/documentation: requirements-docs.lock $(VENV)/made
	@$(PIP) install --require-hashes -r $<
	@touch $@

# The build runs isolated, and sees only what the hashes let through. pip compiles what it installs, but not this.
$(VENV)/ours: requirements-build.lock pyproject.toml daemon/smithd/__init__.py $(EXAMPLE)/pyproject.toml $(VENV)/made
	@rm -rf $(VENV)/build
	@$(PIP) download --require-hashes -d $(VENV)/build -r $<
	@PIP_NO_INDEX=1 PIP_FIND_LINKS=$(VENV)/build $(PIP) install --no-deps -e . -e $(EXAMPLE)
	@$(BIN)/python -m compileall -q daemon sources $(EXAMPLE)
	@touch $@
