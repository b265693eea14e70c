# Every verb of the project; CI calls the same ones. `make help` lists them.
# Needs Python ≥ 3.11, Node ≥ 20 and GNU make. Everything it installs stays in this folder.

PYTHON ?= python3
# Checked only: npm, esbuild and the tests start the one on PATH.
NODE ?= node
PORT ?= 8080
ARGS ?=
SEED ?= 0
SEEDS ?= 40
HOURS ?= 25
EFFORT ?= 1

PY := .venv/bin/python
TOOL := .venv/bin/web-runtime
BIN := node_modules/.bin
JS := "js_shim/**/*.js" "demo_h5/pages/**/*.js" "demo_h5/miniprogram/**/*.js" "tests/**/*.{js,mjs}" "web_runtime/build/*.mjs" "web_runtime/dev/*.js" eslint.config.js

# A stamp's name holds the checksum of its inputs: what is done for these inputs is not done again.
key = $(shell cat $(1) 2>/dev/null | cksum | cut -d' ' -f1)
PYTHON_STAMP := .cache/stamps/python-$(call key,pyproject.toml requirements.lock)
NODE_STAMP := .cache/stamps/node-$(call key,package-lock.json .npmrc)
VENDOR_STAMP := .cache/stamps/vendor-$(call key,web_runtime/vendor.lock.json package-lock.json web_runtime/unpack.py)
TRAIN_STAMP := .cache/stamps/train-$(call key,requirements-train.lock)

# What was deleted, or points to a Python that is gone, is set up again.
$(if $(wildcard $(PY)),,$(shell rm -f .cache/stamps/python-*))
$(if $(wildcard $(BIN)/esbuild),,$(shell rm -f .cache/stamps/node-*))

.DEFAULT_GOAL := help
.PHONY: help demo test check fix bench simulate build serve setup engines train clean distclean tools demo-site

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s%s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: build demo-site ## set up, build, drive the demo shop once and keep serving (HEADLESS=0 only serves)
	@$(PY) -m demo_h5.tour $(ARGS)

test: build demo-site ## set up, build, run every test (ARGS go to pytest, EFFORT=20 tries longer)
	@EFFORT=$(EFFORT) $(PY) -m tests $(ARGS)

check: setup ## formatting, lint and types, Python and JavaScript
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(BIN)/prettier --check $(JS)
	$(BIN)/eslint $(JS)
	$(BIN)/tsc -p tsconfig.json
	$(BIN)/tsc -p tsconfig.worker.json
	$(BIN)/tsc -p tsconfig.tests.json
	$(BIN)/tsc -p tsconfig.miniprogram.json

fix: setup ## what check can repair by itself
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .
	$(BIN)/prettier --write --log-level warn $(JS)
	$(BIN)/eslint --fix $(JS)

bench: build demo-site ## a table of ratios, and bench-results/latest.json
	@$(PY) -m tests.bench $(ARGS)

simulate: setup ## SEEDS lives of HOURS simulated hours each, with faults, from SEED on
	@$(PY) -m tests.simulation --first-seed $(SEED) --seeds $(SEEDS) --hours $(HOURS)

build: setup ## web_runtime/dist, what a page loads
	@$(TOOL) build

serve: build demo-site ## serve the demo shop (PORT=8080)
	@$(TOOL) serve demo_h5/dist --port $(PORT)

setup: tools $(PYTHON_STAMP) $(NODE_STAMP) $(VENDOR_STAMP) ## Python and Node packages, Pyodide, ONNX Runtime, a browser

engines: ## Firefox, WebKitGTK and a whole Chromium for the tests, by apt (needs root)
	@sh tests/engines/install.sh

train: setup $(TRAIN_STAMP) ## train the demo's ranking model again (downloads data)
	@OMP_NUM_THREADS=1 .cache/train/bin/python -m demo_h5.models.train_ranker $(ARGS)

clean: ## remove what was built; downloads and packages stay
	rm -rf web_runtime/dist demo_h5/dist bench-results test-results .cache/build

distclean: clean ## remove downloads and packages as well
	rm -rf .cache .venv node_modules

demo-site: build
	@$(PY) -m demo_h5.build

tools:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Python 3.11 or newer is needed; '$(PYTHON)' is: $$($(PYTHON) --version 2>&1 || true)." \
	       "Install one, or name it: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(NODE) -e 'process.exit(+(process.versions.node.split(".")[0] < 20))' 2>/dev/null || { \
	  echo "Node 20 or newer is needed; '$(NODE)' is: $$($(NODE) --version 2>&1 || true)." \
	       "Install one and put it first on PATH." >&2; exit 1; }

$(PYTHON_STAMP): | tools
	@echo "→ Python packages (.venv)"
	@$(PYTHON) -m venv --clear .venv || { \
	  echo "'$(PYTHON) -m venv' failed: its venv module is missing" \
	       "(Debian, Ubuntu: install python3-venv), or name another Python: make PYTHON=…" >&2; exit 1; }
	@$(PY) -m pip install --disable-pip-version-check --only-binary :all: --require-hashes -r requirements.lock
	@$(PY) -m pip install --disable-pip-version-check --no-build-isolation --no-deps -q -e .
	@mkdir -p $(@D) && rm -f $(@D)/python-* && touch $@

$(NODE_STAMP): | tools
	@echo "→ Node packages (node_modules)"
	@npm ci --ignore-scripts
	@mkdir -p $(@D) && rm -f $(@D)/node-* && touch $@

$(VENDOR_STAMP): | $(PYTHON_STAMP) $(NODE_STAMP)
	@echo "→ Pyodide packages and the headless browser (.cache)"
	@$(TOOL) vendor
	@mkdir -p $(@D) && rm -f $(@D)/vendor-* && touch $@

$(TRAIN_STAMP): | tools
	@echo "→ training packages (.cache/train)"
	@$(PYTHON) -m venv --clear .cache/train
	@.cache/train/bin/python -m pip install --disable-pip-version-check --only-binary :all: --require-hashes -r requirements-train.lock
	@mkdir -p $(@D) && rm -f $(@D)/train-* && touch $@
