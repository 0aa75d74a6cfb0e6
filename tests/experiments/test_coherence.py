"""Coherence, phase and Granger causality: chains whose answers are known, and simulated areas."""

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.core.errors import ConvergenceError
from organics_neuro.engines import Reference
from organics_neuro.experiments.granger import factorize, granger
from tests.circuits import one_unit

#: So small that simulated areas are linear.
SMALL = {"v1.y": 1e-3, "v2.y": 1e-3}
NOISE = {"v1.y": 1e-2, "v2.y": 1e-2}


@pytest.fixture(scope="module")
def chain():
    return on.hierarchy({"v1": one_unit(), "v2": one_unit()}, on.Coupling("z", 1.0, "y"))


def autoregression(frequencies=513):
    """An autoregression in which the first process drives the second: transfer functions and covariance."""
    turn = np.exp(-1j * np.linspace(0, np.pi, frequencies))
    inverse = np.array([[1 - 0.5 * turn + 0.3 * turn**2, 0 * turn], [-0.4 * turn, 1 - 0.6 * turn]]).transpose(2, 0, 1)
    return np.linalg.inv(inverse), np.array([[1.0, 0.2], [0.2, 0.5]])


def test_the_factor_of_an_autoregression():
    transfer, covariance = autoregression()
    spectra = transfer @ covariance @ transfer.conj().swapaxes(1, 2)
    found, innovations = factorize(spectra)
    np.testing.assert_allclose(found, transfer, atol=1e-12)
    np.testing.assert_allclose(innovations, covariance, atol=1e-12)
    forward, backward = granger(spectra)
    own = spectra[:, 1, 1].real - (1 - 0.2**2 / 0.5) * np.abs(transfer[:, 1, 0]) ** 2
    np.testing.assert_allclose(forward, np.log(spectra[:, 1, 1].real / own), atol=1e-12)
    assert np.abs(backward).max() < 1e-20


def test_signals_with_one_noise_have_no_factor():
    with pytest.raises(ConvergenceError, match="the signals fluctuate as one"):
        granger(np.ones((65, 2, 2), dtype=complex))


def test_causality_goes_forward(chain):
    found = on.experiments.coherence(chain, [0.3, 1.0], NOISE, stimulus={"v1.z": [1.0]})
    assert (found.forward.max("frequency") > 0.4).all()
    assert (found.backward < 1e-3).all()
    turned = on.experiments.coherence(chain, [1.0], NOISE, stimulus={"v1.z": [1.0]}, states=["v2.y", "v1.y"])
    np.testing.assert_allclose(turned.backward, found.forward[1:], atol=1e-3)
    np.testing.assert_allclose(turned.phase, -found.phase[1:], atol=1e-9)


def test_coherence_is_that_of_theory(chain):
    found = on.experiments.coherence(chain, [0.3], NOISE, stimulus={"v1.z": [1.0]}, resolution=25.0)
    pairs = [(("v1.y", 0), ("v2.y", 0))]
    expected = on.theory.coherence(chain, {"v1.z": [0.3]}, found.frequency.values, NOISE, pairs)
    np.testing.assert_allclose(found.coherence[0], expected[:, 0], rtol=1e-10)
    assert found.frequency.max() == 250


def test_without_noise_of_its_own_the_second_area_follows(chain):
    found = on.experiments.coherence(chain, [0.3], {"v1.y": 1e-2}, stimulus={"v1.z": [1.0]}, resolution=25.0)
    np.testing.assert_allclose(found.coherence, 1)
    assert np.isnan(found.forward).all()


def test_a_delay_turns_the_phase():
    areas = [
        on.hierarchy({"v1": one_unit(), "v2": one_unit()}, on.Coupling("z", 1.0, "y", delay=delay))
        for delay in (0.0, 2e-3)
    ]
    early, late = (
        on.experiments.coherence(each, [0.3], NOISE, stimulus={"v1.z": [1.0]}, resolution=25.0) for each in areas
    )
    turned = (late.phase - early.phase) % 360
    np.testing.assert_allclose(turned[0], 360 * early.frequency * 2e-3 % 360, atol=1e-6)
    np.testing.assert_allclose(late.coherence, early.coherence, rtol=1e-9)


def test_simulation_agrees_with_theory(chain):
    engine = Reference(dt=5e-4, method="heun", duration=4.0, trials=16, seed=3, progress=False)
    arguments = {"contrasts": [0.5], "noise": SMALL, "stimulus": {"v1.z": [1.0]}, "resolution": 10.0}
    found = on.experiments.coherence(chain, engine=engine, **arguments).sel(frequency=slice(40, 100))
    expected = on.experiments.coherence(chain, **arguments).sel(frequency=slice(40, 100))
    np.testing.assert_allclose(found.coherence, expected.coherence, atol=0.1)
    assert np.abs(found.phase - expected.phase).max() < 15
    assert np.abs(found.forward - expected.forward).sel(frequency=slice(60, None)).max() < 0.1
    assert found.forward.max() > 5 * found.backward.max()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"noise": None}, "without noise nothing fluctuates"),
        ({"states": ["v1.y"]}, "states must name two different states"),
        ({"states": ["v1.y", "q"]}, "unknown state in states 'q'"),
        ({"signal": "sum"}, "unknown signal 'sum'; known: 'coherent', 'mean'"),
        ({"resolution": 0}, "resolution must be one frequency above 0"),
        ({"stimulus": {"v1.z": [0.0]}}, "does not respond to the stimulus"),
    ],
)
def test_bad_input(given, message, chain):
    arguments = {"circuit": chain, "contrasts": [0.5], "noise": NOISE, "stimulus": {"v1.z": [1.0]}, **given}
    with pytest.raises(ValueError, match=message):
        on.experiments.coherence(**arguments)
