# Two commands do everything on a fresh machine: `make app` and `make test`.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed

.PHONY: help app test install browser lint bench screenshots clean

help:
	@echo "make app          set up, index the sample documents, open the chat"
	@echo "make test         set up, run every test (models and browser too)"
	@echo "make install      set up only"
	@echo "make lint         ruff and mypy"
	@echo "make bench        timings on this machine"
	@echo "make screenshots  draw the README's pictures again"

$(INSTALLED): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Footnote needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(PY) || { echo "Making $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "Installing requirements.txt (llama-cpp-python compiles for about 4 minutes the first time)"
	@$(PY) -m pip install --quiet --disable-pip-version-check --upgrade pip
	@$(PY) -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	@touch $@

install: $(INSTALLED)

app: install
	@$(PY) -m rag app

# Chromium already there, else Debian's package, else Playwright's own download; Tesseract by Debian's package.
browser: install
	@$(PY) tests/fakes/browser.py

lint: install
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

test: install browser lint
	@$(PY) -m pytest

bench: install
	@$(PY) -m rag bench

screenshots: browser
	@PYTHONPATH=. $(PY) tests/screenshots.py

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
