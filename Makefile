# make demo: sets up everything and serves the demo at http://127.0.0.1:7860
# make test: sets up everything and runs the tests
#
# Options, for example `make test PYTEST_ARGS="tests/app -x"`:
#   PYTHON       interpreter to make the environment with (3.11 or later)
#   VENV         folder of the environment
#   TORCH_INDEX  package index to take torch from, such as https://download.pytorch.org/whl/cpu
#   PYTEST_ARGS  handed to pytest

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
TORCH_INDEX ?=
PYTEST_ARGS ?= tests

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
SYSTEM_PACKAGES := $(shell cat packages.txt)
IS_ROOT := $(filter 0,$(shell id -u))
BROWSERS := chromium chromium-browser google-chrome google-chrome-stable

.PHONY: demo test clean
.DELETE_ON_ERROR:

demo: $(VENV)/demo.stamp
	$(BIN)/python app.py --host 127.0.0.1 --port 7860

test: $(VENV)/test.stamp
	@for name in $(BROWSERS); do command -v $$name >/dev/null && exit 0; done; \
	echo "No Chromium here: the browser tests are skipped. Get it with: apt-get install chromium"
	$(BIN)/python -m pytest $(PYTEST_ARGS)

clean:
	rm -rf $(VENV)

$(BIN)/python:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo "Python 3.11 or later is needed, got: $(PYTHON)." \
	"Install it, or name it: make PYTHON=/path/to/python3.11"; exit 1; }
	@# Debian's python3 comes without the part that makes environments.
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
	package=python$$("$(PYTHON)" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv; \
	if [ -n "$(IS_ROOT)" ] && command -v apt-get >/dev/null; \
	then apt-get update && apt-get install -y --no-install-recommends $$package; \
	else echo "Python cannot make environments here. Install this first:" \
	"sudo apt-get install $$package"; exit 1; fi; }
	"$(PYTHON)" -m venv "$(VENV)" || { rm -rf "$(VENV)"; exit 1; }

$(VENV)/demo.stamp: requirements.txt packages.txt | $(BIN)/python
	@# Alone and first where its index is given: only that index has the build that is wanted.
	$(if $(TORCH_INDEX),$(PIP) install --index-url $(TORCH_INDEX) $(shell grep '^torch==' requirements.txt))
	$(PIP) install -r requirements.txt
	@$(BIN)/python -c 'import cv2' || { \
	if [ -n "$(IS_ROOT)" ] && command -v apt-get >/dev/null; \
	then apt-get update && apt-get install -y --no-install-recommends $(SYSTEM_PACKAGES); \
	else echo "OpenCV needs system libraries that are missing. Install them, then run make again:" \
	"sudo apt-get install $(SYSTEM_PACKAGES)"; exit 1; fi; }
	@$(BIN)/python -c 'import cv2'
	@touch $@

$(VENV)/test.stamp: tests/requirements.txt train/requirements.txt $(VENV)/demo.stamp
	$(PIP) install -r tests/requirements.txt
	@touch $@
