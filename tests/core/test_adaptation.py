"""Adaptation and depression as parts that attach to a circuit: steady states in closed form, and equal engines."""

import numpy as np
import pytest

import organics_neuro as on
from tests.circuits import make_gated, make_main


def test_adaptation_of_the_drive_in_closed_form():
    """At rest m = |z|, so the drive is z/(1 + s |z|)."""
    circuit, z = make_main(n=3), np.array([0.5, -0.2, 1.0])
    found = on.theory.fixed_point(on.adapting(circuit, "z", strength=2.0), z).state
    expected = on.theory.fixed_point(circuit, z / (1 + 2 * np.abs(z))).state
    np.testing.assert_allclose(found["m"], np.abs(z), rtol=1e-9)
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-8)


def test_depression_in_closed_form():
    circuit, z = make_main(n=3), np.array([0.5, -0.2, 1.0])
    found = on.theory.fixed_point(on.depressing(circuit, "z", use=3.0), z).state
    expected = on.theory.fixed_point(circuit, z / (1 + 3 * np.abs(z))).state
    np.testing.assert_allclose(found["resource"], 1 / (1 + 3 * np.abs(z)), rtol=1e-9)
    np.testing.assert_allclose(found["y"], expected["y"], rtol=1e-8)


def test_adaptation_of_the_pool():
    """What units send to the pool is a y²/(1 + s m) with m = a y²."""
    circuit = on.adapting(make_main(n=3), "W", strength=1.5, tau=0.1)
    z = np.array([0.5, -0.2, 1.0])
    found = on.theory.fixed_point(circuit, z).state
    sent = found["a"] * found["y"] ** 2
    np.testing.assert_allclose(found["m"], sent, rtol=1e-8)
    pool = circuit.weights["W"].to_dense() @ (sent / (1 + 1.5 * sent))
    np.testing.assert_allclose(found["a"], (0.3 * circuit.parameters["b0"]) ** 2 + pool, rtol=1e-8)


def test_without_strength_nothing_changes():
    circuit, z = make_main(n=3), np.array([0.5, -0.2, 1.0])
    for other in (on.adapting(circuit, "z", 0.0), on.adapting(circuit, "W", 0.0), on.depressing(circuit, "W_r", 0.0)):
        found = on.simulate(other, z, 0.02, on.engines.Reference(dt=1e-3, progress=False), record=["y"])
        expected = on.simulate(circuit, z, 0.02, on.engines.Reference(dt=1e-3, progress=False), record=["y"])
        np.testing.assert_allclose(found["y"], expected["y"], rtol=1e-12)


@pytest.mark.slow
def test_two_adaptations_and_engines():
    """Adaptations come on top of each other; Brian2 and NumPy agree, and files keep the declaration."""
    circuit = on.depressing(on.adapting(make_main(n=3), "z", tau=0.05), "W_r", tau=0.02)
    engines = (on.engines.Reference(dt=1e-3, progress=False), on.engines.Brian(dt=1e-3, report=False))
    found = [on.simulate(circuit, [0.5, -0.2, 1.0], 0.05, engine) for engine in engines]
    assert set(found[0]) == {"y", "a", "m", "resource"}
    for name in found[0]:
        np.testing.assert_allclose(found[0][name], found[1][name], rtol=1e-9, atol=1e-13)


def test_a_saturated_response_hardly_adapts_by_its_recurrence():
    """Dividing the drive of a saturated unit changes little: drive and pool scale together."""
    circuit = on.Circuit("two_type", size=1)
    before = on.theory.fixed_point(circuit, [1.0]).state["y"].item() ** 2
    after = on.theory.fixed_point(on.adapting(circuit, "z", 0.2), [1.0]).state["y"].item() ** 2
    assert 0.99 < after / before < 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: on.adapting(make_main(), "q"), "unknown input or weights 'q'; known: 'z', 'W_r', 'W'"),
        (lambda: on.adapting(make_main(), "z", -1), "strength must be 0 or larger"),
        (lambda: on.adapting(make_main(), "z", name="a"), "has a variable 'a'; give another name"),
        (lambda: on.adapting(make_gated(), "W_zx"), "an input with a size of its own"),
        (lambda: on.depressing(make_main(), "z", tau=0), "tau must be"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()
