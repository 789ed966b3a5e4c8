# Every target sets up what it needs in .venv; nothing is asked. PYTHON chooses the interpreter (3.11 or later).
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test check format bench docs clean

demo: $(VENV)/.ready  ## train on handwritten digits, test, show one derivative
	$(BIN)/python examples/01_digits.py

test: $(VENV)/.ready-test  ## all tests
	$(BIN)/python -m pytest -n 2 --dist worksteal

check: $(VENV)/.ready-test  ## format, lint, types, floors
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports

format: $(VENV)/.ready-test  ## rewrite the sources in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)-bench/.ready  ## all peers in one run; writes benchmarks/results.md and .png (about half an hour)
	$(VENV)-bench/bin/python benchmarks/run.py

docs: $(VENV)/.ready  ## write the tutorial's pages and the worked examples into build/docs
	$(BIN)/python docs/build.py

$(VENV)-bench/.ready: pyproject.toml benchmarks/requirements.txt
	test -x $(VENV)-bench/bin/python || $(PYTHON) -m venv $(VENV)-bench
	$(VENV)-bench/bin/python -m pip install -q --disable-pip-version-check -r benchmarks/requirements.txt
	$(VENV)-bench/bin/python -m pip install -q --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.12 …")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/.ready-test: $(VENV)/.ready
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[test,check]'
	touch $@

clean:  ## remove the environment and all caches
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis
