# Two commands do everything on a fresh machine: `make app` and `make test`.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev
PIP := -m pip install --disable-pip-version-check --progress-bar off --requirement
# On Linux the registry has torch for CUDA only: the CPU build is taken if it is there or in a local folder,
# else from PyTorch's own index.
TORCH_INDEX := https://download.pytorch.org/whl/cpu
TORCH := -m pip install --disable-pip-version-check --no-deps $(shell sed -n 's/^\(torch==[^ ]*\).*/\1/p' requirements.txt)
HEARTBEAT := $(PY) .ci/heartbeat.py

.PHONY: help app test check install install-dev browser lint lock sbom licences bench screenshots clean

help:
	@echo "make app          set up, index the sample documents, open the chat"
	@echo "make test         set up, run every test (models and browser too)"
	@echo "make check        the fast checks, for every commit"
	@echo "make install      set up only; make install-dev: with the tools for development"
	@echo "make lint         ruff and mypy"
	@echo "make lock         write requirements.txt and requirements-dev.txt from pyproject.toml"
	@echo "make sbom         list what users install, as CycloneDX, in dist/sbom.json"
	@echo "make licences     list its licences in dist/licences.md"
	@echo "make bench        timings on this machine"
	@echo "make screenshots  draw the README's pictures again"

$(INSTALLED): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Footnote needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(PY) || { echo "Making $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@test "$$(uname)" != Linux || { \
	  $(PY) $(TORCH) --no-index --dry-run >/dev/null 2>&1 && from=--no-index || from=--index-url=$(TORCH_INDEX); \
	  $(HEARTBEAT) "Installing PyTorch for CPU" $(PY) $(TORCH) $$from; }
	@echo "llama-cpp-python compiles the first time, for about 4 minutes."
	@$(HEARTBEAT) "Installing requirements.txt" $(PY) $(PIP) requirements.txt
	@touch $@

$(INSTALLED_DEV): requirements-dev.txt $(INSTALLED)
	@$(HEARTBEAT) "Installing requirements-dev.txt" $(PY) $(PIP) requirements-dev.txt
	@touch $@

install: $(INSTALLED)

install-dev: $(INSTALLED_DEV)

app: install
	@$(PY) -m rag app

# Chromium already there, else Debian's package, else Playwright's own download; Tesseract by Debian's package.
browser: install-dev
	@$(HEARTBEAT) --show "Looking for Chromium and Tesseract" $(PY) tests/fakes/browser.py

lint: install-dev
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(HEARTBEAT) --show "Checking types" $(PY) -m mypy

test: install-dev browser lint
	@$(HEARTBEAT) --show "Running every test" $(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: lint
	@$(HEARTBEAT) --show "Running the fast tests" $(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow"

lock: install-dev
	@$(PY) .ci/lock.py

sbom: install-dev
	@mkdir -p dist
	@$(VENV)/bin/cyclonedx-py requirements requirements.txt --pyproject pyproject.toml --output-file dist/sbom.json

licences: install-dev
	@mkdir -p dist
	@$(VENV)/bin/pip-licenses --python=$(PY) --from=mixed --format=markdown --with-urls --output-file dist/licences.md \
	  --packages $$(sed -n 's/==.*//p' requirements.txt)

bench: install-dev
	@$(PY) -m rag bench

screenshots: browser
	@PYTHONPATH=. $(PY) tests/screenshots.py

clean:
	rm -rf $(VENV) dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
