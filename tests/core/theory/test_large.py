"""Large circuits: matrix-free theory against matrices on small circuits of every model, and sheets of units."""

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.core.errors import ConvergenceError
from organics_neuro.core.theory import large, problems, responses
from organics_neuro.core.theory.krylov import ShiftedSystems
from tests.circuits import CIRCUITS, make_joined, make_late, random_inputs


def any_circuit(model, n=5, inputs=3, seed=0):
    """Random weights, of the allowed sign, for any model; what may inhibit itself does so, which makes all models settle."""
    rng, weights = np.random.default_rng(seed), {}
    for coupling in model.couplings:
        sources = inputs if model.external_source(coupling) else n
        matrix = rng.normal(size=(n, sources)) / (3 * n)
        if coupling.allowed_sign is None and sources == n and "x" not in coupling.source:
            matrix -= 0.3 * np.eye(n)
        weights[coupling.weights] = matrix if coupling.allowed_sign is None else coupling.allowed_sign * np.abs(matrix)
    return on.Circuit(model, weights)


def bell(width, reach):
    kernel = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * width**2))
    return kernel / kernel.sum()


def sheet(n):
    """n x n units on a torus: near recurrence of gain .9, a broad pool."""
    near, broad = (np.outer(k, k) for k in (bell(1.0, 3), bell(6.0, 15)))
    weights = {"W_r": on.Convolution(0.9 * near, (n, n)), "W": on.Convolution(broad, (n, n))}
    return on.Circuit("two_type", weights, tau_y=2e-3, tau_a=1e-3), np.random.default_rng(0).uniform(0, 1, n * n)


@pytest.fixture
def without_matrices(monkeypatch):
    """Calls a function as if every circuit was large."""

    def call(function, *arguments, **options):
        with monkeypatch.context() as small:
            small.setattr(problems, "LARGE", 0)
            small.setattr(responses, "_STATES", 0)
            return function(*arguments, **options)

    return call


EVERY = {**{name: lambda model=model: any_circuit(model) for name, model in on.MODELS.items()}, **CIRCUITS}


@pytest.mark.parametrize("make", EVERY.values(), ids=EVERY)
def test_every_model_without_matrices(make, without_matrices):
    circuit = make()
    inputs = {name: 0.3 * value for name, value in random_inputs(circuit).items()}
    point, free = on.theory.fixed_point(circuit, inputs), without_matrices(on.theory.fixed_point, circuit, inputs)
    assert free.converged
    for name, value in point.state.items():
        np.testing.assert_allclose(free.state[name], value, rtol=1e-9, atol=1e-11)
    values = on.theory.eigenvalues(circuit, inputs, point.state, k=2)
    found = without_matrices(on.theory.eigenvalues, circuit, inputs, point.state, k=2)
    np.testing.assert_allclose(found.real, values.real, rtol=1e-6)
    np.testing.assert_allclose(np.abs(found.imag), np.abs(values.imag), rtol=1e-6, atol=1e-3)
    assert without_matrices(on.theory.is_stable, circuit, inputs) == on.theory.is_stable(circuit, inputs)


@pytest.mark.parametrize("make", EVERY.values(), ids=EVERY)
def test_spectra_of_every_model_without_matrices(make, without_matrices):
    circuit = make()
    inputs = {name: 0.1 * value for name, value in random_inputs(circuit).items()}
    first, last = list(circuit.states)[0], list(circuit.states)[-1]
    noise = {name: on.Noise(1e-3, tau=3e-3, shared=True) for name in circuit.inputs}
    if circuit.populations[first.population].model.has_time_constant(first.variable):
        noise[first] = 1e-3
    pairs = [((first, 0), (last, 1)), ((first, 0), {first: 1.0})]
    spectrum = on.theory.power_spectrum(circuit, inputs, [0.0, 7.0, 90.0, 700.0], noise, pairs=pairs)
    expected, found = spectrum.cross(), without_matrices(spectrum.cross)
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9 * np.abs(expected).max())
    coherence = spectrum.coherence()[:, 1]  # the other pair may have no power but rounding errors
    np.testing.assert_allclose(without_matrices(spectrum.coherence)[:, 1], coherence, rtol=1e-4)


def test_a_sheet_has_the_point_and_the_eigenvalues_of_its_matrix(monkeypatch):
    circuit, z = sheet(15)
    expected, values = on.theory.fixed_point(circuit, z), on.theory.eigenvalues(circuit, z)
    monkeypatch.setattr(problems, "LARGE", 0)
    found = on.theory.fixed_point(circuit, z)
    np.testing.assert_allclose(found.state["y"], expected.state["y"], rtol=1e-10)
    leading = on.theory.eigenvalues(circuit, z, found.state, k=6)
    np.testing.assert_allclose(leading.real, values[:6].real, rtol=1e-6)
    np.testing.assert_allclose(leading.imag, values[:6].imag, rtol=1e-5, atol=1e-3)


