# Each target makes .venv if there is none and installs what it needs.
PYTHON ?= python3
# The version that the results were made with.
TORCH ?= torch==2.13.0
BIN := .venv/bin

demo: .venv/.installed
	$(BIN)/python examples/demo.py

test: .venv/.installed
	$(BIN)/python -m ruff check .
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow and not gpu"

test-slow: .venv/.installed
	$(BIN)/python -m pytest -m "slow and not gpu"

.venv/.installed: setup.cfg
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet "$(TORCH)"
	$(BIN)/python -m pip install --quiet -e ".[torch,test]"
	touch $@

# Compile one CUDA program with every kernel, without running it: needs nvcc and PYTHON=python3.12 (docs/cuda.md).
cuda-build:
	$(PYTHON) -m venv .venv-cuda
	.venv-cuda/bin/python -m pip install --quiet -e ".[cuda]" nvidia-curand "nvidia-cublas>=13,<13.2"
	.venv-cuda/bin/python -m tests.brian.cuda_program build/cuda

clean:
	rm -rf .venv .venv-cuda build demo

.PHONY: demo test test-slow cuda-build clean
