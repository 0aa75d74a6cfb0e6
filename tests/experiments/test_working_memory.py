"""Working memory: what is held, and what a distractor does, against closed forms."""

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.engines import Brian, Reference

GATES = [0.0, 0.1, 100.0]


def memory(**options):
    return on.Circuit("working_memory", on.weights.memory_recurrence(24, **options))


@pytest.fixture(scope="module")
def found():
    engine = Reference(progress=False)
    return on.experiments.working_memory(memory(), GATES, engine, delay=0.2, show=0.1)


def test_golden_distractor(found, reference):
    golden = reference["wm_distractor"]
    assert found.angle[0, -1].item() == pytest.approx(golden["readout_deg_gated_off"], abs=1e-9)
    assert found.angle[2, -1].item() == pytest.approx(golden["readout_deg_gated_on"], abs=1e-3)
    np.testing.assert_allclose(found.error, found.angle[:, -1] - 180)
    assert -90 < found.error[1].item() < -5


def test_it_holds(found):
    """Nothing is lost while the gates close, as the target stays until they are closed, nor in the delay."""
    assert found.length[0, -1].item() == pytest.approx(1, abs=1e-6)
    late = found.time > found.attrs["target_off"]
    np.testing.assert_allclose(found.length[0, late], 1, atol=1e-6)


def test_what_is_held_is_what_was_shown(found):
    """A bump without the spatial frequencies that the circuit does not hold."""
    angles = np.deg2rad(found.preferred_angle.values)
    bump = np.exp(np.log(2) / (1 - np.cos(np.pi / 6)) * (np.cos(angles - np.pi) - 1))
    kept = on.weights.memory_recurrence(24)["W_r_re"].apply(bump)
    np.testing.assert_allclose(found.modulus[0, -1], np.abs(kept), atol=1e-3)


def test_a_target_that_is_forgotten_early():
    """Without the time to close, closing costs about (1 + opening)^(-tau_a/tau_y)."""
    engine = Reference(method="heun", dt=2e-4, progress=False)
    found = on.experiments.working_memory(memory(), [0.0], engine, delay=0.05, show=0.05, close=2e-4, opening=100.0)
    lost = found.length[0, -1].item()
    assert lost == pytest.approx(101 ** (-2 / 10), rel=0.1)


def test_what_is_held_moves():
    """At 90 degrees a second for as long as the gates are closed."""
    engine = Reference(method="rk4", progress=False)
    found = on.experiments.working_memory(memory(velocity=90.0), [0.0], engine, delay=0.3, show=0.05)
    late = found.time > found.attrs["target_off"]
    speed = np.polyfit(found.time[late], found.angle[0, late], 1)[0]
    assert speed == pytest.approx(90, rel=1e-3)


def test_brian_makes_the_same_trace(found):
    other = on.experiments.working_memory(memory(), GATES, Brian(dt=1e-3), delay=0.2, show=0.1)
    np.testing.assert_allclose(other.modulus, found.modulus, atol=1e-9)
    assert other.modulus.dims == ("gate", "time", "unit")


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"circuit": on.ring(9)}, ValueError, "needs a circuit with the inputs z, c_a and c_b"),
        ({"circuit": "memory"}, ValueError, "needs a circuit with the inputs z, c_a and c_b"),
        ({"gates": [-1]}, ValueError, "gates must be a list of numbers that are not negative, got"),
        ({"gates": 1.0}, ValueError, "gates must be a list of numbers"),
        ({"show": 0}, ValueError, "show must be"),
        ({"width": 360}, ValueError, "width must be above 0 and below 360 degrees, got 360"),
        ({"strength": 0}, ValueError, "strength must be a number above 0"),
        ({"target": np.nan}, ValueError, "target and distractor must be angles in degrees, got nan"),
        ({"engine": "theory"}, ValueError, "the engine theory cannot simulate"),
    ],
)
def test_bad_input(given, error, message):
    with pytest.raises(error, match=message):
        on.experiments.working_memory(**{"circuit": memory(), **given})
