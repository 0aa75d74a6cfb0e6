"""Trained feedback networks: golden networks, rules of training, and what the mean field predicts of finite ones."""

import json
from pathlib import Path

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.core.errors import ConvergenceError
from organics_neuro.core.theory import mean_field as mf
from tests.simulators import simulate_reference

FOLDER = Path(__file__).parents[1]
SYSTEMS = json.loads((FOLDER / "reference_values_systems.json").read_text())
LARGE = SYSTEMS["feedback_least_squares"]["least_squares_N800"]
SMALL = SYSTEMS["feedback_training"]
RULES = {"ls": "least_squares", "force": "force", "gradient": "gradient"}


@pytest.mark.parametrize(("target", "seed"), [(a, k) for a in LARGE for k in range(4)])
def test_golden_networks_of_800_units(target, seed):
    """Where they settle from three starts, and the outlier, by its equation and by the eigenvalue."""
    golden = LARGE[target][seed]
    trained = on.feedback.train(on.feedback.network(800, seed=golden["seed"]), float(target))
    found = on.feedback.attractors(trained)
    for z in golden["z"]:
        assert np.abs(found.z[found.stable] - z).min() < 1e-7  # simulated for a while
    v = found.state[np.abs(found.z - float(target)).argmin()]
    slopes = 1 - np.tanh(v) ** 2
    assert 0.3 * np.sqrt(np.mean(slopes**2)) == pytest.approx(golden["radius"], rel=1e-9)
    if (target, seed) == ("2.0", 0):  # there an eigenvalue of the edge leads
        with pytest.raises(ConvergenceError, match="whose edge leads"):
            on.feedback.outlier(trained, v)
    else:
        assert on.feedback.outlier(trained, v) == pytest.approx(golden["scalar_equation"], abs=1e-10)
        assert on.feedback.outlier(trained, v) == pytest.approx(golden["outlier"], abs=1e-8)


def attractors_of(case, rule):
    target, seed = case.removeprefix("A").split("_seed")
    trained = on.feedback.train(on.feedback.network(300, seed=int(seed)), float(target), rule)
    found = on.feedback.attractors(trained)
    return trained, found, float(target)


@pytest.mark.parametrize("case", SMALL)
def test_golden_least_squares_of_300_units(case):
    trained, found, target = attractors_of(case, "least_squares")
    golden = SMALL[case]["ls"]
    assert set(np.round(golden["z"], 4)) == set(np.round(found.z[found.stable], 4) + 0.0)
    state = found.state[np.abs(found.z - target).argmin()]
    leading = on.theory.eigenvalues(trained, None, {"v": state}, k=1)[0].real * 10e-3 + 1
    assert leading == pytest.approx(golden["outlier"], abs=1e-10)


@pytest.mark.parametrize("rule", ["force", "gradient"])
@pytest.mark.parametrize("case", SMALL)
def test_other_rules_reach_the_target_along_other_directions(case, rule):
    """The path depends on the start, so the golden cosines are a range."""
    trained, found, target = attractors_of(case, rule)
    assert np.abs(found.z - target).min() < 1e-3
    least = attractors_of(case, "least_squares")[0]
    n, shortest = (circuit.weights["W_out"].to_dense()[0] for circuit in (trained, least))
    cosine = n @ shortest / np.linalg.norm(n) / np.linalg.norm(shortest)
    golden = [each[rule]["cos_with_ls"] for each in SMALL.values()]
    assert min(golden) - 0.2 < cosine < max(golden) + 0.2


def test_what_the_rules_leave_beside_the_target():
    """At a target of 2: least squares three times of three another attractor, FORCE once, gradient descent never."""
    cases = [f"A2.0_seed{k}" for k in range(3)]
    more = {key: sum(attractors_of(c, rule)[1].stable.sum() > 1 for c in cases) for key, rule in RULES.items()}
    golden = {key: sum(len(set(np.round(SMALL[c][key]["z"], 2))) > 1 for c in cases) for key in RULES}
    assert more == golden == {"ls": 3, "force": 1, "gradient": 0}


@pytest.mark.parametrize("case", ["A1.0_seed0", "A2.0_seed0", "A-1.0_seed0"])
def test_descent_takes_as_many_steps_as_the_golden_one(case, monkeypatch):
    """From a readout of 0; the golden one was small."""
    count, rest = [], on.feedback._rest
    monkeypatch.setattr(on.feedback, "_rest", lambda *given: count.append(1) or rest(*given))
    attractors_of(case, "gradient")
    assert len(count) == pytest.approx(SMALL[case]["gradient"]["steps"], abs=3)


