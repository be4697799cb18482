# `make` alone lists the targets.
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export MLFLOW_DISABLE_TELEMETRY := true
export DVC_NO_ANALYTICS := true
QUICK := config/quick.yaml
TEST := pytest --numprocesses logical --dist loadgroup
RESOLVE := uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --all-extras --group dev pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help setup run test test-fast test-app test-cluster test-container test-s3 reproduce torture bench check audit format lock rulegraph report ui app watch restore prune clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/ready ## make .venv with exactly the packages of requirements.lock

# uv is taken from the lock too, so that every package is checked against its hash.
.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: Python 3.11 or newer is needed; name one with make PYTHON=...")'
	$(PYTHON) -m venv .venv
	@awk '/^uv==/ {on=1} on {print} on && !/\\$$/ {exit}' requirements.lock > .venv/uv.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r .venv/uv.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --compile-bytecode -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

run: setup ## run the whole pipeline on the digits that come with scikit-learn (minutes)
	snakemake --cores all --configfile $(QUICK)
	@echo
	@echo "The report is results/digits/report.html: open it in a browser."
	@echo "Next: source .venv/bin/activate, then"
	@echo "  latentgrid plan            what the MNIST grid of params.yaml would train, and how long"
	@echo "  snakemake --cores all      train it; make watch shows how far it is"
	@echo "  make app                   explore the runs in a web app"
	@echo "  make ui                    browse them in MLflow"

test: setup ## run all tests
	$(TEST)

test-cluster: setup ## test SLURM, PostgreSQL, MLflow and SSH, started for it and ended with it (needs root)
	tools/cluster.sh pytest --numprocesses 2 --dist loadfile \
	  tests/test_cluster.py tests/test_shared_server.py tests/test_ssh_remote.py

test-container: setup ## build the container with buildah and run the workflow in it (needs root and 20 GB)
	tools/container.sh pytest --numprocesses 0 tests/test_container.py

test-s3: setup ## test DVC's remotes on S3 against a server in memory
	uv pip install --quiet --target .venv/s3 'dvc[s3]==3.67.1' 'dvc-s3==3.3.0' 'moto[server]==5.2.5'
	LATENTGRID_S3=.venv/s3 pytest --numprocesses 0 tests/test_s3_remote.py

test-fast: setup ## run the tests that need no workflow, server or browser
	$(TEST) -m "not slow"

test-app: setup ## test the explorer in a browser
	pytest --numprocesses 0 tests/test_app.py

reproduce: setup ## run the last commit in two clones and compare every file (CONFIG= for another grid)
	tools/reproduce.sh $(or $(CONFIG),$(QUICK))

torture: setup ## kill the workflow at 50 random moments and count what differs at the end
	python tests/torture.py

bench: setup ## measure speed, overhead and growth beside their goals (DEVICE=cuda for a GPU)
	$(BIN)/uv pip install --quiet --no-deps --require-hashes --target .venv/peers -r benchmarks/peers.lock
	PYTHONPATH=.venv/peers python benchmarks/throughput.py --device $(or $(DEVICE),cpu)
	python benchmarks/pipeline.py
	python benchmarks/growth.py

check: setup ## formatting, lint, types, import order of the packages, workflow lint
	ruff format --check
	ruff check
	snakefmt --check Snakefile workflow
	mypy
	lint-imports
	python tools/lint.py
	@cp requirements.lock .venv/resolved.lock
	@$(RESOLVE) --quiet --output-file .venv/resolved.lock
	@# uv writes equal markers in more than one way.
	@sed 's/ ;.*//' requirements.lock > .venv/wanted.lock
	@sed 's/ ;.*//' .venv/resolved.lock | diff -q .venv/wanted.lock - || { echo "error: requirements.lock does not fit pyproject.toml; run make lock"; exit 1; }

audit: setup ## ask PyPI whether a locked package has a known vulnerability
	python tools/audit.py

format: setup ## format all code
	ruff format
	ruff check --fix
	snakefmt Snakefile workflow

lock: setup ## resolve pyproject.toml into requirements.lock again
	$(RESOLVE) --upgrade --output-file requirements.lock
	uv pip compile --upgrade --no-deps --generate-hashes --no-header --output-file benchmarks/peers.lock benchmarks/peers.in

rulegraph: setup ## draw the rules on docs/rulegraph.md
	python tools/rulegraph.py

report: setup ## say with Snakemake's own report how every file was made
	snakemake --report results/provenance.html --configfile $(or $(CONFIG),params.yaml)

ui: setup ## show all runs there are in MLflow, on this machine only; it prints the address
	latentgrid ui --port $(or $(PORT),5000)

app: setup ## explore the runs in a web app, on this machine only; it prints the address
	latentgrid app --port $(or $(PORT),8000)

watch: setup ## show how far the runs are and how much time is left
	latentgrid watch

restore: setup ## bring data and results to the commit that git is on, from DVC's cache or its remote
	latentgrid restore

prune: setup ## put runs that left the grid aside
	latentgrid prune

clean: ## delete the environment and all caches, but no data and no results
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
