"""Stability over many inputs: eigenvalues equal those of the theory, and trajectories those of the networks."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import organics_neuro as on
from organics_neuro.engines import Reference
from organics_neuro.experiments import leading_eigenvalues, trajectories
from tests.circuits import make_gated, make_joined, make_main, one_unit
from tests.simulators import simulate_reference


@pytest.fixture
def torch():
    module = pytest.importorskip("torch")
    module.manual_seed(0)
    return module


def layer_and_inputs(torch, recurrence, samples):
    layer, x = on.nn.DivisiveNormalization(3, 5, recurrence), torch.randn(samples, 3)
    with torch.no_grad():
        for p in layer.parameters():
            p.add_(0.3 * torch.randn_like(p))
    return layer, x


def test_one_unit_has_the_published_eigenvalue():
    """Panel 3a of Figure 3: -128.0987 +- 330.4757i."""
    found = leading_eigenvalues(one_unit(b=0.5, b0=0.5, sigma=0.1), [[1.0]])
    assert found.leading.item() == pytest.approx(-128.0987, abs=1e-4)
    assert found.frequency.item() == pytest.approx(330.4757 / (2 * np.pi), abs=1e-4)


def test_fixed_points_of_a_circuit_over_several_chunks():
    circuit = make_main()
    z = np.random.default_rng(0).normal(size=(40, 4)) / 3
    expected = on.theory.eigenvalues(circuit, z)[:, 0]
    found = leading_eigenvalues(circuit, z)
    np.testing.assert_allclose(found.leading, expected.real, rtol=1e-9)
    np.testing.assert_allclose(found.frequency, np.abs(expected.imag) / (2 * np.pi), rtol=1e-6, atol=1e-6)
    assert "two_type" in found.attrs["circuit"]


@pytest.mark.parametrize("recurrence", ["identity", "learned"])
def test_layer(torch, recurrence):
    layer, x = layer_and_inputs(torch, recurrence, 6)
    circuit, z = on.transfer.steady_circuit(layer, x)
    found = leading_eigenvalues(layer, x)
    np.testing.assert_allclose(found.leading, on.theory.eigenvalues(circuit, z)[:, 0].real, rtol=1e-7)
    assert (found.leading < 0).all()


def test_samples_without_a_steady_state_are_nan(torch):
    from tests.nn.steady_layers import random_circuit

    drive, offset, W_r, W = random_circuit(6, 4, size=1)  # theory finds no steady state for one of three inputs either
    layer = on.nn.DivisiveNormalization(3, 6, "learned", dtype=torch.float64)
    with torch.no_grad():
        layer.W_zx.copy_(drive.T)
        layer.W_bx.fill_(50)  # the gain is 1
        layer.b0, layer.W_r, layer.W = offset.sqrt(), W_r, W
    x = torch.eye(3, dtype=torch.float64)
    with pytest.warns(on.errors.ConvergenceWarning, match="no steady state for 1 of 3 samples"):
        found = leading_eigenvalues(layer, x)
    (bad,) = np.flatnonzero(np.isnan(found.leading))
    assert np.isnan(found.frequency[bad])
    with pytest.raises(on.errors.ConvergenceError):
        layer(x[bad : bad + 1])
    np.testing.assert_allclose(found.leading[:bad], leading_eigenvalues(layer, x[:bad]).leading)


def test_convolutional_layer(torch):
    layer, x = on.nn.DivisiveNormalization2d(1, 2, 3), torch.randn(2, 1, 5, 5)
    circuit, z = on.transfer.steady_circuit(layer, x)
    found = leading_eigenvalues(layer, x)
    np.testing.assert_allclose(found.leading, on.theory.eigenvalues(circuit, z)[:, 0].real, rtol=1e-7)


@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
@pytest.mark.parametrize("kind", ["identity", "learned", "convolution"])
def test_a_layer_takes_any_leading_axes(torch, kind, shape):
    """One sample, none, or several axes of them (a convolution takes one axis at most), as the layer itself does."""
    if kind == "convolution":
        layer, shape, sample = on.nn.DivisiveNormalization2d(2, 2, 3), shape[:1], (2, 4, 4)
    else:
        (layer, _), sample = layer_and_inputs(torch, kind, 1), (3,)
    x = torch.randn(*shape, *sample)
    found = leading_eigenvalues(layer, x)
    assert found.sizes == {"sample": x.numel() // torch.zeros(sample).numel()}
    if x.numel():
        np.testing.assert_allclose(found.leading, leading_eigenvalues(layer, x.reshape(-1, *sample)).leading)
        circuit, z = on.transfer.steady_circuit(layer, x)
        np.testing.assert_allclose(found.leading, on.theory.eigenvalues(circuit, z)[:, 0].real, rtol=1e-7)


def test_states_by_name_of_a_joined_circuit():
    circuit, rng = make_joined(), np.random.default_rng(0)
    state = {name: 0.1 + 0.1 * rng.random((3, n)) for name, n in circuit.states.items()}
    found = leading_eigenvalues(circuit, None, state)
    np.testing.assert_allclose(found.leading, on.theory.eigenvalues(circuit, None, state)[:, 0].real)


def test_a_circuit_without_inputs_is_one_sample():
    decay = on.CircuitModel("decay", "dx/dt = -x/tau_x : 1\n tau_x : second", parameters={"tau_x": 0.01})
    circuit = on.Circuit(decay, size=2)
    assert leading_eigenvalues(circuit, {}).leading.values.tolist() == [-100]


def test_trajectories_are_those_of_the_network(torch):
    rnn, x = on.nn.ORGaNICs(3, 5, batch_first=True, dtype=torch.float64), torch.randn(40, 7, 3, dtype=torch.float64)
    output, _ = rnn(x)
    circuit = on.transfer.to_circuit(rnn, dt=2e-3)
    found = trajectories(circuit, x, Reference(dt=2e-3), eigenvalues_every=3)
    np.testing.assert_allclose(found.norm_y[:, 1:], output.norm(dim=-1).detach(), rtol=1e-10)
    np.testing.assert_allclose(found.norm_a[:, 0], np.linalg.norm(circuit.initial["a"]))
    assert found.linearised_step.values.tolist() == [0, 3, 6]
    states = simulate_reference(circuit, x[:, :3].swapaxes(0, 1).numpy(), duration=6e-3, dt=2e-3)
    visited = {name: values[-1] for name, values in states.items()}
    expected = on.theory.eigenvalues(circuit, x[:, 3].numpy(), visited)[:, 0].real
    np.testing.assert_allclose(found.leading[:, 1], expected, rtol=1e-9)
    np.testing.assert_allclose(found.leading[:, 1], leading_eigenvalues(circuit, x[:, 3], visited).leading, rtol=1e-12)


def test_datasets_are_saved_and_joined_over_epochs(tmp_path):
    circuit, z = make_main(), np.random.default_rng(0).normal(size=(3, 4)) / 3
    epochs = [leading_eigenvalues(circuit.replace(sigma=s), z) for s in (0.3, 0.4)]
    joined = xr.concat(epochs, dim=pd.Index([0, 5], name="epoch"), combine_attrs="override")
    on.experiments.save(joined, tmp_path / "leading.nc")
    xr.testing.assert_identical(on.experiments.load(tmp_path / "leading.nc"), joined)
    np.testing.assert_array_equal(joined.leading.sel(epoch=5), epochs[1].leading)
    found = trajectories(make_gated(), np.ones((2, 4, 3)))
    on.experiments.save(found, tmp_path / "trajectories.nc")
    xr.testing.assert_identical(on.experiments.load(tmp_path / "trajectories.nc"), found)
    assert set(found.coords) == {"step"}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: leading_eigenvalues(make_main(), np.ones((2, 3))), r"z has shape \(2, 3\), .* must be the 4 units"),
        (
            lambda: leading_eigenvalues(make_main(), np.ones((2, 4)), {"u": 1}),
            "unknown state in state 'u'; known: 'y', 'a'",
        ),
        (
            lambda: leading_eigenvalues(make_main(), np.ones((2, 4)), {"y": np.ones((3, 4))}),
            "different numbers of trials",
        ),
        (
            lambda: trajectories(make_gated(), np.ones((2, 3))),
            r"x must have shape \(samples, steps, 3\) .*got \(2, 3\)",
        ),
        (lambda: trajectories(make_gated(), np.ones((0, 5, 3))), r"got \(0, 5, 3\)"),
        (lambda: trajectories(make_gated(), np.full((1, 5, 3), np.nan)), "x must be finite"),
        *(
            (
                lambda n=n: trajectories(make_gated(), np.ones((1, 5, 3)), eigenvalues_every=n),
                "eigenvalues_every must be",
            )
            for n in (0, -1, 1.5)
        ),
        (lambda: trajectories(make_joined(), np.ones((2, 5, 3))), "the circuit must have one input, but has"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_trajectories_are_those_of_a_circuit():
    with pytest.raises(TypeError, match="circuit must be a circuit, got str"):
        trajectories("gated", np.ones((2, 5, 3)))


def test_other_modules_are_an_error(torch):
    with pytest.raises(TypeError, match="takes a steady-state layer such as DivisiveNormalization, got Linear"):
        leading_eigenvalues(torch.nn.Linear(3, 5), np.ones((2, 3)))
    layer, x = layer_and_inputs(torch, "identity", 2)
    with pytest.raises(ValueError, match="leave state out"):
        leading_eigenvalues(layer, x, {"y": 0})
