# Everything a person types. Each target that needs the environment makes it first, in $(VENV).
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

DEMO_DIR ?= runs/demo
DEMO_FLAGS ?= --max_minutes=5
PYTEST_FLAGS ?=
JOBS ?= 2

# pip's own remarks (a newer pip, running as root) are no news here; its errors still show under -qq.
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

.DEFAULT_GOAL := help
.PHONY: help install demo test lint format deep bazel lock clean

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 12

install: $(STAMP)  ## make the environment in .venv

$(STAMP): setup.py pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	  echo "Expected Python 3.10 or newer. Received: PYTHON=$(PYTHON), `$(PYTHON) --version 2>&1`" >&2; exit 1; }
	@echo "Preparing the environment in $(VENV)"
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { \
	  echo "Expected that '$(PYTHON) -m venv' works. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "Installing tfflows and what it needs (a minute or two: TensorFlow is large)"
	@$(BIN)/python -m pip install -qq -e '.[dev]'
	@touch $@
	@echo "The environment is ready"

demo: $(STAMP)  ## train a small Glow on handwritten digits
	@$(BIN)/python -m trainers.glow --dataset=digits --workdir=$(DEMO_DIR) $(DEMO_FLAGS)

lint: $(STAMP)  ## ruff on everything
	@$(BIN)/ruff check .

format: $(STAMP)  ## let ruff lay out the code
	@$(BIN)/ruff format .

test: $(STAMP) lint  ## the linter and the test suite
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile $(PYTEST_FLAGS)

deep: $(STAMP)  ## the slow tests that `make test` leaves out
	@$(BIN)/python -m pytest -q -m deep $(PYTEST_FLAGS)

# The tools come from npm and live in a temporary folder. Bazel 2.1.0 is the last one there; it can query, not build.
bazel: $(STAMP)  ## buildifier on BUILD and MODULE.bazel, and a bazel query (needs npm)
	@set -e; tools=`mktemp -d`; trap 'rm -rf "$$tools"' EXIT; \
	npm install --silent --no-audit --no-fund --prefix "$$tools" @bazel/buildifier @bazel/bazel-linux_x64@2.1.0; \
	"$$tools"/node_modules/.bin/buildifier -mode=check -lint=warn BUILD MODULE.bazel; \
	BAZEL="$$tools"/node_modules/.bin/bazel $(BIN)/python -m pytest -q -m deep tests/project/test_bazel.py

lock: $(STAMP)  ## write down the exact versions installed, for Bazel and as the record of what was tested
	@$(BIN)/python -m pip freeze --all --exclude pip --exclude-editable > requirements_lock.txt

clean:  ## remove the environment and caches; runs/ stays
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache
