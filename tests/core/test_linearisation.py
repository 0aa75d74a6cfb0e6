"""Products with the Jacobian against the matrix, and matrices of several states at once against each alone."""

import numpy as np
import pytest

from organics_neuro.core.linearisation import Linearisation
from tests.circuits import CIRCUITS, random_inputs, random_states


@pytest.fixture(params=CIRCUITS.values(), ids=CIRCUITS)
def circuit(request):
    return request.param()


def at_random(circuit, trials=()):
    """Dynamics, states and inputs."""
    dynamics = circuit.dynamics
    return dynamics, dynamics.pack(random_states(circuit, trials=trials)), random_inputs(circuit, trials=trials)


def test_products_are_those_of_the_matrix(circuit):
    dynamics, x, inputs = at_random(circuit)
    linear, matrix = Linearisation(dynamics, x, inputs), dynamics.jacobian(x, inputs)
    vectors = np.random.default_rng(0).normal(size=(3, x.size))
    for v in vectors:
        np.testing.assert_allclose(linear.product(v), matrix @ v, rtol=1e-10, atol=1e-7)
        np.testing.assert_allclose(linear.transposed(v, dynamics.slices), matrix.T @ v, rtol=1e-10, atol=1e-7)


def test_transposed_products_by_inputs(circuit):
    dynamics, x, inputs = at_random(circuit)
    v = np.random.default_rng(0).normal(size=x.size)
    linear = Linearisation(dynamics, x, inputs)
    for name, n in dynamics.inputs.items():
        columns = {name: slice(0, n)}
        matrix = sum(dynamics.derivatives(x, inputs, columns).values())
        np.testing.assert_allclose(linear.transposed(v, columns), matrix.T @ v, rtol=1e-10, atol=1e-7)


def test_several_states_at_once(circuit):
    dynamics, x, inputs = at_random(circuit, trials=(3,))
    matrices = dynamics.jacobian(x, inputs)
    v = np.random.default_rng(0).normal(size=x.shape)
    products = Linearisation(dynamics, x, inputs).product(v)
    for k in range(3):
        mine = {name: value[k] for name, value in inputs.items()}
        np.testing.assert_allclose(matrices[k], dynamics.jacobian(x[k], mine), rtol=1e-12, atol=1e-9)
        np.testing.assert_allclose(products[k], matrices[k] @ v[k], rtol=1e-10, atol=1e-7)