@pytest.mark.parametrize(
    "case", SYSTEMS["feedback_overlap_prediction"], ids=lambda c: f"{c['A']:g}-{c['seed']}-{c['method']}"
)
def test_golden_predictions_from_overlaps(case):
    """The number of attractors follows from how the readout lies in the network."""
    overlaps = mf.Overlaps(case["overlap_m"], case["overlap_I"])
    stable = mf.closed_loop(mf.Statistics(), overlaps).stable
    assert stable.sum() == len(case["attractors"])


def test_fixed_points_are_those_of_newton_and_of_the_circuit():
    trained = on.feedback.train(on.feedback.network(200, seed=2), 2.0)
    found = on.feedback.attractors(trained)
    residual = trained.dynamics.flow(found.state, trained.dynamics.resolve_inputs(None))
    assert np.abs(residual).max() * 10e-3 < 1e-10
    for k, point in enumerate(found.state):
        assert on.theory.is_stable(trained, None, {"v": point}) == found.stable[k]
        if found.stable[k]:
            end = simulate_reference(trained, None, 0.6, 1e-3, initial={"v": 1.05 * point})["v"][-1, 0]
            np.testing.assert_allclose(end, point, atol=1e-6)
            assert trained.outputs({"v": end})["readout"][0] == pytest.approx(found.z[k], abs=1e-7)


def test_input_moves_the_attractors():
    trained = on.feedback.train(on.feedback.network(200, seed=2), 1.0)
    z = 0.3 * np.random.default_rng(0).normal(size=200)
    found = on.feedback.attractors(trained, z)
    point = on.theory.fixed_point(trained, z)
    assert np.abs(found.state - point.state["v"]).max(axis=1).min() < 1e-9


@pytest.mark.slow
def test_the_number_of_attractors_is_predicted():
    """Of 200 random networks of 1000 units, from their readout's overlaps."""
    rng, right, tried = np.random.default_rng(0), 0, 0
    while tried < 200:
        statistics = mf.Statistics(rho=rng.uniform(0, 1))
        readout, target = tuple(rng.uniform(0, 1, 3)), rng.uniform(-2, 2)
        network = on.feedback.network(1000, statistics, readout=readout, target=target, seed=int(rng.integers(2**32)))
        predicted = mf.closed_loop(statistics, on.feedback.overlaps(network)).stable.sum()
        tried, right = tried + 1, right + (predicted == on.feedback.attractors(network).stable.sum())
    assert right >= 0.95 * tried


def test_finite_networks_come_near_the_mean_field():
    """Golden means over four networks of 1500 units; here of 600."""
    golden = json.loads((FOLDER / "reference_values.json").read_text())["finite_size"]
    for case in golden:
        statistics = mf.Statistics(rho=case["rho"])
        outputs = [
            on.feedback.attractors(on.feedback.network(600, statistics, readout=case["P"], target=1.0, seed=k)).z
            for k in range(4)
        ]
        nearest = np.array([z[np.abs(z - 1).argmin()] for z in outputs])
        assert nearest.mean() == pytest.approx(case["z_mean"], abs=4 * (case["z_std"] + 0.02))


def test_least_squares_leaves_the_loop_of_the_theory():
    """The outlier of finite networks scatters around that of the mean field."""
    for target in (1.0, -1.0):
        theory = mf.least_squares(mf.Statistics(), target)
        expected = theory.outlier[np.abs(theory.z - target).argmin()]
        outliers = [golden["outlier"] for golden in LARGE[str(target)]]
        assert np.mean(outliers) == pytest.approx(expected, abs=0.03)


def test_bad_input():
    network = on.feedback.network(20, seed=0)
    with pytest.raises(ValueError, match="unknown rule 'hebb'; known: 'least_squares', 'force', 'gradient'"):
        on.feedback.train(network, 1.0, "hebb")
    with pytest.raises(ValueError, match="target must be a number, got nan"):
        on.feedback.train(network, float("nan"))
    with pytest.raises(ValueError, match="a feedback network is a circuit of the model 'feedback'"):
        on.feedback.train(on.ring(12), 1.0)
    two = network.replace({"W_loop": on.LowRank(np.ones((20, 2)), np.ones((20, 2)))})
    with pytest.raises(ValueError, match="the loop must be LowRank"):
        on.feedback.train(two, 1.0)
    with pytest.raises(ConvergenceError, match="the rule 'force' did not reach the target 1: the output is"):
        on.feedback.train(network, 1.0, "force", updates=1)
    strong = network.replace({"W": 10 * network.weights["W"], "W_loop": on.LowRank(np.ones(20), np.ones(20) / 20)})
    with pytest.raises(ConvergenceError, match="the bulk W is too strong"):
        on.feedback.attractors(strong)
