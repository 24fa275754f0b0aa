# Two commands: `make up` shows the whole of Falaj at work on this machine, `make test` proves it.
.DEFAULT_GOAL := help
PYTHON := .venv/bin/python
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: ## install everything into .venv, once
	@sh tools/setup.sh

up: setup ## plan, judge, apply, train, compress, serve and watch, all on this machine
	@.venv/bin/falaj up --env local

down: setup ## stop and remove what `make up` made
	@.venv/bin/falaj down --env local

test: setup lint opa admission checkov features ## prove all of it
	@$(PYTHON) -m pytest -n $(JOBS) --dist loadfile

test-long: setup node ## what takes minutes: images built for real (root, buildah and debootstrap), containers on a real node (root), all mutations of rules
	@$(PYTHON) -m pytest -m long

test-transformers5: .cache/transformers5/installed ## data, training and evaluation on torch 2.11 and transformers 5
	@.cache/transformers5/bin/python -m pytest tests/workloads --ignore tests/workloads/bench --ignore tests/workloads/edge --ignore tests/workloads/serve

lint: setup ## style and types
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/ty check --error-on-warning

opa: ## build the real OPA, conftest and the linter of workflows where Go is at hand; the tests that need them say so otherwise
	@if command -v go >/dev/null; then $(MAKE) -s -C tests/tools opa conftest actionlint; else echo "no Go here: rules are tested on the embedded engine only"; fi

admission: ## build what the tests on Kubernetes ask: a control plane, nodes to play with, and Gatekeeper (twelve minutes, once)
	@if command -v go >/dev/null; then $(MAKE) -s -C tests/tools cluster gatekeeper; else echo "no Go here: the tests on Kubernetes are skipped"; fi

node: ## build all of a real single-node Kubernetes, for `falaj up --kubernetes node` and the tests on it (fifteen minutes, once; gcc and libseccomp-dev)
	@if command -v go >/dev/null; then $(MAKE) -s -C tests/tools node; else echo "no Go here: there is no real node"; fi

checkov: .cache/checkov/installed ## checkov in an environment of its own, for `falaj gate --checkov`

.cache/checkov/installed: requirements/checkov.txt
	@sh tools/setup.sh checkov

features: .cache/feast/installed ## Feast in an environment of its own, for `falaj data features`

.cache/feast/installed: requirements/feast.txt
	@sh tools/setup.sh feast

.cache/transformers5/installed: requirements/transformers5.txt
	@sh tools/setup.sh transformers5

lock: ## resolve the dependencies anew (needs uv)
	@sh tools/lock.sh

.PHONY: help setup up down test test-long test-transformers5 lint opa admission node checkov features lock
