"""Circuits of one model computed together, against each one alone."""

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.core.ensembles import Ensemble, check_ensemble
from tests.circuits import (
    make_chain,
    make_gated,
    make_joined,
    make_main,
    make_wilson_cowan,
    random_inputs,
    random_states,
)

MAKERS = [make_main, make_gated, make_wilson_cowan, make_chain, make_joined]


@pytest.mark.parametrize("make", MAKERS)
def test_an_ensemble_computes_what_each_circuit_does(make):
    circuits = [make(seed=seed) for seed in range(3)]
    ensemble = Ensemble(circuits)
    inputs = random_inputs(circuits[0], trials=(3,))
    x = ensemble.pack(random_states(circuits[0], trials=(3,)))
    flow, matrix, start = ensemble.flow(x, inputs), ensemble.jacobian(x, inputs), ensemble.start(inputs)
    for k, circuit in enumerate(circuits):
        mine = {name: value[k] for name, value in inputs.items()}
        np.testing.assert_allclose(flow[k], circuit.dynamics.flow(x[k], mine), rtol=1e-12, atol=1e-9)
        np.testing.assert_allclose(matrix[k], circuit.dynamics.jacobian(x[k], mine), rtol=1e-12, atol=1e-9)
        for name, value in circuit.dynamics.start(mine).items():
            np.testing.assert_array_equal(np.broadcast_to(start[name], (3, value.size))[k], value)


def test_some_circuits_of_an_ensemble():
    circuits = [make_main(seed=seed).replace(initial={"y": seed}) for seed in range(4)]
    part = Ensemble(circuits).take([3, 1, 1])
    x = part.pack(random_states(circuits[0], trials=(3,)))
    inputs = circuits[0].dynamics.resolve_inputs(np.ones(4))
    expected = [circuits[k].dynamics.flow(x[row], inputs) for row, k in enumerate((3, 1, 1))]
    np.testing.assert_allclose(part.flow(x, inputs), expected, rtol=1e-12)
    np.testing.assert_array_equal(part.start(inputs)["y"][:, 0], [3, 1, 1])


def test_what_circuits_share_is_held_once():
    circuits = [on.Circuit("two_type", {"W": on.AllToAll(3)}, size=3, sigma=s) for s in (0.1, 0.2)]
    ensemble = Ensemble(circuits)
    assert [c.weights.kind for c in ensemble.connections] == ["circulant", "all_to_all"]
    assert ensemble.populations[None].parameters["b"] == 0.5
    np.testing.assert_array_equal(ensemble.populations[None].parameters["sigma"], [[0.1] * 3, [0.2] * 3])


@pytest.mark.parametrize(
    ("circuits", "error", "message"),
    [
        ([], ValueError, "circuits is empty"),
        ([make_main(), "two_type"], TypeError, r"circuits\[1\]: circuit must be a circuit, got str"),
        (
            [make_main(), make_main("two_type_rectified")],
            ValueError,
            r"circuits\[1\] has other models than circuits\[0\]",
        ),
        ([make_main(), make_main(), make_main(n=3)], ValueError, r"circuits\[2\] has other numbers of units"),
        ([make_gated(), make_gated(inputs=2)], ValueError, r"circuits\[1\] has other inputs"),
        ([make_main(), make_joined()], ValueError, r"circuits\[1\] has other populations"),
        (
            [make_main(), make_main().replace(initial={"y": 1})],
            ValueError,
            r"circuits\[1\] has other states with an initial",
        ),
    ],
)
def test_circuits_that_do_not_fit_together(circuits, error, message):
    with pytest.raises(error, match=message):
        check_ensemble(circuits)


def test_joined_circuits_that_are_coupled_in_another_way():
    def pair(delay):
        return on.join({"a": make_main(n=2), "b": make_main(n=2)}, [on.Coupling("b.z", np.eye(2), "a: y", delay=delay)])

    with pytest.raises(
        ValueError, match=r"circuits\[1\] has other couplings than circuits\[0\]; circuits that are solved"
    ):
        check_ensemble([pair(0), pair(1e-3)])
