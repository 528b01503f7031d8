# `make demo` and `make test` need Python 3.11 or newer, make and pip; nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup demo test coverage test-long test-clients test-api test-studio lint format clean

setup: $(VENV)/.installed

# The stamps are newer than what they were made from, so second runs install nothing.
$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit(f"inkloom needs Python 3.11 or newer; {sys.executable} is {v[0]}.{v[1]}. Try: make PYTHON=python3.11 $(MAKECMDGOALS)")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[studio]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,hf,tensorboard]'
	@touch $@

$(VENV)/.installed-clients: $(VENV)/.installed-dev
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[clients]'
	@touch $@

demo: setup
	@$(BIN)/inkloom demo

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 -m "not long and not clients"

# Tracing costs half as much again as the tests themselves: 47.6 against 30.4 s of CPU on some of them.
coverage: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 -m "not long and not clients" --cov --cov-report=term

test-long: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m long

# Side by side, in processes of their own: playwright's event loop would be in the other clients' way.
test-clients: $(VENV)/.installed-clients
	@$(MAKE) --jobs=2 --output-sync test-api test-studio

test-api test-studio: $(VENV)/.installed-clients

test-api:
	$(BIN)/python -m pytest -m clients tests/serving/clients

test-studio:
	$(BIN)/python -m pytest -m clients tests/serving/studio/browser

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .coverage*