def test_ten_thousand_units():
    """20,000 states: a matrix of them would take 3.2 GB."""
    circuit, z = sheet(100)
    point = on.theory.fixed_point(circuit, z)
    values = on.theory.eigenvalues(circuit, z, point.state, k=2)
    pairs = [(("y", 5050), ("y", 5051)), (("y", 5050), ("y", 5150))]
    spectrum = on.theory.power_spectrum(circuit, z, [5, 20, 50, 100], {"y": 1e-3}, point.state, pairs=pairs)
    cross = spectrum.cross()
    assert point.converged
    assert point.residual < 1e-12
    assert values[0] == pytest.approx(-104.13031267 + 271.83322583j, rel=1e-6)
    assert cross.shape == (4, 2)
    assert np.isfinite(cross).all()


def test_trials_of_a_large_circuit(monkeypatch):
    circuit, z = sheet(6)
    z = np.stack([z, 0.1 * z])
    expected = on.theory.fixed_point(circuit, z)
    monkeypatch.setattr(problems, "LARGE", 0)
    found = on.theory.fixed_point(circuit, z)
    np.testing.assert_allclose(found.state["a"], expected.state["a"], rtol=1e-9)
    together = on.theory.fixed_point([circuit, circuit.replace(sigma=0.2)], z)
    np.testing.assert_allclose(together.state["a"][0], expected.state["a"][0], rtol=1e-9)
    assert on.theory.is_stable(circuit, z).shape == (2,)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda c, z: on.theory.jacobian(c, z), r"the Jacobian of 512 states takes 0\.002 GB, and is made up to 500"),
        (
            lambda c, z: on.theory.eigenvalues(c, z),
            r"all eigenvalues of 512 states takes 0\.002 GB.*eigenvalues\(k=...\)",
        ),
        (lambda c, z: on.theory.covariance(c, z, {"y": 1e-3}), "the covariance of 512 states"),
        (
            lambda c, z: on.theory.power_spectrum(c, z, [10], {"y": 1e-3})["y"],
            "the spectrum of each unit of 512 states",
        ),
        (
            lambda c, z: on.theory.power_spectrum(c, z, [10], {"y": 1e-3}).matrix,
            "the matrix of spectra of 512 states",
        ),
        (lambda c, z: on.theory.largest_stable_dt(c, z), "all eigenvalues of 512 states"),
        (lambda c, z: on.theory.eigenvalues(c, z, k=0), "k must be a positive integer, got 0"),
    ],
)
def test_what_needs_a_matrix_that_is_too_large(ask, message, monkeypatch):
    monkeypatch.setattr(problems, "LARGE", 300)
    monkeypatch.setattr(large, "_MATRIX", 500)
    with pytest.raises(ValueError, match=message):
        ask(*sheet(16))


def test_large_circuits_with_delays_are_refused(without_matrices):
    with pytest.raises(ValueError, match="the eigenvalues of a circuit with delays are known up to 1000 states"):
        without_matrices(on.theory.eigenvalues, make_late(), None, make_late().initial, k=2)


def test_systems_that_differ_by_a_shift():
    rng = np.random.default_rng(0)
    matrix, b = rng.normal(size=(40, 40)) - 12 * np.eye(40), rng.normal(size=40)
    shifts = 2j * np.pi * np.array([0.0, 0.5, 3.0, 40.0])
    systems = ShiftedSystems(lambda v: matrix @ v, b, shifts)
    for k, shift in enumerate(shifts):
        np.testing.assert_allclose(systems.solution(k), np.linalg.solve(shift * np.eye(40) - matrix, b), rtol=1e-8)
    assert not ShiftedSystems(lambda v: matrix @ v, np.zeros(40), shifts).solution(0).any()


def test_a_response_that_does_not_converge_is_no_number():
    """A shift by one place needs as many vectors as there are places."""
    with pytest.raises(ConvergenceError, match="did not converge within 600 products"):
        ShiftedSystems(lambda v: np.roll(v, 1), np.eye(1, 2000)[0], np.array([1j]))


def test_fewer_eigenvalues_are_the_leading_ones():
    circuit = make_joined()
    values = on.theory.eigenvalues(circuit)
    np.testing.assert_array_equal(on.theory.eigenvalues(circuit, k=3), values[:3])
