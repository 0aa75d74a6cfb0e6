"""Layers of random sizes: equal to their circuits in NumPy, with gradients, and finite for input that is."""

import numpy as np
import torch

import organics_neuro as on
from organics_neuro import nn
from tests.fuzz.outcomes import WrongError

_HOSTILE = (
    0,
    -1,
    1.5,
    "2",
    None,
    np.nan,
    True,
    [1],
    10**400,
    10**12,
    torch.ones(2),
    "cpu",
    "1",
    torch.float16,
    torch.int32,
    {},
    "Ä",
)
_ARGUMENTS = (
    "input_size", "hidden_size", "num_layers", "dropout", "batch_first", "device", "dtype", "model", "kernel", "dt", "parametrizations",
    "parameters", "fixed", "max_step", "recurrence", "b0", "max_step_y", "precision", "checkpoint_every", "nothing", "output", "input",
)  # fmt: skip


def _hostile(random):
    make = random.choice([nn.ORGaNICs, nn.CircuitLayer, nn.DivisiveNormalization])
    given = {"input_size": 2, "hidden_size": 3, "num_layers": 1} if make is not nn.DivisiveNormalization else {}
    given |= {"model": "two_type"} if make is nn.CircuitLayer else {}
    given |= {"in_features": 2, "out_features": 3} if make is nn.DivisiveNormalization else {}
    taken = [
        name for name in _ARGUMENTS if make is not nn.DivisiveNormalization or name in ("device", "dtype", "recurrence")
    ]
    name, value = random.choice(taken), random.choice(_HOSTILE)
    layer = make(**{**given, name: value})
    layer(
        torch.zeros(2, 3, layer.input_size if hasattr(layer, "input_size") else 2, dtype=next(layer.parameters()).dtype)
    )


def _input(random, *shape):
    generator = torch.Generator().manual_seed(random.getrandbits(32))
    return torch.randn(shape, generator=generator, dtype=torch.float64) * random.choice([0.1, 1, 10])


def _recurrent(random):
    """States of every step against the circuit of the layer, simulated in NumPy."""
    torch.manual_seed(random.getrandbits(32))
    inputs, hidden = random.randint(1, 3), random.randint(1, 4)
    options = {"num_layers": random.randint(1, 2), "batch_first": True, "dtype": torch.float64}
    if random.random() < 0.7:
        options["model"] = random.choice(["gated", "gated_released", "gated_unrectified_recurrence"])
        rnn = nn.ORGaNICs(inputs, hidden, **options)
    else:
        rnn = nn.CircuitLayer(random.choice(["two_type", "two_type_rectified"]), inputs, hidden, **options)
    x = _input(random, random.randint(1, 3), random.randint(1, 6), inputs).requires_grad_()
    output, _ = rnn(x)
    circuit = rnn.to_circuit(1e-3)
    name = next(iter(circuit.inputs))
    z = x.detach().numpy().transpose(1, 0, 2)
    last = "y" if options["num_layers"] == 1 else f"l{options['num_layers'] - 1}.y"
    trace = on.simulate(
        circuit, {name: z}, len(z) * 1e-3, on.engines.Reference(dt=1e-3, progress=False), record=[last]
    )[last][1:]
    found = output.detach().numpy().transpose(1, 0, 2)
    if not np.allclose(found, trace, rtol=1e-9, atol=1e-9):
        raise WrongError(f"{rnn} differs from its circuit by {np.abs(found - trace).max()}")
    output.square().sum().backward()
    gradients = [p.grad for p in rnn.parameters() if p.grad is not None]
    if not all(g.isfinite().all() for g in (x.grad, *gradients)):
        raise WrongError(f"{rnn} has a gradient that is not finite")


def _steady(random):
    """The steady state against its equations."""
    torch.manual_seed(random.getrandbits(32))
    layer = nn.DivisiveNormalization(
        random.randint(1, 4), random.randint(1, 4), random.choice(["identity", "learned"])
    ).double()
    x = _input(random, random.randint(1, 4), layer.in_features).requires_grad_()
    state, drive = layer.steady_state(x), layer.drive(x)
    W_r = torch.eye(layer.out_features, dtype=torch.float64) if layer.W_r is None else layer.W_r
    y = drive + (1 - state.a.sqrt()) * (state.y @ W_r.T)
    a = layer.b0**2 + (state.a * state.y**2) @ layer.W.T
    error = max((y - state.y).abs().max().item(), (a - state.a).abs().max().item())
    if not error < 1e-6:
        raise WrongError(f"the steady state of {layer} is off by {error}")
    layer(x).sum().backward()
    if not x.grad.isfinite().all():
        raise WrongError(f"{layer} has a gradient that is not finite")


def attempt(random):
    random.choice([_hostile, _hostile, _recurrent, _steady])(random)
