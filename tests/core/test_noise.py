"""The declaration of noise: what it takes, and what every engine is told of it."""

import numpy as np
import pytest
from brian2 import ms, mV

import organics_neuro as on
from organics_neuro.core.errors import UnitError
from organics_neuro.core.noise import resolve_noise
from tests.core.circuits import make_gated, make_main

SLOW = on.CircuitModel(
    "slow",
    "dv/dt = (-v + drive)/tau_v : volt\n drive : volt\n tau_v : second",
    parameters={"tau_v": 5e-3},
)


def test_a_number_is_white_noise():
    ((source),) = resolve_noise(make_main().dynamics, {"y": 1e-3})
    assert (source.name, source.tau, source.shared, source.size) == ("y", None, False, 4)
    assert source.factor == "(tau_y)**-0.5"


def test_what_a_noise_is_compared_by():
    assert on.Noise(1e-3, tau=5 * ms) == on.Noise(1e-3, tau=0.005)
    assert on.Noise([1, 2]) == on.Noise(np.array([1, 2]))
    assert on.Noise(1e-3) != on.Noise(1e-3, shared=True)
    assert on.Noise("1") != on.Noise(1)
    assert len({on.Noise(1e-3), on.Noise(1e-3)}) == 1


def test_units_of_the_amplitude():
    dynamics = on.Circuit(SLOW, size=2).dynamics
    for given in ({"v": 1 * mV}, {"drive": on.Noise(1 * mV, tau=1 * ms)}, {"drive": 1 * mV * ms**0.5}):
        assert resolve_noise(dynamics, given)
    assert float(resolve_noise(dynamics, {"drive": 1 * mV * ms**0.5})[0].eta) == pytest.approx(1e-3 * 1e-3**0.5)
    with pytest.raises(UnitError, match=r"noise of 'drive' .* give a quantity in volt\*second\*\*0.5"):
        resolve_noise(dynamics, {"drive": 1 * mV})
    with pytest.raises(UnitError, match="noise of 'v' .* give a quantity in volt"):
        resolve_noise(dynamics, {"v": 1 * ms})


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: on.Noise(1e-3, tau=0), ValueError, "tau of a Noise must be one positive time"),
        (lambda: on.Noise(1e-3, tau=[1e-3, 2e-3]), ValueError, "tau of a Noise must be one positive time"),
        (lambda: on.Noise(1e-3, tau=1 * mV), UnitError, "tau of a Noise"),
        (lambda: on.Noise(1e-3, shared="units"), TypeError, "shared of a Noise must be True or False, got 'units'"),
        (lambda: on.Noise("y +"), ValueError, "cannot read the expression"),
    ],
)
def test_bad_declarations(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("circuit", "noise", "error", "message"),
    [
        (make_main(), {"z": on.Noise(np.ones(3), 1e-3)}, ValueError, r"noise of 'z' must be one amplitude or .*\(4,\)"),
        (make_main(), {"z": on.Noise("q", 1e-3)}, ValueError, "unknown variable 'q'"),
        (make_main(), {"y": None}, TypeError, "noise of 'y' must be a number"),
        (make_main(), 1e-3, TypeError, "noise must be a dictionary by name, got float"),
        (make_gated(), {"x": "0.1*x"}, ValueError, r"noise of 'x' must be a number or an array"),
    ],
)
def test_noise_that_does_not_fit(circuit, noise, error, message):
    with pytest.raises(error, match=message):
        resolve_noise(circuit.dynamics, noise)
