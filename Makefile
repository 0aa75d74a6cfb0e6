# Each target makes its environment if there is none and installs what it needs.
PYTHON ?= python3
# The version that the results were made with.
TORCH ?= torch==2.13.0
BIN := .venv/bin
# brian2cuda is made for this version.
CUDA_PYTHON ?= python3.12

demo: .venv/.installed
	$(BIN)/python examples/demo.py

# The figures of Rawat, Heeger & Martiniani (NeurIPS 2024), beside their captions in docs/paper.md.
PAPER := $(wildcard examples/paper/figure_*.py)
paper: .venv/.installed
	mkdir -p docs/images/paper
	cd docs/images/paper && for script in $(PAPER); do \
		MPLBACKEND=Agg $(CURDIR)/$(BIN)/python $(CURDIR)/$$script || exit 1; done

test: .venv/.installed
	$(BIN)/python -m ruff check .
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow and not gpu"

test-slow: .venv/.installed
	$(BIN)/python -m pytest -m "slow and not gpu"

# Hostile and random input for so many minutes; the counts go into docs/reliability.md. SEED=N repeats a run.
FUZZ ?= 5
fuzz: .venv/.installed
	$(BIN)/python -m tests.fuzz --minutes $(FUZZ) --write $(if $(SEED),--seed $(SEED))

.venv/.installed: setup.cfg
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet "$(TORCH)"
	$(BIN)/python -m pip install --quiet -e ".[torch,test]"
	touch $@

# Run the programs of the device "cuda" on the CPU, with g++ in place of a CUDA toolkit (docs/cuda.md).
cuda-on-cpu: .venv-cuda/.installed
	PATH="$(CURDIR)/tests/cuda_on_cpu/bin:$(CURDIR)/.venv-cuda/bin:$$PATH" \
		.venv-cuda/bin/python -m pytest -n 2 -m gpu tests/brian/test_cuda.py tests/brian/test_cuda_programs.py \
		tests/brian/spiking/test_couplings.py
	.venv-cuda/bin/python -m pytest -n 2 tests/cuda_on_cpu

# On a machine with an NVIDIA GPU, in at most 8 minutes: the tests for GPUs, then circuits against the limits of the GPU, JAX and
# Synapses; benchmarks/results/gpu.csv and gpu.md. STAND_IN=1 tries the script out without a GPU.
gpu: .venv-cuda/.libraries
	.venv-cuda/bin/python -m benchmarks.gpu $(if $(STAND_IN),--stand-in)

# Compile one CUDA program with every kernel, without running it: needs nvcc (docs/cuda.md).
cuda-build: .venv-cuda/.libraries
	.venv-cuda/bin/python -m tests.brian.cuda_program build/cuda

.venv-cuda/.installed: setup.cfg
	$(CUDA_PYTHON) -m venv .venv-cuda
	.venv-cuda/bin/python -m pip install --quiet -e ".[cuda,test]"
	touch $@

.venv-cuda/.libraries: .venv-cuda/.installed
	.venv-cuda/bin/python -m pip install --quiet nvidia-curand nvidia-cufft "nvidia-cublas>=13,<13.2"
	touch $@

# The documentation site, in docs/_build/html; its tutorials and examples run, so the first build takes minutes.
docs: .venv/.installed
	$(BIN)/python -m pip install --quiet -e ".[docs]"
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

# The same without running tutorials and examples: whether every page is reached and every reference is found.
docs-quick: .venv/.installed
	$(BIN)/python -m pip install --quiet -e ".[docs]"
	$(BIN)/python -m sphinx -q -W --keep-going -D plot_gallery=0 -D nb_execution_mode=off -b html docs docs/_build/quick
	rm -rf docs/gallery  # else the next build would think that the examples have run

# Wheel and source archive in dist/, and what three checkers say of them.
package: .venv/.installed
	$(BIN)/python -m pip install --quiet -e ".[package]"
	rm -rf dist build/lib build/bdist*
	$(BIN)/python -m build
	$(BIN)/python -m twine check --strict dist/*
	$(BIN)/check-wheel-contents dist/*.whl
	$(BIN)/pyroma --min=8 .  # 8 of 10: it wants the e-mail address of an author

clean:
	rm -rf .venv .venv-cuda build demo

.PHONY: demo paper test test-slow fuzz cuda-on-cpu gpu cuda-build docs docs-quick package clean
