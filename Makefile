# `make demo` deploys a hosted engine in a lab on this machine; `make test` runs all that CI runs.
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .cache/venv
BIN := $(VENV)/bin
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg

include tests/lab/lab.mk

.PHONY: help demo demo-clean test venv generate packages bench-preflight
help: ## show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20

packages:
	@tests/tools/apt.sh

$(VENV)/.complete: requirements-dev.txt | packages
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --requirement requirements-dev.txt
	@touch $@

.cache/collections/ansible_collections/node0/hosted_engine:
	@mkdir -p $(@D) && ln -sfn $(CURDIR) $@

venv: packages $(VENV)/.complete .cache/collections/ansible_collections/node0/hosted_engine ## install everything a developer needs

demo: venv ## deploy a hosted engine in a lab of two hosts, and leave it up
	@$(BIN)/python tests/tools/demo.py

demo-clean: ## take the demo's lab down
	@$(MAKE) --no-print-directory lab-down LAB=demo

test: venv ## run all that CI runs; ONLY="unit ruff" runs a part
	@$(BIN)/python tests/tools/run.py $(if $(ONLY),--only $(ONLY))

bench-preflight: venv ## print the time to each verdict of the preflight, in a lab of its own
	@$(BIN)/python tests/tools/bench_preflight.py

generate: venv ## write role defaults and generated documentation anew
	@$(BIN)/python tests/tools/generate.py
