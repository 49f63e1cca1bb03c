# `make help` lists what there is. Two commands do everything on a fresh machine: make image, make test.

.DEFAULT_GOAL := help
.PHONY: bench-adoption help setup engine browser image verify test check unit integration lint bench bench-locks bench-quick dist docs matrix reach lock-sets soak
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
IMAGES := $(sort $(wildcard images/*))
PYTHON ?= python3
PYTEST := $(BIN)/python -m pytest
CORES := $(shell nproc 2>/dev/null || echo 2)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.ready ## make the virtual environment with everything pinned (no engine)

$(VENV)/.ready: pyproject.toml .ci/requirements.txt .ci/setup
	@PYTHON=$(PYTHON) .ci/setup $(VENV)
	@touch $@

engine: ## install a Docker engine if none answers (as root on Debian 12 and 13)
	@builder/engine/install.sh

browser: ## install Chromium for the tests of pages if there is none (as root on Debian)
	@tests/integration/html/browser.sh

image: setup engine ## build each of images/, prove every role, promote it
	@for image in $(IMAGES); do $(BIN)/optbuild build --verify --refresh-base "$$image" || exit; done

verify: setup engine ## prove the promoted images once more
	@for image in $(IMAGES); do $(BIN)/optbuild verify "$$image" || exit; done

test: check integration ## everything: lint, types, unit, integration on the real engine

check: setup ## what needs no engine: lint, types, unit tests
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=line lint unit

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/shellcheck --external-sources .ci/release-constraints .ci/run .ci/setup builder/engine/install.sh templates/base.sh templates/debs.sh \
	  tests/integration/html/browser.sh templates/html/vendor/regenerate.sh \
	  templates/rootfs/entrypoint templates/rootfs/pip templates/scripts/*.sh templates/servers/*/entrypoint
	@$(BIN)/shellcheck --shell=sh templates/rootfs/profile.sh

# A process for each core: tests/unit/helpers/file_forks.py.
# Bytecode is kept whatever the shell says: without it each process compiles all tests and libraries, 6 s of CPU.
# Nothing is logged: to look for it before and after each step of 11,000 tests took 2 s of CPU.
# Temporary files are in memory where there is 1 GB of it: 60,000 files and folders on a disk took 20 s of CPU.
# Times instead of a percentage, which would be that of one process.
unit: setup
	@free=$$(df --output=avail -k /dev/shm 2>/dev/null | tail -1); \
	if [ -w /dev/shm ] && [ "$${free:-0}" -gt 1000000 ]; then export TMPDIR=/dev/shm; fi; \
	OPTBUILD_TEST_PROCESSES=$(CORES) PYTHONDONTWRITEBYTECODE= $(PYTEST) -q -p no:logging -o console_output_style=times tests/unit

integration: setup engine browser
	@$(PYTEST) --durations=15 --numprocesses=2 -m "not alone" tests/integration
	@$(PYTEST) -m alone tests/integration

bench: setup engine ## a table: bytes, CPU, transfers against what a specialist builds by hand, and our commands' speed (1 hour)
	@failed=; for bench in $(filter-out tests/bench/bench_adoption.py,$(sort $(wildcard tests/bench/bench_*.py))); do \
	  echo "== $$bench"; \
	  PYTHONPATH=tests/integration/bases/stand_ins $(BIN)/python "$$bench" || failed="$$failed $$bench"; \
	done; [ -z "$$failed" ] || { echo "beyond its limit or failed:$$failed" >&2; exit 1; }

bench-adoption: setup engine ## a table: projects as people have them, taken over, locked, built, proven (2 hours; needs OPTBUILD_CONSTRAINTS)
	@PYTHONPATH=tests/integration/bases/stand_ins $(BIN)/python tests/bench/bench_adoption.py

bench-locks: setup engine ## the same table, shorter, for three other locks: Celery, Airflow 3, large data packages (45 minutes)
	@$(BIN)/python tests/bench/bench_image.py --locks

matrix: setup engine ## a table: three bases, one stage and two, three Airflows; locked, built, weighed, proven (90 minutes at most)
	@PYTHONPATH=tests/integration/bases/stand_ins $(BIN)/python tests/bench/matrix.py

bench-quick: setup engine ## does it run: one round of the builds and of the start-up
	@$(BIN)/python tests/bench/bench_image.py --quick

reach: setup engine ## a table: what becomes of whole projects, real ones and our own
	@PYTHONPATH=tests/bench:tests/unit/helpers $(BIN)/python tests/integration/compose/print_reach.py
lock-sets: setup ## a table: requirements as people have them, locked with the official constraints (a folder of them beside the checkout)
	@PYTHONPATH=tests/integration/lock $(BIN)/python tests/integration/lock/print_lock_sets.py

soak: setup engine browser ## the long runs: thousands of generated cases, the base made in a container
	@OPTBUILD_SOAK=1 $(PYTEST) tests/unit tests/integration

docs: setup ## write docs/reference and the manual page anew from the code
	@$(BIN)/python docs/generate.py

dist: setup ## the files of a release: sdist, wheel, and the constraints with hashes
	@rm -rf dist
	@$(BIN)/uv build --quiet --out-dir dist
	@rm -f dist/.gitignore
	@.ci/release-constraints dist

constraints.txt: ## (by hand) pin again what the installed tool depends on, as the tests have it: make -B constraints.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	  --custom-compile-command "make -B constraints.txt" --constraints .ci/requirements.txt pyproject.toml --output-file $@

.ci/requirements.txt: ## (by hand) pin again what the project itself needs: make -B .ci/requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --group dev pyproject.toml --output-file $@
