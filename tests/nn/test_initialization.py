"""A bank of oscillators: what it holds after a sequence is the Fourier transform of the sequence."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from brian2 import mV  # noqa: E402

from organics_neuro.nn import ORGaNICs, ORGaNICsCell, oscillators_  # noqa: E402

#: What `oscillators_` needs.
OPTIONS = {"model": "gated_unrectified", "recurrence": "free", "b0": 1e-9, "max_step_y": 1.0}


def make(units=8, layer=ORGaNICs, inputs=1, **changed):
    torch.manual_seed(0)
    return layer(inputs, units, **{**OPTIONS, **changed}, dtype=torch.float64)


@pytest.mark.parametrize("recurrence", ["free", "orthogonal", "spectral"])
def test_units_turn_by_angles_that_are_evenly_spaced(recurrence):
    cell = oscillators_(make(layer=ORGaNICsCell, recurrence=recurrence))
    torch.testing.assert_close(cell.W_r @ cell.W_r.T, torch.eye(8, dtype=torch.float64))
    angles = torch.linalg.eigvals(cell.W_r.detach()).angle().abs().sort().values[::2]
    torch.testing.assert_close(angles, torch.linspace(0, math.pi, 4, dtype=torch.float64))


def test_state_is_the_fourier_transform_of_the_input():
    """With constant gains, no leak and no pool a pair of units holds sum_t z(t) exp(i omega (T - t)), as a closed form."""
    layer = oscillators_(make(b=1.0), np.linspace(0, 2, 4))
    cell = layer.cells[0]
    with torch.no_grad():
        cell.step_y = torch.full_like(cell.step_y, 1 - 1e-12)
    x = torch.randn(50, 3, 1, dtype=torch.float64)
    start = layer.cells[0].initial_state((1, 3))
    y = layer(x, start._replace(y=torch.zeros_like(start.y)))[1].y[0]
    z = torch.view_as_complex((x @ cell.W_zx.T).unflatten(-1, (4, 2)).contiguous())
    omega, left = torch.linspace(0, 2, 4, dtype=torch.float64), 49 - torch.arange(50)
    expected = torch.einsum("tbk,tk->bk", z, torch.exp(1j * omega * left[:, None]))
    torch.testing.assert_close(
        torch.view_as_complex(y.unflatten(-1, (4, 2)).contiguous()), expected, rtol=1e-5, atol=1e-7
    )


def test_it_remembers_what_others_forget():
    """What an input of 400 steps ago has left, as a part of what it left when it was new."""

    def left(layer):
        x = torch.zeros(401, 2, 1, dtype=torch.float64)
        x[0, 1] = 1
        y = layer(x)[0]
        return float(((y[-1, 1] - y[-1, 0]).norm() / (y[0, 1] - y[0, 0]).norm()).detach())

    assert left(oscillators_(make(64, recurrence="spectral", b0=0.003), np.linspace(0, 1, 32))) > 0.1
    assert left(make(64, recurrence="spectral", max_step_y=0.5)) < 0.01


def test_layers_of_a_stack_all_start_as_oscillators():
    stack = oscillators_(make(inputs=3, num_layers=2))
    assert torch.equal(stack.cells[0].W_r, stack.cells[1].W_r)


@pytest.mark.parametrize(
    ("changed", "missing"),
    [
        ({"model": "gated"}, "model='gated_unrectified'"),
        ({"recurrence": "identity"}, "recurrence='free', 'orthogonal' or 'spectral'"),
        ({"b0": None}, "a constant gain b0"),
        ({"units": 7}, "an even hidden_size"),
        ({"max_step_y": 0.5}, "max_step_y=1"),
    ],
    ids=str,
)
def test_other_circuits_are_refused(changed, missing):
    layer = make(**changed)
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    with pytest.raises(ValueError, match=f"oscillators_ needs {missing}, got ORGaNICsCell"):
        oscillators_(layer)
    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())


def test_other_modules_are_refused():
    with pytest.raises(TypeError, match="oscillators_ takes an ORGaNICs or ORGaNICsCell module, got LSTM"):
        oscillators_(torch.nn.LSTM(1, 8))


@pytest.mark.parametrize(
    ("angles", "message"),
    [
        ([0.1, 0.2], r"angles must be 4 numbers, one for each pair of units, got shape \(2,\)"),
        (1.0, r"angles must be 4 numbers, one for each pair of units, got shape \(\)"),
        ([0.1, 0.2, 0.3, float("nan")], "angles must be finite, but"),
        ("fast", "angles must be a number or an array of numbers, got 'fast'"),
        (np.zeros(4) * mV, r"angles = \[0. 0. 0. 0.\] V has the wrong unit; give a plain number"),
    ],
    ids=str,
)
def test_bad_angles(angles, message):
    with pytest.raises((TypeError, ValueError), match=message):
        oscillators_(make(), angles)


@pytest.mark.parametrize("constraint", ["positive", "dale", ("bounded", 1.0)])
def test_constrained_weights_start_as_drawn(constraint):
    """They started at 1, all of them: what was drawn was written to a value that is computed anew."""
    torch.manual_seed(0)
    names = ("W_zx", "W_by", "W_r")
    cell = ORGaNICs(3, 5, parametrizations=dict.fromkeys(names, constraint)).cells[0]
    for name in names:
        assert len(getattr(cell, name).unique()) > 4, name


def test_one_constraint_of_the_recurrence():
    with pytest.raises(ValueError, match="recurrence='spectral' and parametrizations both constrain 'W_r'; give one"):
        ORGaNICs(3, 5, recurrence="spectral", parametrizations={"W_r": "positive"})
