"""Maintenance: golden rates of turning, moving and decaying (A6)."""

import pytest

import organics_neuro as on
from organics_neuro.engines import Reference

ENGINE = Reference(method="rk4", dt=2e-3, progress=False)


@pytest.mark.parametrize(
    ("weights", "leak", "expected"),
    [
        ({}, 0.0, (0, 0, 0)),
        ({"frequency": 1.0}, 0.0, (1, 0, 0)),
        ({"frequency": 2.0}, 0.0, (2, 0, 0)),  # a time warp by two
        ({"frequency": 0.5}, 0.0, (0.5, 0, 0)),
        ({"velocity": 90.0}, 0.0, (0, 90, 0)),
        ({}, 0.01, (0, 0, 0.01 / 1.01 / 10e-3)),  # .9900990/s
    ],
)
def test_golden_rates(weights, leak, expected):
    circuit = on.Circuit("working_memory", on.weights.memory_recurrence(36, **weights))
    found = on.experiments.memory_maintenance(circuit, ENGINE, leak=leak, delay=0.4)
    assert found.frequency.item() == pytest.approx(expected[0], abs=1e-7)
    assert found.velocity.item() == pytest.approx(expected[1], abs=0.1)
    assert found.decay.item() == pytest.approx(expected[2], abs=1e-7)
    if not leak:
        assert found.length[-1] == pytest.approx(1, abs=1e-3 if "velocity" in weights else 1e-7)


def test_euler_grows():
    circuit = on.Circuit("working_memory", on.weights.memory_recurrence(36, frequency=10.0))
    found = on.experiments.memory_maintenance(circuit, Reference(dt=1e-3, progress=False), delay=0.2)
    growth = abs(1 + 2j * 3.141592653589793 * 10 * 1e-3) ** 200
    assert found.length[-1].item() == pytest.approx(growth, rel=1e-9)


def test_bad_input():
    with pytest.raises(ValueError, match="the experiment needs a circuit with the inputs z, c_a and c_b"):
        on.experiments.memory_maintenance(on.ring(9))
    with pytest.raises(ValueError, match="leak must be a number that is not negative"):
        on.experiments.memory_maintenance(on.Circuit("working_memory", on.weights.memory_recurrence(9)), leak=-1)
