# Every target may be run on its own, in any order, twice.
# Settings: make up PORT=8001 BLOB_PORT=10001 STACK=local PYTHON=python3.12
#           make preview BASE=origin/main STACK=prod

PYTHON = python3
PORT = 8000
# Empty: the port of the Azurite that runs already, else 10000.
BLOB_PORT =
STACK = local
# What a change is previewed on: a branch, a tag or a commit.
BASE = origin/main
# More arguments for pytest, rotate, pipeline or bench: make test ARGS="tests/scripts -x"
# Split into words as a shell does, but not expanded: no $HOME, ~ or *.
ARGS =
# Another version of Django than the pinned one: make test DJANGO=6.1
DJANGO ?=

# Values reach the scripts as they were typed. In the text of a recipe, the shell would run commands
# in them, so recipes use shell variables ("$$PORT"). When make exports a variable it expands
# $(shell ...) in it, so the values are made final here.
PREVIEWED := $(if $(filter command,$(firstword $(origin STACK))),yes)
override PYTHON := $(value PYTHON)
override PORT := $(value PORT)
override BLOB_PORT := $(value BLOB_PORT)
override STACK := $(value STACK)
override BASE := $(value BASE)
override ARGS := $(value ARGS)
override DJANGO := $(value DJANGO)
export PYTHON PORT BLOB_PORT STACK BASE ARGS DJANGO

RUN = @command -v "$$PYTHON" >/dev/null 2>&1 || { \
	printf "There is no '%s' on PATH: install Python 3.11 or newer, or name yours: %s\n" \
	"$$PYTHON" "make $@ PYTHON=/path/to/python3" >&2; exit 1; }; \
	"$$PYTHON" scripts/run.py

.DEFAULT_GOAL := help
.PHONY: help setup up down serve release deploy env preview rotate pipeline test endurance bench sites lint fmt

help: ## Show this list
	@echo "make TARGET [PORT=8000] [BLOB_PORT=10000] [STACK=local] [BASE=origin/main] [PYTHON=python3]"
	@echo
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1	\2/p' Makefile | \
	while IFS='	' read -r target text; do printf '  %-10s%s\n' "$$target" "$$text"; done

setup: ## Create .venv with the pinned packages, Node and Azurite
	$(RUN) setup

up: ## Deploy the stack on this machine and serve the site until Ctrl-C
	$(RUN) up --port="$$PORT" --blob-port="$$BLOB_PORT" --stack="$$STACK"

down: ## Destroy the stack on this machine, stop Azurite and the site
	$(RUN) down --stack="$$STACK"

serve: ## Serve the site as production does: gunicorn, DEBUG off, https
	$(RUN) serve --port="$$PORT"

release: ## Build the site of the last commit as one file: dist/release.zip
	$(RUN) release --words="$$ARGS"

# The stack in Azure, unless one is named on the command line.
deploy: ## Release, publish, migrate and deploy to STACK's host (ARGS=--dry-run: print the commands)
	$(RUN) deploy --stack=$(if $(PREVIEWED),"$$STACK",prod) --words="$$ARGS"

env: ## Write app/.env from the outputs of STACK
	$(RUN) env --stack="$$STACK"

# Every stack, unless one is named on the command line.
preview: ## Print what the change since BASE would do to each stack, or to STACK, as Markdown
	$(RUN) preview --base="$$BASE" --stack=$(if $(PREVIEWED),"$$STACK")

rotate: ## Renew the keys of STACK's account while the site runs: docs/rotation.md
	$(RUN) rotate --stack="$$STACK" --words="$$ARGS"

# The stack in Azure; no pipeline deploys to the machine that it runs on.
pipeline: ## Print what a GitHub repository needs to deploy STACK (ARGS=--apply: do it)
	$(RUN) pipeline --stack=$(if $(PREVIEWED),"$$STACK",prod) --words="$$ARGS"

test: ## Run all tests (ARGS=--fast: the quick ones; the first time it also fetches a Chromium)
	$(RUN) test --words="$$ARGS"

endurance: ## Run the long tests: kills, outages and attacks
	$(RUN) test -m endurance --words="$$ARGS"

bench: ## Measure publishing against its peers: docs/performance.md (ARGS=--quick: a minute)
	$(RUN) bench --words="$$ARGS"

sites: ## Publish and open sites of other people's packages: docs/sites.md (hours)
	$(RUN) sites --words="$$ARGS"

lint: ## Check style and types
	$(RUN) lint

fmt: ## Format the code and fix what can be fixed
	$(RUN) lint --fix
