# Everything happens in .venv; nothing else on the machine is touched.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
STAMP = $(VENV)/.installed

.PHONY: demo test lint live bench clean

demo: $(STAMP)
	$(BIN)/python -m tests.demo

test: $(STAMP)
	$(BIN)/python -m pytest

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The tests on a real FreeSWITCH with real phones: FREESWITCH=/path/to/freeswitch make live
live: $(STAMP)
	$(BIN)/pip install --quiet --editable '.[live]'
	$(BIN)/python -m pytest tests/live

# fsdaemon beside its peers, in one run; with FREESWITCH set also the post-dial delay through it.
bench: $(STAMP)
	$(BIN)/pip install --quiet --editable '.[bench]'
	$(BIN)/python -m bench --out bench/out
	test -z "$$FREESWITCH" || $(BIN)/python -m bench --fs --out bench/out

$(STAMP): setup.py pyproject.toml
	$(PYTHON) -m venv $(VENV) || { echo "no venv for $(PYTHON): on Debian, apt install python3-venv" >&2; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
