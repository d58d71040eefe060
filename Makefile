# make demo    a living cluster from a git commit, on this machine
# make test    everything: rules, unit tests, and the real cluster
# make check   rules and unit tests only; under a minute
# make bench   all figures of the documents, each beside its peer (ONLY=push, ROUNDS=3, --list: LIST=1); never in CI
# make soak    random tests with new seeds, for an hour (ONLY=kills, BUDGET=600 seconds; SEED=123 repeats a round)

PYTHON ?= python3
BIN := .venv/bin
SAY = @printf '\n==> %s\n'

.PHONY: help demo clean-demo test check slow e2e engine lint unit bench soak lock clean

help:
	@sed -n 's/^# //p' Makefile

# --- set-up -----------------------------------------------------------------------------------------------------------

.venv/.ready: constraints.txt pyproject.toml
	$(SAY) "virtual environment in .venv"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "installing python3-venv from the distribution's packages"; \
	    apt-get update -q && apt-get install -q -y --no-install-recommends python3-venv; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# --- the demo ---------------------------------------------------------------------------------------------------------

demo: .venv/.ready
	@sh tests/demo.sh

clean-demo: .venv/.ready
	$(BIN)/deployer sandbox down --purge
	rm -rf .demo

# --- tests ------------------------------------------------------------------------------------------------------------

test: engine check slow e2e

check: lint unit

lint: .venv/.ready
	$(SAY) "rules: ruff, mypy, import contracts"
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --quiet --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache | tail -n 12

unit: .venv/.ready
	$(SAY) "unit tests"
	$(BIN)/pytest -q -n 2 tests

# Docker with its compose plugin, where they are missing. Each test that cannot do without them says so itself.
engine: .venv/.ready
	$(SAY) "Docker's engine and compose plugin"
	-@$(BIN)/deployer sandbox engine

slow: .venv/.ready engine
	$(SAY) "slower tests: real git with real hooks, docker's client, sops, ssh, what is very large"
	$(BIN)/pytest -q -n 2 -m slow tests

e2e: .venv/.ready engine
	$(SAY) "the real cluster: Docker, machines in containers, Consul"
	$(BIN)/python -m tests.e2e.lanes

# --- figures: never in CI, they tell about the machine as well --------------------------------------------------------

bench: .venv/.ready
	@$(BIN)/python -m tests.bench $(if $(ONLY),--only "$(ONLY)") $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(LIST),--list)

# --- random tests, for an hour --------------------------------------------------------------------------------------

soak: .venv/.ready
	@$(BIN)/python -m tests.soak $(if $(ONLY),--only "$(ONLY)") $(if $(SEED),--seed $(SEED)) $(if $(BUDGET),--seconds $(BUDGET))

# --- versions, and cleaning up -----------------------------------------------------------------------------------------

lock: .venv/.ready
	$(BIN)/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras --extra dev \
	    --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-header --no-annotate -o constraints.txt pyproject.toml

clean:
	rm -rf .venv .mypy_cache .ruff_cache .hypothesis
