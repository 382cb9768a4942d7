# Two commands do all set-up, each by itself: `make run` serves, `make test` tests.
# Needs Python 3.11 or newer with pip, and nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(PYTHON) -m pip --python $(BIN)/python --disable-pip-version-check --quiet
LOCKS := requirements/build.txt requirements/embedded.txt requirements/dev.txt
DATA ?= .data
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test check format docs lock bench mutants image clean

help: ## Show these commands.
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do \
		printf '  %-12s %s\n' "$$name" "$$text"; done

run: $(VENV)/run.stamp ## Serve on http://127.0.0.1:8000 with a PostgreSQL of its own, state in .data.
	CRM_AUTH_DATA_DIR="$${CRM_AUTH_DATA_DIR:-$(DATA)}" exec $(BIN)/crm-auth serve

test: $(VENV)/dev.stamp ## Run all tests; PYTEST_ARGS goes to pytest.
	$(BIN)/python -m pytest $(PYTEST_ARGS)

check: $(VENV)/dev.stamp ## Format, lint, types, layers, and documents in step with the code.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python tools/generated_documents.py --check
	$(BIN)/python tools/vendor_docs_assets.py --check
	$(BIN)/python tools/starter_filter.py --check

format: $(VENV)/dev.stamp ## Bring the code into its format.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/dev.stamp ## Write the documents that the code generates.
	$(BIN)/python tools/generated_documents.py

lock: ## Resolve the requirements anew (needs uv).
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet --upgrade \
		requirements/build.in -o requirements/build.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet --upgrade \
		pyproject.toml -o requirements/runtime.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet \
		pyproject.toml --extra embedded -c requirements/runtime.txt -o requirements/embedded.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet \
		pyproject.toml requirements/dev.in --extra embedded -c requirements/embedded.txt -o requirements/dev.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet \
		requirements/mutation.in -c requirements/dev.txt -o requirements/mutation.txt

bench: $(VENV)/dev.stamp ## Measure against the floor: what the journeys cost at least.
	$(BIN)/python -m benchmarks

mutants: $(VENV)/dev.stamp ## Change domain and application in 3,000 small ways, each time seeing whether a test notices.
	$(PIP) install --require-hashes -r requirements/mutation.txt
	$(BIN)/mutmut run
	$(BIN)/mutmut results

image: ## Build the container image and run the main job inside it (needs root, buildah and debootstrap).
	$(PYTHON) tools/container_check.py

clean: ## Remove the environment; .data, which holds accounts, stays.
	rm -rf $(VENV) mutants .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -m venv --without-pip $(VENV)

$(VENV)/run.stamp: $(BIN)/python pyproject.toml $(LOCKS)
	$(PIP) install --require-hashes -r requirements/build.txt -r requirements/embedded.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: $(BIN)/python pyproject.toml $(LOCKS)
	$(PIP) install --require-hashes -r requirements/build.txt -r requirements/dev.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/run.stamp
