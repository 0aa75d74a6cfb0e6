"""Complex pairs: the working-memory circuit (Heeger & Mackey 2019) declared in a few lines, against its closed forms."""

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.core.complex_pairs import split
from organics_neuro.core.expressions import compile_function, parse
from tests.simulators import simulate_reference

N, TAU, DT = 36, 0.01, 1e-3
ANGLES = 2 * np.pi * np.arange(N) / N
MODES = np.fft.fftfreq(N, 1 / N)
#: Projector on the Fourier modes up to 4: what the circuit holds.
PROJECTOR = np.fft.ifft(np.diag((np.abs(MODES) <= 4) * 1.0) @ np.fft.fft(np.eye(N), axis=0), axis=0)
BUMP = (PROJECTOR @ np.exp(3 * np.cos(ANGLES - np.pi))).real

MEMORY = on.combine(
    "working_memory",
    on.complex_pair(
        "y", "(-y + b/(1 + b)*z + recurrent/(1 + a))/tau_y", weights="W_r", target="recurrent", inputs=["z"]
    ),
    on.Term("a : 1\nb : 1\ntau_y : second", parameters={"a": 0.0, "b": 0.0, "tau_y": TAU}),
)


def run(weights, duration, z=None, **parameters):
    circuit = on.Circuit(MEMORY, {"W_r": weights}, initial={"y": BUMP}, **parameters)
    return on.join_complex(simulate_reference(circuit, z, duration, DT, "rk4"))["y"][:, 0]


def degrees(y):
    """Where the bump is: the phase of its first Fourier mode."""
    return np.rad2deg(np.angle(np.sum(y * np.exp(1j * ANGLES)))) % 360


def test_four_couplings_share_two_weights():
    assert MEMORY.weights == ("W_r_re", "W_r_im")
    assert len(MEMORY.couplings) == 4
    assert MEMORY.states == ("y_re", "y_im")


def test_it_holds_what_it_was_shown():
    y = run(PROJECTOR, 1.0)
    assert np.linalg.norm(y[-1]) / np.linalg.norm(y[0]) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("warp", [1.0, 2.0, 0.5])
def test_the_frequency_follows_the_time_warp(warp):
    y = run(PROJECTOR * (1 + 2j * np.pi * warp * TAU), 0.5)
    unit = np.argmax(BUMP)
    turns = np.unwrap(np.angle(y[:, unit]))[-1] / (2 * np.pi)
    assert turns / 0.5 == pytest.approx(warp, abs=1e-8)
    assert abs(y[-1, unit]) / abs(y[0, unit]) == pytest.approx(1, abs=1e-8)


def test_the_bump_moves_at_90_degrees_a_second():
    velocity = np.deg2rad(90)
    turning = np.fft.ifft((1 - 1j * TAU * velocity * MODES)[:, None] * np.fft.fft(PROJECTOR, axis=0), axis=0)
    assert np.abs(turning.imag).max() < 1e-15
    y = run(turning, 1.0)
    assert degrees(y[0]) == pytest.approx(180, abs=1e-9)
    assert degrees(y[-1]) == pytest.approx(270, abs=1e-4)


def test_a_distractor_counts_where_the_gate_is_open():
    distractor = (PROJECTOR @ np.exp(3 * np.cos(ANGLES - np.pi / 2))).astype(complex)
    closed = run(PROJECTOR, 0.5, {"z": distractor})
    np.testing.assert_allclose(closed[-1], closed[0], atol=1e-12)
    opened = run(PROJECTOR, 0.5, {"z": distractor, "b": 100.0, "a": 100.0})
    assert degrees(opened[-1]) == pytest.approx(90, abs=1e-6)


def test_a_leak_of_the_gate_lets_it_decay():
    y = run(PROJECTOR, 0.5, a=0.01)
    rate = -np.log(np.linalg.norm(y[-1]) / np.linalg.norm(y[0])) / 0.5
    assert rate == pytest.approx(0.01 / (1.01 * TAU), rel=1e-9)  # 0.9900990


def test_complex_values_are_split():
    rng = np.random.default_rng(0)
    y = rng.normal(size=3) + 1j * rng.normal(size=3)
    weights = rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3))
    circuit = on.Circuit(MEMORY, {"W_r": weights})
    z = rng.normal(size=3) + 1j * rng.normal(size=3)
    inputs = circuit.dynamics.resolve_inputs({"z": z, "b": 1.0})
    states = circuit.dynamics.resolve_states("states", {"y": y})
    rate = on.join_complex(circuit.dynamics.right_hand_side(states, inputs))["y"]
    np.testing.assert_allclose(rate, (-y + z / 2 + weights @ y) / TAU, rtol=1e-12)
    assert circuit.outputs({"y": y})["modulus_y"] == pytest.approx(np.abs(y))
    changed = circuit.replace(weights={"W_r": np.eye(3)})
    assert not changed.weights["W_r_im"].to_dense().any()
    with pytest.raises(ValueError, match="'W_r' and 'W_r_re' are both given"):
        on.Circuit(MEMORY, {"W_r": weights, "W_r_re": np.eye(3)})


@pytest.mark.parametrize(
    "text", ["y*z", "y/z", "2*y/k - z", "y**3", "conj(y)*y", "abs(y)*z", "real(y)*exp(k) - imag(z)*y", "k - (-y)", "k"]
)
def test_expressions_are_split(text):
    parts = [parse(part) for part in split(text, ["y", "z"])]
    names = ["y_re", "y_im", "z_re", "z_im", "k"]
    y, z, k = 0.3 - 1.2j, -0.7 + 0.4j, 1.7
    real, imaginary = compile_function(names, parts)(y.real, y.imag, z.real, z.imag, k)
    known = {"y": y, "z": z, "k": k, "conj": np.conj, "real": np.real, "imag": np.imag, "exp": np.exp}
    assert real + 1j * imaginary == pytest.approx(eval(text, known))  # noqa: S307  text of this test


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("exp(y)", "functions other than abs, real, imag and conj take real quantities"),
        ("y**0.5", "integer powers from 1 to 4"),
        ("y**y", "integer powers"),
    ],
)
def test_what_cannot_be_split(text, message):
    with pytest.raises(ValueError, match=f"cannot split .*{message}"):
        on.complex_pair("y", text)
    with pytest.raises(ValueError, match="give both weights and target"):
        on.complex_pair("y", "-y", weights="W")


def test_in_brian():
    import brian2 as b2

    rng = np.random.default_rng(1)
    weights = (rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4))) / 4
    circuit = on.Circuit(MEMORY, {"W_r": weights}, initial={"y": rng.normal(size=4) + 1j})
    group = on.CircuitGroup(circuit)
    b2.Network(group).run(1 * b2.ms)
    expected = simulate_reference(circuit, None, 1e-3, 1e-4)
    for name in circuit.states:
        np.testing.assert_allclose(group.variables[name].get_value(), expected[name][-1, 0], rtol=1e-12)
