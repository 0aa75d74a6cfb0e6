# Each target makes .venv if there is none and installs what it needs.
PYTHON ?= python3
# A version that the results were checked with; its wheels are small where only a CPU is served.
TORCH ?= torch==2.13.0
BIN := .venv/bin

demo: .venv/.installed
	$(BIN)/python examples/demo.py

test: .venv/.installed
	$(BIN)/python -m ruff check .
	$(BIN)/python -m pytest -n 2 -m "not slow and not gpu"

test-slow: .venv/.installed
	$(BIN)/python -m pytest -m "slow and not gpu"

.venv/.installed: setup.cfg
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet "$(TORCH)"
	$(BIN)/python -m pip install --quiet -e ".[test]"
	touch $@

clean:
	rm -rf .venv demo

.PHONY: demo test test-slow clean
