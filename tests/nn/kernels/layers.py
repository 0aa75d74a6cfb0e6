"""Layers to run on the compiled kernel and on torch's own operations, and how far the results are apart."""

import copy

import pytest
import torch

from organics_neuro.nn import ORGaNICs, State, kernels

needs_compiler = pytest.mark.skipif(not kernels.available(), reason="no C++ compiler")


def make(inputs=3, units=6, batch=5, steps=20, dtype=torch.float64, **options):
    """A layer, an input and a state to start from, with a and y on both sides of 0."""
    rnn = ORGaNICs(inputs, units, dtype=dtype, **options)
    x = torch.randn(steps, batch, inputs, dtype=dtype)
    start = State(*0.3 * torch.randn(4, rnn.num_layers, batch, units, dtype=dtype))
    return rnn, x, start


def run(rnn, x, start, **options):
    """Output, last state, and the gradients of a random function of them, by name."""
    rnn = copy.deepcopy(rnn)
    for name, value in options.items():
        setattr(rnn, name, value)
    x, start = x.clone().requires_grad_(), State(*(s.clone().requires_grad_() for s in start))
    output, last = rnn(x, start)
    random = torch.Generator().manual_seed(1)
    loss = sum((v * torch.randn(v.shape, generator=random).to(v)).sum() for v in (output, *last))
    loss.backward()
    leaves = {"x": x, **start._asdict(), **dict(rnn.named_parameters())}
    results = {"output": output, **{f"last {n}": v for n, v in last._asdict().items()}}
    return {n: v.detach() for n, v in results.items()}, {n: v.grad for n, v in leaves.items() if v.requires_grad}


def largest_difference(found, expected):
    """Of values and gradients, relative to the largest entry of each."""
    pairs = [(a[n], b[n]) for a, b in zip(found, expected, strict=True) for n in b]
    assert len(pairs) > 10
    assert all(v.isfinite().all() for pair in pairs for v in pair)
    return max(float((a - b).abs().max() / b.abs().max()) for a, b in pairs)
