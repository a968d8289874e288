# `make help` lists what there is. Nothing here needs root but the test cluster.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
ROOT := $(CURDIR)
VENV := $(ROOT)/.venv
INSTALL := roles/apps_environment/files/install_environment.sh
COLLECTION := .ansible/collections/ansible_collections/deepobs/eks
export ANSIBLE_CONFIG := $(ROOT)/ansible.cfg
export DEEPOBS_RUNS_DIR ?= $(ROOT)/runs
PLAYBOOK := $(VENV)/bin/ansible-playbook
PYTEST := $(VENV)/bin/pytest -q --durations=5
CLUSTER := PYTHONPATH=tests $(VENV)/bin/python -m cluster

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: environment
environment: $(COLLECTION)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed, and $(PYTHON) is $$($(PYTHON) -V): name another by make PYTHON=…" >&2; exit 2; }
	@echo "· environment: $(VENV) (once, about half a minute)"
	@$(INSTALL) "$(PYTHON)" "$(VENV)" requirements/controller.txt

$(COLLECTION):
	@mkdir -p $(@D) && ln -sfn ../../../.. $@

.PHONY: demo
demo: environment ## everything on this machine: environment, platform, shop, load test, report
	@$(PLAYBOOK) playbooks/site.yml -e '{"stress_test_command": "make demo"}'

.PHONY: down
down: ## stop what demo started
	@if [ -x $(PLAYBOOK) ]; then $(PLAYBOOK) playbooks/teardown.yml --tags local_environment; else echo "nothing was started"; fi

.PHONY: status
status: environment ## what runs, what is traced, what the add-on says
	@$(PLAYBOOK) playbooks/status.yml

.PHONY: report
report: ## the last run's figures, and where its page lies
	@PYTHONPATH=apps $(VENV)/bin/python -m report show runs/latest

.PHONY: test-environment
test-environment: $(COLLECTION)
	@$(INSTALL) "$(PYTHON)" "$(VENV)" requirements/dev.txt

.PHONY: lint
lint: test-environment ## ruff, mypy, ansible-lint, changelog, the reference
	@echo "· ruff" && $(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check --quiet .
	@echo "· mypy" && $(VENV)/bin/mypy apps plugins tests
	@echo "· ansible-lint" && PATH="$(VENV)/bin:$$PATH" $(VENV)/bin/ansible-lint --offline -q
	@echo "· changelog" && $(VENV)/bin/antsibull-changelog lint
	@echo "· reference" && docs/generate.sh $(VENV) build/reference
	@diff -r docs/reference build/reference || { echo "docs/reference is not what the modules say: run make docs" >&2; exit 1; }

.PHONY: docs
docs: test-environment ## generate docs/reference out of the modules' own documentation
	@docs/generate.sh $(VENV)

.PHONY: unit
unit: test-environment ## the tests of each room at its door
	@$(PYTEST) --numprocesses 3 --cov=plugins --cov-branch --cov-fail-under=95 \
	  --cov-report=term-missing:skip-covered tests/unit

.PHONY: integration
integration: test-environment ## modules against the AWS stand-in: targets by ansible-playbook, faults, kills, permissions
	@$(PYTEST) --numprocesses 3 tests/integration

.PHONY: sanity
sanity: test-environment ## ansible-test sanity on the installed artifact
	@tests/sanity/run.sh "$(VENV)"

.PHONY: molecule
molecule: test-environment ## converge, idempotence, verify on a platform of its own
	@PATH="$(VENV)/bin:$$PATH" $(VENV)/bin/molecule test

.PHONY: e2e
e2e: test-environment ## whole playbooks: check, run, load, report, faults, the artifact
	@$(PYTEST) --numprocesses 2 --dist loadfile --timeout 900 tests/e2e

.PHONY: test
test: ## every test that needs no root
	@tests/run.sh

.PHONY: cluster-packages
cluster-packages:
	@tests/system_packages.sh containerd runc iptables nft=nftables ip=iproute2 \
	  /usr/lib/cni/bridge=containernetworking-plugins || true # what then lacks is told by who needs it

.PHONY: cluster
cluster: test-environment cluster-packages ## a real Kubernetes of two nodes for tests, as root; built the first time
	@$(CLUSTER) up

.PHONY: cluster-down
cluster-down: ## stop it and remove what it left
	@$(CLUSTER) down

.PHONY: test-cluster
test-cluster: test-environment cluster-packages ## every test that wants a real Kubernetes, on a cluster of their own
	@$(CLUSTER) build || [ $$? -eq 3 ] # no cluster can run here: then the tests say why
	@$(PYTEST) tests/cluster

.PHONY: bench-playbook
bench-playbook: test-environment ## what a converged rerun costs over tasks that do nothing
	@PYTHONPATH=apps:tests $(VENV)/bin/python tests/benchmarks/playbook.py

.PHONY: bench-localaws
bench-localaws: test-environment ## what the AWS stand-in bears, and what the daemon loses
	@PYTHONPATH=apps:tests $(VENV)/bin/python tests/benchmarks/localaws.py

.PHONY: bench-apps
bench-apps: test-environment ## what tracing costs a request, what a cached answer costs, orders a second, what both tiers bear
	@tests/system_packages.sh wrk
	@PYTHONPATH=apps:tests $(VENV)/bin/python tests/benchmarks/apps.py $(PARTS)

.PHONY: performance
performance: test-environment ## put the last figures of bench-apps into docs/performance.md
	@PYTHONPATH=apps:tests $(VENV)/bin/python tests/benchmarks/performance_page.py

.PHONY: bench-yardstick
bench-yardstick: test-environment ## the backend's cached answers beside those of Fastify, which npm installs
	@tests/system_packages.sh wrk npm
	@PYTHONPATH=apps:tests $(VENV)/bin/python tests/benchmarks/yardstick/measure.py

.PHONY: fuzz-tracing
fuzz-tracing: test-environment ## a million random requests, traced and not: the same outcome, valid segments, nothing lost
	@PYTHONPATH=apps:tests $(VENV)/bin/python -m fuzz

.PHONY: fuzz-api
fuzz-api: test-environment ## schemathesis on the API for longer: API_FUZZ_EXAMPLES=300 of each operation, API_FUZZ_SEED=1
	@API_FUZZ_EXAMPLES=$${API_FUZZ_EXAMPLES:-300} $(PYTEST) --numprocesses 2 --timeout 7200 \
	  tests/unit/apps/backend/test_schemathesis.py

.PHONY: clean
clean: down ## stop what demo started and remove what it left, except the reports
	@rm -rf "$(VENV)" .ansible build .mypy_cache .pytest_cache .ruff_cache .hypothesis
