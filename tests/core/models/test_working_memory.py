"""The circuit of working memory: what its weights hold, turn and move, and its gates, against closed forms."""

import numpy as np
import pytest

import organics_neuro as on
from tests.simulators import simulate_reference

N, TAU, DT = 36, 0.01, 1e-3
ANGLES = 2 * np.pi * np.arange(N) / N


def bump(degrees):
    """A pattern of low spatial frequencies, which the circuit can hold."""
    weights = on.weights.memory_recurrence(N)["W_r_re"]
    return weights.apply(np.exp(3 * np.cos(ANGLES - np.deg2rad(degrees))))


def degrees(y):
    """Where a bump is: the phase of its first Fourier mode."""
    return np.rad2deg(np.angle(np.sum(np.abs(y) * np.exp(1j * ANGLES), axis=-1))) % 360


def run(duration, z=None, weights=None, dt=DT, initial=None, **parameters):
    circuit = on.Circuit("working_memory", weights or on.weights.memory_recurrence(N), **parameters)
    start = {"y": bump(180)} if initial is None else initial
    return on.join_complex(simulate_reference(circuit, z, duration, dt, "rk4", start))["y"][:, 0]


def test_it_holds_what_it_was_shown(reference):
    y = run(3.0)
    assert np.linalg.norm(y[-1]) / np.linalg.norm(y[0]) == pytest.approx(1, abs=1e-12)
    assert reference["wm_sustained"]["norm_ratio_after_3s"] == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("warp", [1.0, 2.0, 0.5])
def test_what_it_holds_turns(warp, reference):
    y = run(0.5, weights=on.weights.memory_recurrence(N, frequency=warp))[:, N // 2]
    frequency = np.unwrap(np.angle(y))[-1] / (2 * np.pi) / 0.5
    assert frequency == pytest.approx(reference["wm_oscillation_timewarp"][str(warp)]["freq_hz"], abs=1e-9)
    assert abs(y[-1]) / abs(y[0]) == pytest.approx(1, abs=1e-9)


def test_forward_euler_makes_it_grow():
    circuit = on.Circuit("working_memory", on.weights.memory_recurrence(N, frequency=5.0))
    y = on.join_complex(simulate_reference(circuit, None, 0.1, 1e-3, "euler", {"y": bump(180)}))["y"][:, 0]
    growth = np.linalg.norm(y[-1]) / np.linalg.norm(y[0])
    assert growth == pytest.approx(abs(1 + 2j * np.pi * 5 * 1e-3) ** 100, rel=1e-12)


def test_what_it_holds_moves(reference):
    y = run(1.0, weights=on.weights.memory_recurrence(N, velocity=90.0))
    assert degrees(y[0]) == pytest.approx(reference["wm_shift"]["start"], abs=1e-9)
    assert degrees(y[-1]) == pytest.approx(reference["wm_shift"]["end"], abs=1e-4)
    assert np.linalg.norm(y[-1]) / np.linalg.norm(y[0]) == pytest.approx(1, abs=1e-8)


@pytest.mark.parametrize(("gate", "key"), [(0.0, "readout_deg_gated_off"), (100.0, "readout_deg_gated_on")])
def test_a_distractor_counts_where_the_gate_is_open(gate, key, reference):
    y = run(0.3, {"z": bump(90).astype(complex), "c_a": gate, "c_b": gate})
    assert degrees(y[-1]) == pytest.approx(reference["wm_distractor"][key], abs=1e-3)


def test_it_encodes_and_then_holds():
    """Gates follow commands that change with time."""
    steps, open_steps = 500, 200
    z = np.broadcast_to(bump(90), (steps, 1, N)) * (np.arange(steps) < open_steps)[:, None, None]
    gates = np.where(np.arange(steps) < open_steps, 50.0, 0.0)[:, None, None] * np.ones(N)
    times = {"tau_a": 1e-4, "tau_b": 1e-4}
    initial = {"y": np.zeros(N)}
    y = run(0.05, {"z_re": z, "c_a": gates, "c_b": gates}, dt=1e-4, initial=initial, tau_y=2e-3, **times)
    assert degrees(y[-1]) == pytest.approx(90, abs=1e-6)
    assert np.linalg.norm(y[-1]) == pytest.approx(np.linalg.norm(y[300]), rel=1e-3)


def test_a_gate_that_takes_time_costs_what_is_held():
    """From a = 100 the norm falls by (1 + a)^(-tau_a/tau_y), 60 %."""
    circuit = on.Circuit("working_memory", on.weights.memory_recurrence(N))
    start = {"y": bump(180), "a": 100.0}
    y = on.join_complex(simulate_reference(circuit, None, 0.05, 1e-4, "rk4", start))["y"][:, 0]
    assert np.linalg.norm(y[-1]) / np.linalg.norm(y[0]) == pytest.approx(101 ** (-2 / 10), rel=1e-6)


def test_a_gate_that_leaks_lets_it_decay():
    y = run(0.5, {"c_a": 0.01})
    rate = -np.log(np.linalg.norm(y[-1]) / np.linalg.norm(y[0])) / 0.5
    assert rate == pytest.approx(0.01 / (1.01 * TAU), rel=1e-9)  # 0.9900990


def test_patterns_that_it_does_not_hold_decay():
    fast = np.cos(10 * ANGLES)
    y = run(0.05, initial={"y": fast})
    assert np.linalg.norm(y[-1]) / np.linalg.norm(y[0]) == pytest.approx(np.exp(-5), rel=1e-4)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n": 0}, "n must be a positive integer"),
        ({"n": 9, "modes": 5}, "modes = 5 must be at most 4: a ring of 9 units has no others"),
        ({"n": 9, "modes": -1}, "modes must be an integer, 0 or larger"),
        ({"n": 36, "velocity": np.inf}, "velocity must be a number of degrees per second, got inf"),
        ({"n": 36, "tau_y": 0}, "tau_y must be"),
    ],
)
def test_bad_input(given, message):
    with pytest.raises(ValueError, match=message):
        on.weights.memory_recurrence(**given)
