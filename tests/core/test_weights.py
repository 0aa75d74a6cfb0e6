"""Ring weights against golden numbers, and the statistics of random recurrence."""

import numpy as np
import pytest

import organics_neuro as on


def test_ring_recurrence(reference):
    golden = reference["ring"]["nine"]
    matrix = on.weights.ring_recurrence(golden["N"]).to_dense()
    np.testing.assert_allclose(matrix[0, :6], golden["row0"], atol=1e-14)
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-15)
    eigenvalues = np.linalg.eigvalsh(matrix)
    np.testing.assert_allclose(eigenvalues, np.sort(golden["eigs"]), atol=1e-13)
    assert np.sum(np.abs(eigenvalues - 1) < 1e-6) == golden["n_eig_one"]


@pytest.mark.parametrize("n", [9, 12, 36, 90])
def test_ring_recurrence_never_amplifies(n):
    assert np.linalg.norm(on.weights.ring_recurrence(n).to_dense(), 2) <= 1 + 1e-12


def test_ring_encoder(reference):
    golden = reference["ring"]["nine"]
    encoder = on.weights.ring_encoder(36, 360)
    assert encoder.shape == (36, 360)
    assert encoder.max() == pytest.approx(golden["peak"], rel=1e-13)
    half = encoder[0].max() / 2
    assert np.sum(encoder[18] > half) == pytest.approx(golden["fwhm_deg_of_360"], abs=1)


@pytest.mark.parametrize("n", [9, 36, 60])
def test_encoded_stimuli_have_unit_energy_and_are_sustained(n):
    encoder = on.weights.ring_encoder(n, 100)
    np.testing.assert_allclose(np.sum(encoder**2, axis=0), 1, rtol=1e-13)
    np.testing.assert_allclose(on.weights.ring_recurrence(n) @ encoder, encoder, atol=1e-14)


def test_gaussian_pool():
    n, width = 20, 0.1
    pool = on.weights.gaussian_pool(n, width)
    i = np.arange(n)
    distance = np.minimum(np.abs(i[:, None] - i), n - np.abs(i[:, None] - i))
    np.testing.assert_allclose(pool.to_dense(), np.exp(-(distance**2) / (2 * (width * n) ** 2)), rtol=1e-13)
    assert on.weights.gaussian_pool(n, width, m=10).shape == (10, n)


@pytest.mark.parametrize("symmetric", [False, True])
def test_spectrum_of_random_recurrence(symmetric):
    n, delta = 200, 0.3
    matrix = on.weights.random_recurrence(n, delta, symmetric=symmetric, seed=1).to_dense()
    radius = np.abs(np.linalg.eigvals(matrix) - 1).max()
    assert radius == pytest.approx(np.sqrt(2) * delta if symmetric else delta, rel=0.15)
    assert np.array_equal(matrix, matrix.T) == symmetric


def test_random_recurrence_repeats_with_its_seed():
    assert on.weights.random_recurrence(5, 0.1, seed=3) == on.weights.random_recurrence(5, 0.1, seed=3)
    assert on.weights.random_recurrence(5, 0.1, seed=3) != on.weights.random_recurrence(5, 0.1, seed=4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: on.weights.gaussian_pool(4.5, 0.1), "n must be a positive integer, got 4.5"),
        (lambda: on.weights.gaussian_pool(0, 0.1), "n must be a positive integer, got 0"),
        (lambda: on.weights.gaussian_pool(4, 0.1, m=2.5), "m must be a positive integer, got 2.5"),
        (lambda: on.weights.ring_encoder(9, 36.5), "m must be a positive integer, got 36.5"),
        (lambda: on.weights.random_recurrence(0, 0.1), "n must be a positive integer, got 0"),
        (lambda: on.ring(9, angles=36.5), "angles must be a positive integer, got 36.5"),
    ],
)
def test_bad_sizes(call, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        call()
