# The commands of this project; `make help` lists them. Everything is made in .venv, .venv-ansible and var, and nowhere else.

PYTHON ?= python3
BIN := .venv/bin
# Tied to make: if make is killed, whatever it started ends too.
RUN := exec $(BIN)/python -m standalone.tied SIGTERM -- $(BIN)/python -m standalone

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help up demo stop test test-vm test-ansible lint-ansible chaos soak bench bench-limits bench-rows scaling lint format lock scan sbom \
	setup clean
MAKEFLAGS += --no-print-directory

help: ## Print this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name text; do \
		printf '  make %-12s %s\n' "$$name" "$$text"; done

up: ## Set up and start everything, grade the examples, stay up until Ctrl-C (SHIPD_PORT=8000 fixes the API's port)
	@$(PYTHON) -m standalone.preflight --ports
	@$(PYTHON) -m standalone.bootstrap
	@$(RUN) up

demo: ## The same, then stop: exits 0 only if every example got the verdict it should
	@$(PYTHON) -m standalone.preflight --ports
	@$(PYTHON) -m standalone.bootstrap
	@$(RUN) demo

stop: ## Stop what `make up` started in this clone
	@$(BIN)/python -m standalone stop

test: setup ## Run all tests against real servers, workers and jails, and check the coverage
	@$(BIN)/python -m pytest --cov --cov-report=term -n 3 --dist loadscope --no-loadscope-reorder --timeout=600

chaos: setup ## Kill, stop, empty and starve parts under load, and prove what came of it (root; ARGS="--seed 1 --json")
	@exec $(BIN)/python -m standalone.tied SIGTERM -- $(BIN)/python -m tests.chaos $(ARGS)

soak: setup ## Run 10,000 jails, hostile ones among them, and show that nothing of them remains
	@$(BIN)/python -m benchmarks.soak

bench: setup ## Measure everything in one run, on a machine that does nothing else (ARGS="--only jail,http --quick")
	@exec $(BIN)/python -m standalone.tied SIGTERM -- $(BIN)/python -m benchmarks.run $(ARGS)

bench-limits: setup ## Measure how exact limits are, and what a hostile program costs the next one (ARGS="--http")
	@exec $(BIN)/python -m standalone.tied SIGTERM -- $(BIN)/python -m benchmarks.limits $(ARGS)

bench-rows: setup ## Measure the hot calls among 1 M and 10 M submissions, in 10 GiB of var (ARGS="--sizes 100000")
	@exec $(BIN)/python -m standalone.tied SIGTERM -- $(BIN)/python -m benchmarks.rows $(ARGS)

scaling: setup ## Say what 10 to 1,000 hosts carry, by a model checked here: docs/scaling.md (idle machine; ARGS="--quick")
	@exec $(BIN)/python -m standalone.tied SIGTERM -- $(BIN)/python -m benchmarks.scaling $(ARGS)

test-vm: setup .venv-ansible/locked.stamp ## Deploy on an emulated machine with cgroup v2, then run tests/jail there (hours; ARGS="--deploy" or "-k box")
	@exec $(BIN)/python -m standalone.tied SIGTERM -- $(BIN)/python -m tests.vm $(ARGS)

test-ansible: setup lint-ansible ## Run all playbooks against booted machines, as root (minutes; ARGS="-k platform" for some of it)
	@exec $(BIN)/python -m standalone.tied SIGTERM -- $(BIN)/python -m pytest --no-cov -p no:cacheprovider \
		--confcutdir=tests/ansible tests/ansible $(ARGS)

lint-ansible: .venv-ansible/locked.stamp ## Check playbooks and roles by ansible-lint's profile for production
	@cd ansible && PATH="$(CURDIR)/.venv-ansible/bin:$$PATH" ansible-lint --offline --nocolor -qq

.venv-ansible/locked.stamp: ansible/requirements.lock
	@$(PYTHON) -m venv --clear .venv-ansible
	@.venv-ansible/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

lint: setup ## Check style, types and the arrows between packages
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: setup ## Format the sources
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

scan: setup ## Ask whether anything that is pinned has a known fault (needs the internet)
	@$(BIN)/pip-audit --disable-pip --require-hashes --requirement requirements.lock

sbom: setup ## Write what all of it is made of to var/sbom.cdx.json (CycloneDX)
	@mkdir -p var
	@$(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible --output-format JSON \
		--output-file var/sbom.cdx.json requirements.lock
	@echo "shipd: var/sbom.cdx.json"

lock: ## Pin every dependency with its hashes in requirements.lock and ansible/requirements.lock (needs uv)
	@UV_CUSTOM_COMPILE_COMMAND="make lock" $(or $(UV),uv) pip compile --quiet --generate-hashes --no-emit-index-url \
		--no-strip-extras --python-version 3.11 --all-extras setup.cfg --output-file requirements.lock
	@UV_CUSTOM_COMPILE_COMMAND="make lock" $(or $(UV),uv) pip compile --quiet --generate-hashes --no-emit-index-url \
		--no-strip-extras --python-version 3.11 ansible/requirements.in --output-file ansible/requirements.lock

setup: ## Make .venv from requirements.lock and build the sandbox's init
	@$(PYTHON) -m standalone.preflight
	@$(PYTHON) -m standalone.bootstrap

clean: ## Remove .venv, .venv-ansible and var: everything that was made here, submissions and keys included
	@rm -rf .venv .venv-ansible var
