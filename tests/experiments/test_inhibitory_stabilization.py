"""Inhibitory stabilization of an excitatory and an inhibitory unit, whose criterion is known in closed form."""

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.engines import Reference

#: A supralinear stabilized circuit (Ahmadian, Rubin & Miller 2013) of one excitatory and one inhibitory unit.
SUPRALINEAR = on.CircuitModel(
    "supralinear",
    """
    dr_e/dt = (-r_e + k*relu(i_e + w_ee*r_e - w_ei*r_i)**n)/tau_e : 1
    dr_i/dt = (-r_i + k*relu(i_i + w_ie*r_e - w_ii*r_i)**n)/tau_i : 1
    i_e : 1
    i_i : 1
    k : 1
    n : 1
    w_ee : 1
    w_ei : 1
    w_ie : 1
    w_ii : 1
    tau_e : second
    tau_i : second
    """,
    parameters={
        "k": 0.04,
        "n": 2,
        "w_ee": 1.25,
        "w_ei": 0.65,
        "w_ie": 1.2,
        "w_ii": 0.5,
        "tau_e": 20e-3,
        "tau_i": 10e-3,
    },
    outputs={"rate_e": "r_e", "rate_i": "r_i"},
)


@pytest.mark.parametrize(("drive", "paradoxical"), [(2.0, False), (10.0, True)])
def test_the_criterion(drive, paradoxical):
    """The rate falls with drive to the inhibitory unit if the gain f' w_ee of the excitatory one is above 1."""
    circuit, stimulus = on.Circuit(SUPRALINEAR, size=1), {"i_e": [drive], "i_i": [drive]}
    arguments = {"changes": [-0.01, 0, 0.01], "target": "i_i", "held": ["r_i"], "stimulus": stimulus}
    found = on.experiments.inhibitory_stabilization(circuit, **arguments)
    assert found.attrs["paradoxical"] == str(paradoxical)
    rates = on.theory.fixed_point(circuit, stimulus).state
    gain = 2 * 0.04 * (drive + 1.25 * rates["r_e"] - 0.65 * rates["r_i"]).item()
    assert found.attrs["leading_held"] == pytest.approx((1.25 * gain - 1) / 20e-3, rel=1e-8)
    assert found.attrs["leading"] < 0
    assert (found.attrs["leading_held"] > 0) == paradoxical
    measured = np.gradient(found.rate_i[:, 0], 0.01)[1]
    assert found.attrs["slope"] == pytest.approx(measured, rel=1e-3)
    engine = Reference(dt=1e-3, method="rk4", duration=1.2, progress=False)
    simulated = on.experiments.inhibitory_stabilization(circuit, engine=engine, **arguments)
    np.testing.assert_allclose(simulated.rate_i, found.rate_i, rtol=1e-4)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"target": "q"}, "unknown input in target 'q'"),
        ({"changes": [1, 0]}, "changes must be a list of numbers in rising order"),
        ({"held": None}, "held must name the states of the inhibitory units"),
        ({"held": ["q"]}, "unknown state in held 'q'"),
    ],
)
def test_bad_input(given, message):
    arguments = {
        "circuit": on.Circuit(SUPRALINEAR, size=1),
        "changes": [0, 1],
        "target": "i_i",
        "held": ["r_i"],
        **given,
    }
    with pytest.raises(ValueError, match=message):
        on.experiments.inhibitory_stabilization(**arguments)
