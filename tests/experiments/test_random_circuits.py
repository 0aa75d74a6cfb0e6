"""Experiments on many random circuits: the iteration of the solver, a census of stability, and perturbed recurrence."""

import numpy as np
import pytest

import organics_neuro as on
from tests.circuits import make_chain
from tests.core.theory.test_iteration import ensemble


def test_the_iteration_of_an_ensemble():
    """Means over circuits are those of theory, and an exact form ends at once."""
    circuits, z = ensemble(10)
    found = on.experiments.solver_iteration(circuits, z, 15)
    exact, history = on.theory.fixed_point(circuits, z), on.theory.iteration(circuits, z, 15)
    expected = np.linalg.norm(history.state["y"] - exact.state["y"], axis=-1)
    np.testing.assert_allclose(found.error_y, expected)
    assert found.stable.all()
    assert "10 circuits" in found.attrs["circuit"]
    one = on.experiments.solver_iteration(on.Circuit("two_type", size=3), [[0.1, 0.5, 1.0]], 3)
    assert (one.error_y[1:] < 1e-14).all()


def test_identity_recurrence_is_always_stable():
    for model, spread in (("two_type", 30), ("normalization", 3)):  # of the exponent, too
        found = on.experiments.stability_census(on.Circuit(model, size=5), 200, spread=spread, scale=5)
        assert found.converged.all()
        assert found.stable.all()


def test_three_types_are_not():
    """Modulators that anticipate the normalizers stabilise: 232, 185 and 72 of 1,500 are unstable in the golden census."""
    unstable = []
    for alpha in (1e-9, 1.0, 10.0):
        circuit = on.Circuit("three_type", size=4, alpha=alpha, b=0.1, b0=0.1)
        found = on.experiments.stability_census(circuit, 400, spread=5)
        known = found.converged.sum().item()
        unstable.append((known - found.stable.sum().item()) / known)
    assert 0.05 < unstable[0] < 0.3
    assert unstable[0] > unstable[1] > unstable[2]
    again = on.experiments.stability_census(circuit, 400, spread=5)
    np.testing.assert_array_equal(again.leading, found.leading)


def test_golden_departures():
    """N = 100, input of length .05 on all units, sigma = .1, b = b0 = 1: medians over four networks."""
    circuit = on.Circuit("two_type", size=100, b=1.0, b0=1.0, tau_a=2e-3)
    found = on.experiments.perturbed_recurrence(circuit, [0.02, 0.05, 0.09, 0.15])
    assert found.converged.all()
    np.testing.assert_allclose(found.departure.median("sample"), [0.11, 0.32, 0.80, 1.5], rtol=0.2)
    np.testing.assert_allclose(found.leading.median("sample")[:2], [-44, -26], rtol=0.15)
    assert found.attrs["onset"] == pytest.approx(0.0890, abs=5e-5)


def test_first_order_errors_are_of_second_order():
    circuit = on.Circuit("two_type", size=20, tau_a=2e-3)
    found = on.experiments.perturbed_recurrence(circuit, [0.005, 0.01, 0.02], length=0.5, symmetric=False)
    np.testing.assert_allclose(found.first_order[1:] / found.first_order[:-1].values, 4, rtol=0.2)
    alone = on.experiments.perturbed_recurrence(circuit, [0.01], localized=True)
    assert np.isnan(alone.attrs["onset"])


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("perturbed_recurrence", {"strengths": [0.1, 0.05]}, "strengths must be numbers above 0 in rising order"),
        ("perturbed_recurrence", {"strengths": [0.1], "length": 0}, "length must be a number above 0"),
        ("perturbed_recurrence", {"strengths": [0.1], "weights": "Q"}, "unknown weights 'Q'"),
        ("stability_census", {"spread": 0.5}, "spread must be 1 or larger"),
        ("stability_census", {"sparsity": 2}, "sparsity must be a part from 0 to 1"),
        ("solver_iteration", {"circuit": make_chain(), "inputs": None}, "declares no state as relaxed"),
        ("bifurcation", {"along": "q", "start": 0.0, "end": 1.0}, "unknown parameter or input in along 'q'"),
        (
            "bifurcation",
            {"along": "z", "start": 0.1, "end": 1.0, "guesses": {"y": [0.0]}},
            "guesses must be states of one shape",
        ),
    ],
)
def test_bad_input(name, given, message):
    arguments = {"circuit": on.Circuit("two_type", size=1), **given}
    with pytest.raises(ValueError, match=message):
        on.experiments.find(name)(**arguments)
