# Rules of the lab; see tests/lab/README.md. The driver needs nothing but Python's own library.
LAB ?= demo
HOSTS ?= 2
# What a host has that is ready for he_offline_deployment; `PACKAGES=` gives one without.
PACKAGES ?= ovirt-hosted-engine-setup
LAB_DRIVER := PYTHONPATH=$(CURDIR)/tests/lab python3 -m driver
LAB_APPLIANCE := PYTHONPATH=$(CURDIR)/tests/lab python3 -m appliance

.PHONY: lab-up lab-down lab-status lab-reset lab-build lab-cert conformance engine-sim

lab-build: packages ## build what lab hosts need: their tree and their packages
	@$(LAB_DRIVER) build

lab-up: packages ## bring a lab up, its hosts ready for a deployment: HOSTS=2 LAB=demo APPLIANCE=path FAULTS=file PACKAGES=
	@$(if $(APPLIANCE),,$(LAB_APPLIANCE) build --profile faithful >/dev/null)
	@$(LAB_DRIVER) up --lab $(LAB) --hosts $(HOSTS) $(if $(APPLIANCE),--appliance '$(APPLIANCE)') $(if $(FAULTS),--faults '$(FAULTS)') $(PACKAGES:%=--package %)

lab-down: ## take a lab down and leave nothing behind: LAB=demo
	@$(LAB_DRIVER) down --lab $(LAB)

lab-status: ## print, as JSON, what a lab offers: LAB=demo
	@$(LAB_DRIVER) status --lab $(LAB)

lab-reset: ## give all hosts of a lab a fresh start: LAB=demo
	@$(LAB_DRIVER) reset --lab $(LAB)

lab-cert: ## install vdsm on a host, certified by a CA: HOST=he-host1 CA=ca.pem KEY=ca-key.pem LAB=demo
	@$(LAB_DRIVER) cert --lab $(LAB) --host $(HOST) --ca $(CA) --key $(KEY)

conformance: venv ## replay recordings of a real engine against a fresh simulator: SCENARIOS=dir GOLDEN=dir ONLY=name
	@$(BIN)/python tests/conformance/run.py $(if $(SCENARIOS),--scenarios $(SCENARIOS)) $(if $(GOLDEN),--golden $(GOLDEN)) \
		$(if $(DEVIATIONS),--deviations $(DEVIATIONS)) $(if $(SPEED),--speed $(SPEED)) $(ONLY)

engine-sim: venv ## an engine with model hosts on loopback, in the foreground; prints one JSON line, ends on TERM: SPEED=10 HOSTS=2
	@PYTHONPATH=tests/lab exec $(BIN)/python -m engine_sim standalone --hosts $(HOSTS) $(if $(SPEED),--speed $(SPEED)) $(if $(WORLD),--world $(WORLD))
