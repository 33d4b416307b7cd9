# All commands of the project; `make help` lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help

PYTHON ?= $(shell sh launcher/find-python.sh)
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
# Bytecode is compiled at installation. Otherwise the first start would, or every start if the folder is read-only.
INSTALL := $(UV) pip install --quiet --python $(BIN)/python --no-deps --require-hashes --compile-bytecode -r

CAMERA ?=
REDIS_URL ?=
# Addresses of cameras and Redis may contain passwords. Recipes read them from the environment as shell variables
# ($$CAMERA), because every user can read command lines in ps.
SHOWN = $(if $(and $(findstring command,$(origin $(1))),$(findstring ://,$($(1)))),echo "warning: every user of this machine can read $(1) on the command line of make; set it before make: $(1)=... make $@" >&2;)
DATA ?= data/fer2013.csv
RECIPE ?= training/recipes/baseline.toml
RUN ?= runs/latest
RUNS ?=
TEACHERS ?=
INIT_FROM ?=
VERSION ?=
BENCH ?=
QUICK ?=
SEED ?=
CASES ?=
MINUTES ?=
SECONDS ?=
TARGETS ?=
REPLAY ?=
COMPOSE ?= docker compose
WORKERS ?=
# tests/conftest.py decides which tests run in the same worker. Unit tests compute: one worker for each core. Others mostly wait: four.
PYTEST = $(BIN)/python -m pytest

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.dev ## Create .venv with all development dependencies

run: $(VENV)/.run ## Start every service here, without Docker (CAMERA=demo|0|/dev/video1|URL|FILE)
	@$(call SHOWN,CAMERA) \
	if [ -n "$$CAMERA" ]; then export EMOTION_LAUNCHER_CAMERA="$$CAMERA"; fi; \
	exec $(BIN)/python -m launcher

capture: $(VENV)/.capture ## Start capture alone, for a Redis elsewhere (REDIS_URL=redis://host:6379/0 CAMERA=0)
	@$(call SHOWN,CAMERA) $(call SHOWN,REDIS_URL) \
	if [ -n "$$REDIS_URL" ]; then export EMOTION_CAPTURE_REDIS_URL="$$REDIS_URL"; fi; \
	if [ -n "$$CAMERA" ]; then export EMOTION_CAPTURE_CAMERAS="cam0=$$CAMERA"; fi; \
	export EMOTION_CAPTURE_CAMERAS="$${EMOTION_CAPTURE_CAMERAS:-cam0=0}"; \
	exec env -u MAKEFLAGS -u CAMERA -u REDIS_URL $(BIN)/python -m services.capture

build: ## Build the images of the services
	$(COMPOSE) build

up: ## Start the stack with Docker and wait until it is healthy
	$(COMPOSE) up --build --detach --wait
	@echo "http://$$($(COMPOSE) port gateway 8000)"

down: ## Stop and remove the stack
	$(COMPOSE) down --volumes --remove-orphans

logs: ## Follow the logs of the stack
	$(COMPOSE) logs --follow --tail 100

test: $(VENV)/.dev ## Run the tests that need Python packages only (WORKERS=3, 0 for one process)
	$(PYTEST) -n $(or $(WORKERS),3) --ignore=tests/debian --ignore=tests/browser --ignore=tests/e2e

test-unit: $(VENV)/.dev ## Run the unit and contract tests
	$(PYTEST) -n $(or $(WORKERS),auto) tests/unit tests/contract

coverage: $(VENV)/.dev ## Run the unit and contract tests, and print the branch coverage of the product's code
	$(PYTEST) -n $(or $(WORKERS),auto) --cov --cov-report=term:skip-covered tests/unit tests/contract

fuzz: $(VENV)/.dev ## Fuzz all inputs for five minutes (MINUTES=|SECONDS=|CASES=n SEED=2 TARGETS="heavy grpc" REPLAY=file)
	$(BIN)/python -m tests.fuzz $(if $(SEED),--seed "$(SEED)") $(if $(CASES),--cases "$(CASES)") $(if $(MINUTES),--minutes "$(MINUTES)") $(if $(SECONDS),--seconds "$(SECONDS)") $(if $(TARGETS),--only $(TARGETS)) $(if $(REPLAY),--replay "$(REPLAY)")

test-debian: $(VENV)/.dev ## Run the tests that need Debian packages: an RTSP server, the system's Redis
	$(BIN)/python -m pytest tests/debian

test-browser: $(VENV)/.dev ## Run the tests that need a browser, Debian's Chromium
	$(BIN)/python -m pytest tests/browser

screenshots: $(VENV)/.dev ## Take the screenshots of the dashboard for the documentation; takes six minutes
	SCREENSHOTS=docs/images $(BIN)/python -m pytest tests/browser/test_dashboard_screenshots.py

e2e: $(VENV)/.dev build ## Run the tests that need Docker; they start the stack and always remove it
	$(BIN)/python -m pytest tests/e2e

debian-packages: ## Print the Debian packages that test-debian, test-browser and e2e need
	@echo chromium faketime redis-server python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good

check: $(VENV)/.dev ## Check style, imports and types; changes nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	PYTHONPATH=client $(BIN)/lint-imports --no-logo --cache-dir .cache/import_linter
	$(BIN)/mypy

fix: $(VENV)/.dev ## Format the code and apply automatic fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

train: $(VENV)/.dev ## Train a model, or resume a run (DATA=fer2013.csv RECIPE=file.toml RUN=dir TEACHERS="run run" INIT_FROM=run)
	$(BIN)/python -m training.train --data "$(DATA)" --recipe "$(RECIPE)" --out "$(RUN)" $(if $(TEACHERS),--teachers $(TEACHERS)) $(if $(INIT_FROM),--init-from "$(INIT_FROM)")

import-run: $(VENV)/.dev ## Import a model version as a run, for INIT_FROM and TEACHERS (RUN=dir VERSION=highest)
	$(BIN)/python -m training.import_run --out "$(RUN)" $(if $(VERSION),--model "model_repo/emotion/$(VERSION)")

export: $(VENV)/.dev ## Export a run as a version for the model server (RUN=dir DATA=fer2013.csv VERSION=next)
	$(BIN)/python -m training.export.export --run "$(RUN)" --data "$(DATA)" $(if $(VERSION),--version "$(VERSION)")

evaluate: $(VENV)/.dev ## Evaluate an exported version and update the model card (DATA=fer2013.csv VERSION=highest)
	$(BIN)/python -m training.evaluation.evaluate --data "$(DATA)" $(if $(VERSION),--model "model_repo/emotion/$(VERSION)")

seed-variance: $(VENV)/.dev ## Record the results of runs with other seeds for the model card (RUNS="runs/a runs/b runs/c" VERSION=highest)
	$(BIN)/python -m training.evaluation.seed_variance $(RUNS) $(if $(VERSION),--model "model_repo/emotion/$(VERSION)")

docs: $(VENV)/.dev ## Generate docs/configuration.md from the settings
	$(BIN)/python -m docgen

bench: $(VENV)/.dev ## Measure speed (BENCH="baseline overhead stream load detection start memory scaling" QUICK=1 SEED=2)
	$(BIN)/python -m bench $(BENCH) $(if $(QUICK),--quick) $(if $(SEED),--seed "$(SEED)")

bench-competitors: $(VENV)/.dev ## Measure other systems beside this one, on the same frames; installs 2 GB into .cache/competitors (QUICK=1 SEED=2)
	$(BIN)/python -m bench.competitors $(if $(QUICK),--quick) $(if $(SEED),--seed "$(SEED)")

lock: $(VENV)/.bootstrap ## Resolve requirements/*.in into requirements/*.lock
	UV="$(abspath $(UV))" sh requirements/lock.sh

clean: ## Remove .venv and caches; keep training runs
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.bootstrap: requirements/bootstrap.lock
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is required and was not found; install it, or set its path: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) can't create virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.lock
	@touch $@

$(VENV)/.%: requirements/%.lock $(VENV)/.bootstrap
	$(INSTALL) $<
	@touch $@

.PRECIOUS: $(VENV)/.bootstrap
.PHONY: help setup run capture build up down logs test test-unit coverage fuzz test-debian test-browser screenshots e2e debian-packages check fix train import-run export evaluate seed-variance docs bench bench-competitors lock clean
