"""Branches of fixed points: folds and Hopf bifurcations where closed forms put them."""

import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar

import organics_neuro as on
from organics_neuro.core.errors import ConvergenceWarning
from tests.circuits import make_joined, one_unit


def routh_hurwitz(z, beta=1 / 6, sigma=0.1, tau_y=1e-3, tau_u=1e-3, tau_a=2e-3, alpha=1.0):
    """A2 A1 - A3 A0 of one three-type unit (L = 1): 0 at its Hopf bifurcation; and the frequency there."""
    u = beta**2 * (sigma**2 + z**2)
    s, c = np.sqrt(u), (sigma * beta) ** 2 / u
    gate = 1 - s
    last = (tau_y * tau_a * tau_u, tau_y * tau_a * c + tau_y * tau_u * gate + tau_a * tau_u * s)
    first = tau_y * gate * c + tau_a * s * c + tau_u * s * gate + 2 * (1 - c) * alpha * s**2 * gate**2 * tau_u
    return last[1] * first - last[0] * s * gate, np.sqrt(first / last[0]) / (2 * np.pi)


def test_hopf_of_the_three_type_circuit():
    circuit = on.Circuit("three_type", size=1, b=1 / 6, b0=1 / 6, tau_a=2e-3)
    branch = on.theory.bifurcation(circuit, None, "z", 0.1, 1.0)
    (hopf,) = branch.bifurcations
    expected = brentq(lambda z: routh_hurwitz(z)[0], 0.3, 0.7)
    assert hopf.kind == "hopf"
    assert hopf.value == pytest.approx(expected, rel=1e-9)
    assert hopf.frequency == pytest.approx(routh_hurwitz(expected)[1], rel=1e-8)
    np.testing.assert_array_equal(branch.stable, branch.value < hopf.value)
    np.testing.assert_array_equal(branch.stable, branch.leading.real < 0)
    np.testing.assert_allclose(branch.value[[0, -1]], [0.1, 1.0], rtol=1e-12)


def test_hopf_along_a_time_constant_and_a_function():
    """A time constant moves no fixed point; a function of the value may give the circuit."""
    circuit = on.Circuit("three_type", size=1, b=1 / 6, b0=1 / 6)
    expected = brentq(lambda tau: routh_hurwitz(1.0, tau_a=tau)[0], 0.5e-3, 3e-3)
    found = on.theory.bifurcation(circuit, [1.0], "tau_a", 0.5e-3, 4e-3)
    assert [one.kind for one in found.bifurcations] == ["hopf"]
    assert found.bifurcations[0].value == pytest.approx(expected, rel=1e-9)
    assert np.ptp(found.state["y"]) < 1e-12
    same = on.theory.bifurcation(circuit, [1.0], lambda tau: circuit.replace(tau_a=tau), 0.5e-3, 4e-3)
    assert same.bifurcations[0].value == pytest.approx(expected, rel=1e-9)


def test_fold_where_two_fixed_points_meet():
    """Two of the three fixed points of figure 1b (w_r = 2) meet where z²(s) of the quartic has its extremum."""
    w_r, constant, b = 2.0, (0.1 * 0.5) ** 2, 0.5

    def squared_input(s):
        gain = 1 - w_r + w_r * s
        return (s**2 - constant) * gain**2 / (s**2 * b**2)

    top = minimize_scalar(lambda s: -squared_input(s), bounds=(0.05, 0.5), method="bounded", options={"xatol": 1e-12})
    circuit = one_unit(w_r=w_r)
    guess = {"y": [-0.5692], "a": [0.0037]}
    branch = on.theory.bifurcation(circuit, None, "z", 1.0, 3.0, guess)
    folds = [found for found in branch.bifurcations if found.kind == "fold"]
    assert len(folds) == 1
    assert folds[0].value == pytest.approx(np.sqrt(squared_input(top.x)), rel=1e-7)
    assert np.sqrt(folds[0].state["a"][0]) == pytest.approx(top.x, rel=1e-5)
    assert branch.value[-1] == pytest.approx(1.0)  # it came back
    assert branch.state["y"][-1, 0] == pytest.approx(-0.978885554, rel=1e-8)
    assert list(branch.unstable_modes[[0, -1]]) == [1, 2]


#: A normal form: x' = p x - x³, three fixed points for p > 0.
PITCHFORK = on.CircuitModel("pitchfork", "dx/dt = (p*x - x**3)/tau : 1\np : 1\ntau : second", parameters={"tau": 1e-3})


def test_a_crossing_of_branches():
    circuit = on.Circuit(PITCHFORK, size=1)
    branch = on.theory.bifurcation(circuit, None, "p", -1.0, 1.3)
    assert [(found.kind, found.frequency) for found in branch.bifurcations] == [("branch", 0.0)]
    assert branch.bifurcations[0].value == pytest.approx(0, abs=1e-9)
    assert branch.stable[0]
    assert not branch.stable[-1]


def test_every_point_is_a_fixed_point():
    circuit = make_joined()
    start = {name: np.full(n, 0.1) for name, n in circuit.inputs.items()}
    branch = on.theory.bifurcation(circuit, start, "low.sigma", 0.2, 0.6)
    for k in range(0, len(branch), 7):
        state = {name: value[k] for name, value in branch.state.items()}
        flow = circuit.dynamics.flow(
            circuit.dynamics.pack(state), circuit.dynamics.resolve_inputs({**start, "low.sigma": branch.value[k]})
        )
        assert np.abs(flow).max() < 1e-6


def test_a_branch_that_ends_is_told():
    """At u = 1 the three-type circuit has no fixed point any more: what was found until there is returned."""
    circuit = on.Circuit("three_type", size=1, b=0.5, b0=0.5, alpha=10.0)
    with pytest.warns(ConvergenceWarning, match="the branch was not followed to the end of the range"):
        branch = on.theory.bifurcation(circuit, None, "z", 0.5, 4.0, points=60)
    assert len(branch) <= 60


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"along": "q"}, "unknown parameter or input in along 'q'"),
        ({"end": 0.1}, "start and end must differ, got 0.1 twice"),
        ({"end": np.nan}, "end must be one number, got nan"),
        ({"z": np.ones((2, 1))}, "give z of shape"),
        ({"step": 0}, "step must be above 0 and at most 1, got 0"),
        ({"circuit": on.Circuit("two_type", size=600), "z": None}, "up to 1000 states, this circuit has 1200"),
    ],
)
def test_bad_input(given, message):
    arguments = {"circuit": one_unit(), "z": [1.0], "along": "z", "start": 0.1, "end": 1.0, **given}
    with pytest.raises(ValueError, match=message):
        on.theory.bifurcation(**arguments)
