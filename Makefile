# Everything a developer types. `make` alone lists it.
# Paths are relative and tools run as `python -m`, so a checkout may stand in a folder with spaces.

PYTHON ?= python3
PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet install --require-hashes
# Most tests wait most of the time.
TEST_PROCESSES ?= 3
# The last of the files that are copied there.
VENDOR := dormparty_sse/web/static/vendor/swagger-ui-bundle.js

# Prints what is wrong with $(PYTHON), or nothing.
PYTHON_PROBLEM = $(shell $(PYTHON) -c 'import sys; \
	sys.version_info >= (3, 11) or sys.exit(print("is Python %d.%d" % sys.version_info[:2])); \
	import ensurepip, venv' 2>&1 | tail -n 1)

.DEFAULT_GOAL := help
.PHONY: help run test setup lint bench audit lock clean

help: ## List these targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

run: .venv/.run $(VENDOR) ## Set up what is missing, then start Redis, LiveKit and the service
	@exec $(PY) -m dormparty_sse dev

setup: .venv/.run $(VENDOR) ## Set up what `make run` needs, and start nothing
	@$(PY) -m dormparty_sse.dev.provision

test: .venv/.test setup lint ## Run the checks and every test
	@$(PY) -m pytest --numprocesses $(TEST_PROCESSES) --dist loadgroup --no-loadscope-reorder

lint: .venv/.test ## Check style, types and the layers
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(PY) .venv/bin/lint-imports

bench: .venv/.test setup ## Measure speed under load
	@$(PY) -m bench
	@$(PY) -m bench.store
	@$(PY) -m bench.rooms
	@$(PY) -m bench.streams
	@$(PY) -m bench.hostile

audit: .venv/.audit ## Ask PyPI and the npm registry for known holes in what is locked
	@.venv/audit/bin/python -m dormparty_sse.dev.audit

lock: ## Renew the lock files from the .in files (needs uv)
	@cd requirements && for name in base build test tools/audit "tools/go --no-deps" "tools/node --no-deps" "tools/redis --no-deps"; do \
		uv pip compile $$name.in --output-file $$name.txt --upgrade --universal --generate-hashes --quiet \
		--python-version 3.11 --no-header --no-annotate --no-emit-index-url || exit 1; done

clean: ## Remove what was built; .dev (data) stays
	rm -rf .venv node_modules tests/foreign/node_modules dormparty_sse/web/static/vendor build dist *.egg-info

# The stamps say which lock files a finished install had: newer ones are installed again.
.venv/bin/python:
	$(if $(PYTHON_PROBLEM),$(error $(PYTHON) cannot be used ($(PYTHON_PROBLEM)): set PYTHON to a Python from 3.11 to 3.14 that has venv and pip))
	@echo "Creating .venv"
	@$(PYTHON) -m venv .venv

.venv/.run: requirements/base.txt requirements/build.txt setup.cfg | .venv/bin/python
	@echo "Installing the service's packages"
	@$(PIP) -r requirements/base.txt -r requirements/build.txt
	@$(PY) -m pip --disable-pip-version-check --quiet install --no-deps --no-index --no-build-isolation --editable .
	@touch $@

.venv/.test: requirements/test.txt .venv/.run
	@echo "Installing the test packages"
	@$(PIP) -r requirements/test.txt
	@touch $@

# In an environment of its own: what it needs must not decide what the tests run with.
.venv/.audit: requirements/tools/audit.txt .venv/.run
	@echo "Installing pip-audit"
	@$(PY) -m venv .venv/audit
	@.venv/audit/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements/tools/audit.txt
	@touch $@

$(VENDOR): package-lock.json | .venv/.run
	@$(PY) -m dormparty_sse.dev.provision web-client
