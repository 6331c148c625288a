# Every target may be run on its own, in any order, twice.
# Settings: make up PORT=8001 BLOB_PORT=10001 STACK=local PYTHON=python3.12

PYTHON = python3
PORT = 8000
# Empty: the port of the Azurite that runs already, else 10000.
BLOB_PORT =
STACK = local
# More arguments for pytest: make test ARGS="tests/scripts -x"
ARGS =

RUN = @command -v "$(PYTHON)" >/dev/null 2>&1 || { \
	echo "There is no '$(PYTHON)' on PATH: install Python 3.11 or newer, or name yours:" \
	"make $@ PYTHON=/path/to/python3" >&2; exit 1; }; \
	"$(PYTHON)" scripts/run.py

.DEFAULT_GOAL := help
.PHONY: help setup up down env test lint fmt

help: ## Show this list
	@echo "make TARGET [PORT=8000] [BLOB_PORT=10000] [STACK=local] [PYTHON=python3]"
	@echo
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1	\2/p' Makefile | \
	while IFS='	' read -r target text; do printf '  %-8s%s\n' "$$target" "$$text"; done

setup: ## Make .venv with the pinned packages, Node and Azurite
	$(RUN) setup

up: ## Deploy the stack on this machine and serve the site until Ctrl-C
	$(RUN) up --port "$(PORT)" --blob-port "$(BLOB_PORT)" --stack "$(STACK)"

down: ## Destroy the stack on this machine, stop Azurite and the site
	$(RUN) down --stack "$(STACK)"

env: ## Write app/.env from the outputs of STACK
	$(RUN) env --stack "$(STACK)"

test: ## Run all tests (the first time it also fetches a Chromium)
	$(RUN) test $(ARGS)

lint: ## Check style and types
	$(RUN) lint

fmt: ## Format the code and mend what can be mended
	$(RUN) lint --fix
