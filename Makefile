# Each target makes .venv by itself; nothing but Python 3.11 or newer and pip is needed first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test test-crash lint type unit bench bench-drift fuzz clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml sdk/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "wakeline needs Python 3.11 or newer; name one: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e './sdk' -e '.[local,dev]'
	@touch $@

run: $(STAMP) ## install what it needs and run the demo: a simulated fleet, watched end to end
	@$(BIN)/wakeline demo $(ARGS)

test: lint type unit ## install what it needs and pass lint, types and all tests

lint: $(STAMP) ## ruff and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

type: $(STAMP) ## mypy, strict
	$(BIN)/mypy
	$(BIN)/mypy --strict -p wakeline

unit: $(STAMP)
	$(BIN)/python -m pytest $(ARGS)

test-crash: $(STAMP) ## kill every role and the broker, again and again, and compare; ARGS="-k runs" for some
	$(BIN)/python -m pytest tests/crash -m crash -s --no-header $(ARGS)

bench: $(STAMP) ## measure speed as ratios against raw limits of the same run
	$(BIN)/python -m tests.bench $(ARGS)

bench-drift: $(STAMP) ## hold the detectors against others on known changes; writes docs/reports/drift-<date>.md
	$(BIN)/python -m tests.bench.drift $(ARGS)

fuzz: $(STAMP) ## 200,000 broken payloads: each becomes steps or a dead letter with a reason
	$(BIN)/python -m tests.fuzz $(ARGS)

clean: ## remove the environment and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
