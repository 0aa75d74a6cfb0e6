"""The iteration of the paper: where it arrives, how fast, and the history of it."""

import numpy as np
import pytest

import organics_neuro as on
from tests.circuits import make_chain, make_main, one_unit


def ensemble(count, n=10, seed=4):
    """Circuits as those of Figure 4: all parameters uniform, W_r with the largest singular value 1; and inputs of length 1."""
    rng, circuits, inputs = np.random.default_rng(seed), [], []
    for _ in range(count):
        recurrence = rng.normal(size=(n, n))
        weights = {"W_r": recurrence / np.linalg.norm(recurrence, 2), "W": rng.uniform(size=(n, n))}
        gains = {name: rng.uniform(0.05, 1, n) for name in ("b", "b0", "sigma")}
        circuits.append(on.Circuit("two_type", weights, tau_a=2e-3, **gains))
        z = rng.normal(size=n)
        inputs.append(z / np.linalg.norm(z))
    return circuits, np.array(inputs)


def test_identity_recurrence_takes_one_step():
    circuit = make_main(n=4).replace(weights={"W_r": np.eye(4)})
    z = np.array([0.5, 0.2, -0.3, 1.0])
    found = on.theory.iteration(circuit, z, 3)
    point = on.theory.fixed_point(circuit, z).state
    for name in point:
        np.testing.assert_allclose(found.state[name][1], point[name], rtol=1e-12)
    assert len(found) == 4
    assert found.residual[1] < 1e-12


def test_golden_errors_of_an_ensemble(laboratory, reference):
    """As fast as the golden ensembles, which had other random numbers: within a factor of four at each iteration."""
    circuits, z = ensemble(60)
    found = on.theory.iteration(circuits, z, 20)
    exact = on.theory.fixed_point(circuits, z)
    error = np.linalg.norm(found.state["y"] - exact.state["y"], axis=-1).mean(axis=1)
    golden = {1: 2.8e-2, 2: 7.2e-3, 3: 1.7e-3, 5: 1.1e-4}
    for k, expected in golden.items():
        assert expected / 4 < error[k] < expected * 4
    assert error[20] < 1e-7
    assert found.state["y"].shape == (21, 60, 10)
    assert found.residual.shape == (21, 60)


def test_local_rate():
    """Errors shrink by the spectral radius of G = W D[y²] - W D[2 a y] (I - D[1 - s] W_r)⁻¹ D[W_r y/(2 s)], s = sqrt(a)."""
    circuits, z = ensemble(8)
    found, exact = on.theory.iteration(circuits, z, 10), on.theory.fixed_point(circuits, z)
    for k, circuit in enumerate(circuits):
        w_r, w = (circuit.weights[name].to_dense() for name in ("W_r", "W"))
        y, a = exact.state["y"][k], exact.state["a"][k]
        s = np.sqrt(a)
        inner = np.linalg.solve(np.eye(10) - (1 - s)[:, None] * w_r, np.diag(w_r @ y / (2 * s)))
        rate = np.abs(np.linalg.eigvals(w * y**2 - w @ ((2 * a * y)[:, None] * inner))).max()
        errors = np.linalg.norm(found.state["a"][:, k] - a, axis=-1)
        measured = (errors[9] / errors[5]) ** (1 / 4)
        if errors[9] > 1e-11:
            assert measured == pytest.approx(rate, rel=0.25)


def test_trials_guesses_and_shorter_steps():
    circuit = one_unit(w_r=0.7)
    z = np.array([[0.5], [1.0]])
    exact = on.theory.fixed_point(circuit, z).state
    found = on.theory.iteration(circuit, z, 60, step=0.5)
    assert found.state["y"].shape == (61, 2, 1)
    np.testing.assert_allclose(found.state["y"][-1], exact["y"], rtol=1e-6)
    there = on.theory.iteration(circuit, z, 1, guess=exact)
    np.testing.assert_allclose(there.state["y"], np.broadcast_to(exact["y"], (2, 2, 1)), rtol=1e-9)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"circuit": make_chain()}, "declares no state as relaxed"),
        ({"circuit": on.Circuit("two_type", size=600), "z": None}, "is too large for this"),
        ({"iterations": 0}, "iterations must be"),
        ({"step": 2}, "step must be above 0 and at most 1, got 2"),
    ],
)
def test_bad_input(given, message):
    arguments = {"circuit": one_unit(), "z": [1.0], **given}
    arguments["z"] = None if "circuit" in given else arguments["z"]
    with pytest.raises(ValueError, match=message):
        on.theory.iteration(**arguments)
