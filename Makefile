# Every target and every NAME=value goes to doit, in a virtual environment that this file makes:
#   make all PLATFORMS=linux-amd64      make list      make clean
# Its own targets: test (everything), check (the fast tests), bench (measurements).

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

# Every given variable as one quoted word, so that no value is read by the shell.
space := $(subst ,, )
names := $(foreach word,$(subst \$(space),_,$(MAKEOVERRIDES)),$(firstword $(subst =, ,$(word))))
quoted = '$(subst ','\'',$(1))'
variables = $(foreach name,$(filter-out PYTHON VENV,$(patsubst %:,%,$(names:%::=%))),$(call quoted,$(name)=$($(name))))

.DEFAULT_GOAL := all
.SUFFIXES:
# make -j is for the work of one target, which PARALLEL=true spreads; targets come one after another.
.NOTPARALLEL:

test: $(VENV)/.dev
	$(BIN)/python tests/prepare.py
	$(MAKE) --no-print-directory check
	$(BIN)/python -m pytest -m slow -n 2 --dist loadfile

check: $(VENV)/.dev lint
	$(BIN)/python -m pytest -m "not slow" -n auto

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	$(BIN)/python -m bench

%: FORCE $(VENV)/.ready
	@$(BIN)/doit $(call quoted,$@) $(variables)

$(VENV)/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("slipway needs Python 3.11 or newer; name one: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV) || { echo "python3 has no venv module; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --editable '.[test]'
	@$(BIN)/python -m compileall -q src tasks
	@touch $@

$(VENV)/.dev: pyproject.toml $(VENV)/.ready
	@$(BIN)/python -m pip install --quiet --group dev
	@touch $@

Makefile pyproject.toml: ;
FORCE:
.PHONY: test check lint bench FORCE
