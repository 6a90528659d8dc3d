# Two commands do everything on a machine with git, make and Python 3.11 or newer: make demo, make test.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet
RUN := $(VENV)/.run-installed
DEV := $(VENV)/.dev-installed
ARGS ?=
TARGET ?= process
# What Python compiled is kept: the tests and the demo start it hundreds of times.
unexport PYTHONDONTWRITEBYTECODE

# Where `make install` puts the program: $(PREFIX)/bin/lastgood, and what it needs in $(PREFIX)/share/lastgood.
PREFIX ?= $(HOME)/.local

.PHONY: help install demo test check lint types unit test-browser test-postgres test-render cluster test-cluster bench picture reference lock clean

help:
	@echo "make install       the program for this account, as ~/.local/bin/lastgood (PREFIX=...: elsewhere)"
	@echo "make demo          the whole story on this machine (ARGS=--once: ends by itself;"
	@echo "                   TARGET=kubernetes: on a Kubernetes control plane)"
	@echo "make test          everything but the browser and cluster tests"
	@echo "make test-browser  the dashboard in a real Chromium"
	@echo "make test-postgres the records on a PostgreSQL server (its programs must be installed)"
	@echo "make test-render   charts, kustomizations and registries with the real programs (at first they are built: minutes)"
	@echo "make cluster       a Kubernetes control plane until Ctrl-C (the first time it is built, which takes minutes)"
	@echo "make test-cluster  the tests on such a control plane, or on the cluster that KUBECONFIG names"
	@echo "make picture       take the README's picture of a timeline from the demo"
	@echo "make bench         what is measured, as ratios in one run"
	@echo "make reference     print the reference pages of docs/ anew"
	@echo "make lock          pin the dependencies anew"

define NEW_ENOUGH
$(PYTHON) -c 'import sys; sys.exit("lastgood needs Python 3.11 or newer; give it as PYTHON=...") if sys.version_info < (3, 11) else None'
endef

$(VENV)/bin/python:
	@$(NEW_ENOUGH)
	@$(PYTHON) -m venv $(VENV)

$(RUN): pyproject.toml requirements/build.txt requirements/run.txt | $(VENV)/bin/python
	@echo "Installing lastgood into $(VENV) ..."
	@$(PIP) install --require-hashes -r requirements/build.txt -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements/dev.txt $(RUN)
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

# Anew each time: nothing of an older one stays, and what runs from it goes on with what it has loaded.
install:
	@$(NEW_ENOUGH)
	@echo "Installing lastgood into $(PREFIX) ..."
	@$(PYTHON) -m venv --clear "$(PREFIX)/share/lastgood"
	@"$(PREFIX)/share/lastgood/bin/pip" --disable-pip-version-check --quiet install --require-hashes -r requirements/build.txt -r requirements/run.txt
	@"$(PREFIX)/share/lastgood/bin/pip" --disable-pip-version-check --quiet install --no-deps --no-build-isolation .
	@rm -rf build
	@mkdir -p "$(PREFIX)/bin"
	@ln -sf "$(PREFIX)/share/lastgood/bin/lastgood" "$(PREFIX)/bin/lastgood"
	@"$(PREFIX)/bin/lastgood" --version

ifeq ($(TARGET),kubernetes)
demo: $(DEV)
	@$(BIN)/python tests/cluster $(BIN)/lastgood demo $(ARGS) --kubeconfig
else
demo: $(RUN)
	@$(BIN)/lastgood demo $(ARGS)
endif

check: lint types

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEV)
	$(BIN)/mypy
	$(BIN)/lint-imports

# What the tests write stays in memory where the machine has gigabytes of it to spare and lets programs in it run:
# a tenth of their time is files. Other accounts may pass through the folder, as through /tmp: some tests act as one.
SPARE := $(shell grep -s ' /dev/shm ' /proc/mounts | grep -qv noexec && df -Pk /dev/shm | awk 'NR == 2 && $$4 > 4000000 {print "-p /dev/shm"}')

unit: $(DEV)
	@folder=$$(mktemp -d $(SPARE)) && chmod 711 "$$folder" && TMPDIR=$$folder $(BIN)/pytest -q -n 3 --dist worksteal \
		-m "not browser and not cluster and not programs" $(ARGS) && rm -rf "$$folder"

# The types are checked beside the tests: they keep one core busy while a test waits.
test: lint
	@$(MAKE) --no-print-directory -j 2 types unit

test-browser: $(DEV)
	$(BIN)/pytest -q -m browser $(ARGS)

test-postgres: $(DEV)
	@$(BIN)/python tests/postgres $(BIN)/pytest -q tests/contracts/test_store.py -k postgresql $(ARGS)

test-render: $(DEV)
	$(BIN)/pytest -q -m programs $(ARGS)

cluster: $(DEV)
	@$(BIN)/python tests/cluster

test-cluster: $(DEV)
	$(BIN)/pytest -q -m cluster $(ARGS)

picture: $(DEV)
	$(BIN)/python tests/browser/picture.py

bench: $(DEV)
	$(BIN)/python -m benchmarks $(ARGS)

reference: $(DEV)
	for page in api cli json checks exit-codes kubernetes-kinds; do $(BIN)/python -m lastgood.cli.reference $$page > docs/reference/$$page.md; done

lock:
	$(BIN)/pip install --quiet uv
	echo setuptools | $(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --no-emit-index-url --no-annotate - -o requirements/build.txt
	$(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --no-emit-index-url --no-annotate pyproject.toml -o requirements/run.txt
	$(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --no-emit-index-url --no-annotate pyproject.toml --extra dev -c requirements/run.txt -o requirements/dev.txt

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
