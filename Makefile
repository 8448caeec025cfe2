# make demo: sets up everything and serves the demo at http://127.0.0.1:7860
# make test: sets up everything and runs the tests
# make test-fast: only those that need no server, no browser and not much time
# make lint: checks style, imports and types; make format: puts the style right
# make space REPO=USER/NAME: creates or updates a Space on the Hugging Face Hub (after `hf auth login`)
# make lighthouse: Lighthouse's scores for a demo that runs at URL (Node.js and Chromium needed)
# make docker: builds a container image of the demo
# make reproduce UTKFACE="PATH..." FAIRFACE="PATH..." AAF="PATH...": from the data to a checkpoint and its
#   card in OUT, as the shipped one came about. FAIRFACE and AAF may be left out. Given again, it goes on
#   where it was stopped.
#
# Options, for example `make test PYTEST_ARGS="tests/age_model/page -x"`:
#   PYTHON       interpreter to make the environment with (3.11 or later)
#   VENV         folder of the environment
#   TORCH_INDEX  package index to take torch from, such as https://download.pytorch.org/whl/cpu
#   PYTEST_ARGS  handed to pytest
#   SPACE_ARGS   handed to train.space, such as --dry-run or --private
#   ENGINE, IMAGE  program that builds the image (docker), and the image's name
#   DATA, OUT    folders of `reproduce`: the prepared data, the checkpoint (its runs are in runs)
#   PROFILE      variant of the training presets, such as gpu
#   FINETUNE_ARGS  handed to train.finetune, such as --stop_after_minutes 60

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
TORCH_INDEX ?=
PYTEST_ARGS ?= tests
REPO ?=
SPACE_ARGS ?=
ENGINE ?= docker
IMAGE ?= how-old
URL ?= http://127.0.0.1:7860
UTKFACE ?=
FAIRFACE ?=
AAF ?=
PROFILE ?=
FINETUNE_ARGS ?=
DATA ?= data
RUNS := runs
OUT ?= $(RUNS)/checkpoint

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
SYSTEM_PACKAGES := $(shell cat packages.txt)
IS_ROOT := $(filter 0,$(shell id -u))
BROWSERS := chromium chromium-browser google-chrome google-chrome-stable

.PHONY: demo test test-fast lint format space lighthouse docker reproduce clean
.DELETE_ON_ERROR:

demo: $(VENV)/demo.stamp
	$(BIN)/python app.py --host 127.0.0.1 --port 7860

test: $(VENV)/test.stamp
	@for name in $(BROWSERS); do command -v $$name >/dev/null && exit 0; done; \
	echo "No Chromium here: the browser tests are skipped. Get it with: apt-get install chromium"
	$(BIN)/python -m pytest $(PYTEST_ARGS)

test-fast: $(VENV)/test.stamp
	@# Two processes with a thread each: threads of torch would only get in each other's way.
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -m "not slow and not server and not e2e" $(PYTEST_ARGS)

lint: $(VENV)/test.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/mypy

format: $(VENV)/test.stamp
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

space: $(VENV)/demo.stamp
	@test -n "$(REPO)" || { echo "Say which Space: make space REPO=USER/NAME"; exit 1; }
	$(BIN)/python -m train.space --repo $(REPO) $(SPACE_ARGS)

lighthouse:
	@for name in $(BROWSERS); do found=$$(command -v $$name) && break; done; \
	CHROME_PATH=$$found npx --yes lighthouse@13.5.0 $(URL) --quiet \
		--only-categories=accessibility,best-practices,performance --preset=desktop \
		--chrome-flags="--headless --no-sandbox" --output=html --output=json \
		--output-path=artifacts/lighthouse

docker:
	$(ENGINE) build --tag $(IMAGE) $(if $(TORCH_INDEX),--build-arg TORCH_INDEX=$(TORCH_INDEX)) .
	@echo "Serve it at http://127.0.0.1:7860 with: $(ENGINE) run --publish 7860:7860 $(IMAGE)"

# Each step ends with a file that the next one waits for.
reproduce: $(OUT)/README.md
	@echo "The checkpoint, its results and its card are in $(OUT)."

$(DATA)/report.json: | $(VENV)/train.stamp
	@test -n "$(UTKFACE)" || { \
	echo "Say where the data is, UTKFace at least: make reproduce" \
	'UTKFACE="part1.tar.gz ..." FAIRFACE="train.parquet val.parquet" AAF="FOLDER"'; exit 1; }
	$(BIN)/python -m train.prepare --utkface $(UTKFACE) $(if $(FAIRFACE),--fairface $(FAIRFACE)) \
		$(if $(AAF),--all_age_faces $(AAF)) --out $(DATA)

# A training that was stopped resumes by itself; 75 is what it ends with when its minutes are over.
.PRECIOUS: $(RUNS)/%/final/config.json
$(RUNS)/%/final/config.json: train/configs/%.json $(DATA)/report.json
	$(BIN)/python -m train.finetune --config $< $(if $(PROFILE),--profile $(PROFILE)) \
		--data $(DATA) --output_dir $(RUNS)/$* $(FINETUNE_ARGS) || { status=$$?; \
	if [ $$status -eq 75 ]; then echo "Its minutes are over. Give the same command to go on."; fi; \
	exit $$status; }
$(RUNS)/student/final/config.json: $(RUNS)/teacher/final/config.json
$(RUNS)/ensemble_distillation/final/config.json: $(RUNS)/student/final/config.json

ADJUSTED := $(RUNS)/adjusted/final
$(ADJUSTED)/config.json: $(RUNS)/ensemble_distillation/final/config.json
	$(BIN)/python -m train.adjust --model $(RUNS)/ensemble_distillation/final --data $(DATA) \
		--out $(RUNS)/adjusted

$(OUT)/README.md: $(ADJUSTED)/config.json
	$(BIN)/python -m train.export --model $(ADJUSTED) --out $(OUT)
	$(BIN)/python -m train.calibrate --model $(OUT) --data $(DATA)
	$(BIN)/python -m train.evaluate --model $(OUT) --data $(DATA) --split test --out $(RUNS)/evaluation
	cp $(RUNS)/evaluation/results.json $(OUT)
	$(BIN)/python -m train.robustness --model $(OUT) --data $(DATA) --split test --out $(RUNS)/robustness
	cp $(RUNS)/robustness/robustness.json $(OUT)
	$(BIN)/python -m train.end_to_end --model $(OUT) --data $(DATA) --split test --out $(RUNS)/end_to_end
	cp $(RUNS)/end_to_end/end_to_end.json $(OUT)
	$(BIN)/python -m train.deletion --model $(OUT) --data $(DATA) --split test --out $(RUNS)/deletion
	cp $(RUNS)/deletion/deletion.json $(OUT)
	$(BIN)/python -m train.model_card --checkpoint $(OUT)

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
	$(PIP) install -r requirements.txt -r train/requirements.txt -r tests/requirements.txt
	@touch $@

$(VENV)/train.stamp: train/requirements.txt $(VENV)/demo.stamp
	$(PIP) install -r requirements.txt -r train/requirements.txt
	@touch $@
