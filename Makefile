# Every target does its own set-up in .venv; nothing outside this folder is touched.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The demo and the tests bring an Airflow of their own; whatever the caller's shell says of theirs stays out.
CLEAN_ENV := env -u AIRFLOW_HOME -u AIRFLOW_CONFIG
CHAOS_SECONDS ?= 120

.PHONY: demo test marquez-record chaos validity lint docs bench wheel clean

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || (echo "Python 3.11 or newer is needed; say which: make PYTHON=python3.12"; exit 1)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[postgres,llm,onnx,demo,docs,dev]'
	touch $@

demo: $(VENV)/.installed  ## a year of flights, a model that rots, guards that notice
	@$(CLEAN_ENV) $(BIN)/python -m airflow_provider_aiguard.demo

test: $(VENV)/.installed  ## all tests but those of validity and chaos, with branch coverage of the floors
	$(CLEAN_ENV) $(BIN)/python -m pytest --ignore=tests/validity --ignore=tests/chaos --numprocesses auto --dist loadfile --cov --cov-report=term:skip-covered
	$(BIN)/coverage report --include='airflow_provider_aiguard/core/*,airflow_provider_aiguard/stats/*,airflow_provider_aiguard/store/*,airflow_provider_aiguard/inference/*,airflow_provider_aiguard/guards/*' --omit='*/migrations/*' --fail-under=95 --format=total

marquez-record: $(VENV)/.installed  ## record anew what a real Marquez answers: make marquez-record MARQUEZ_URL=http://localhost:5000
	@test -n "$(MARQUEZ_URL)" || (echo "Say which: make marquez-record MARQUEZ_URL=http://localhost:5000"; exit 1)
	$(CLEAN_ENV) MARQUEZ_RECORD=1 MARQUEZ_URL="$(MARQUEZ_URL)" $(BIN)/python -m pytest tests/system

validity: $(VENV)/.installed  ## what the statistics promise, simulated; prints what it measured, below 10 minutes
	$(CLEAN_ENV) $(BIN)/python -m pytest -s tests/validity

chaos: $(VENV)/.installed  ## workers, servers and disks that fail: storms of 64 processes, two minutes long each; CHAOS_SECONDS=10 in CI
	$(CLEAN_ENV) CHAOS_SECONDS=$(CHAOS_SECONDS) $(BIN)/python -m pytest -s tests/chaos

lint: $(VENV)/.installed  ## style, types, layering
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.installed  ## the documentation; a warning is an error
	$(CLEAN_ENV) AIRFLOW_HOME=$(CURDIR)/$(VENV)/docs-airflow $(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html

bench: $(VENV)/.installed  ## the numbers the docs print
	$(CLEAN_ENV) $(BIN)/python -m benchmarks

wheel: $(VENV)/.installed
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) .demo dist docs/_build
