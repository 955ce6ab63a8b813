# The targets make their own environment, once, in $(VENV); it needs Python >= 3.11 with venv, and a package index.
#
#   make demo         sets up everything, then builds a copy of examples/weather and tells what happens
#   make test         sets up everything, runs the whole suite
#   make test-fast    without the slow tests
#   make check        lint, types, import contracts and the fast tests: before a commit
#   make bench        the benchmarks, about 35 minutes (bench-quick: one); BENCH=--keep goes on where one was stopped

PYTHON ?= python3
VENV ?= .venv
# one more than two cores: about a third of the time a test waits, for the disk or for a process
WORKERS ?= 3

IN := $(VENV)/bin
READY := $(VENV)/.ready
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test test-fast check lint lint-code lint-format lint-types lint-imports bench bench-quick clean

demo: $(READY)
	@FP="$(abspath $(IN))/fp" sh examples/demo.sh

test: $(READY)
	$(IN)/python -m pytest -m "" -n $(WORKERS)

test-fast: $(READY)
	$(IN)/python -m pytest -n $(WORKERS)

check: lint test-fast

lint: lint-code lint-format lint-types lint-imports

lint-code: $(READY)
	$(IN)/ruff check .

lint-format: $(READY)
	$(IN)/ruff format --check .

lint-types: $(READY)
	$(IN)/mypy

lint-imports: $(READY)
	$(IN)/lint-imports

bench: $(READY)
	$(IN)/python -m benchmarks.install
	$(IN)/python -m benchmarks.run $(BENCH)

bench-quick: $(READY)
	$(IN)/python -m benchmarks.install make ninja doit
	$(IN)/python -m benchmarks.run --quick

clean:
	rm -rf "$(VENV)" dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The development group is read here because a fresh environment's pip may be too old for `--group`.
$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "fusionpipe needs Python 3.11 or newer; try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv --clear "$(VENV)"
	$(IN)/python -c 'import tomllib; groups = tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]; print(*groups["dev"], sep="\n")' > "$(VENV)/dev.txt"
	$(IN)/python -m pip install --quiet --editable . --requirement "$(VENV)/dev.txt"
	@touch "$@"
