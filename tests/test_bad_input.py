"""Each wrong input to a circuit gives one clear sentence that names the argument, the value and the remedy."""

import numpy as np
import pytest
from brian2 import ms, mV

import organics_neuro as on
from organics_neuro.core.errors import FileFormatError, UnitError
from tests.circuits import WILSON_COWAN, make_gated
from tests.simulators import simulate_reference

CASES = {
    "unknown model": (
        lambda: on.Circuit("mian", size=2),
        "unknown model 'mian'; known: .*'two_type', 'two_type_rectified', 'two_type_rectified_recurrence'.*; a model of your own is",
    ),
    "unknown parameter": (
        lambda: on.Circuit("two_type", size=2, sigmaa=1),
        "model 'two_type': unknown parameter 'sigmaa'; known: 'b', 'b0', 'sigma', 'tau_y', 'tau_a'",
    ),
    "weights among the parameters": (
        lambda: on.Circuit("two_type", size=2, W=np.eye(2)),
        "model 'two_type': 'W' are weights; give them as weights={'W': ...}",
    ),
    "weights among the parameters, and no size": (
        lambda: on.Circuit("two_type", W=np.eye(2)),
        "model 'two_type': 'W' are weights; give them as weights={'W': ...}",
    ),
    "unknown weights": (
        lambda: on.Circuit("two_type", {"Wr": np.eye(2)}),
        "model 'two_type': unknown weights 'Wr'; known: 'W_r', 'W', 'W_zx'",
    ),
    "unknown initial state": (
        lambda: on.Circuit("two_type", size=2, initial={"u": 1}),
        "model 'two_type': unknown state in initial 'u'; known: 'y', 'a'",
    ),
    "no size": (lambda: on.Circuit("two_type"), "how many units"),
    "size of zero": (lambda: on.Circuit("two_type", size=0), "size must be a positive integer, got 0"),
    "size not whole": (lambda: on.Circuit("two_type", size=2.5), "size must be a positive integer, got 2.5"),
    "missing weights": (lambda: on.Circuit(WILSON_COWAN, size=2), "needs the weights 'W_ee'; give weights="),
    "weights of a wrong shape": (
        lambda: on.Circuit("two_type", {"W": np.eye(3)}, size=2),
        r"weights 'W' have shape \(3, 3\), but must have \(2 units, 2 units\)",
    ),
    "weights of one axis": (
        lambda: on.Circuit("two_type", {"W": np.ones(2)}),
        "weights 'W': a weight matrix must have two axes",
    ),
    "weights with NaN": (
        lambda: on.Circuit("two_type", {"W": [[1, np.nan], [0, 1]]}),
        r"weights 'W': the weight matrix must be finite, but holds nan at index \(0, 1\)",
    ),
    "negative pool": (
        lambda: on.Circuit("two_type", {"W": [[1, -0.5], [0, 1]]}),
        "weights 'W' must not be negative, but the smallest is -0.5",
    ),
    "encoder of a wrong shape": (
        lambda: on.Circuit("two_type", {"W_zx": np.ones((3, 5))}, size=2),
        r"weights 'W_zx' have shape \(3, 5\), but must have 2 rows",
    ),
    "external weights that disagree": (
        lambda: make_gated().replace(weights={"W_bx": np.ones((4, 7))}),
        r"weights 'W_bx' have shape \(4, 7\), but must have \(4 units, 3 inputs\)",
    ),
    "parameter of a wrong shape": (
        lambda: on.Circuit("two_type", size=2, b=[1, 2, 3]),
        r"parameter 'b' has shape \(3,\), but must be one number or have shape \(2,\)",
    ),
    "parameter with infinity": (
        lambda: on.Circuit("two_type", size=2, b=np.inf),
        "parameter 'b' must be finite, but holds inf",
    ),
    "parameter that must be positive": (
        lambda: on.Circuit("two_type", size=2, sigma=0),
        "parameter 'sigma' must be larger than 0, but the smallest value is 0",
    ),
    "negative time constant": (
        lambda: on.Circuit("two_type", size=2, tau_y=[1e-3, -1e-3]),
        "parameter 'tau_y' must be larger than 0, but the smallest value is -0.001",
    ),
    "initial state of a wrong shape": (
        lambda: on.Circuit("two_type", size=2, initial={"y": np.ones((2, 2))}),
        r"initial value of 'y' has shape \(2, 2\), but must be one number or have shape \(2,\)",
    ),
    "ring of half a unit": (lambda: on.ring(n=12.5), "n must be a positive integer, got 12.5"),
    "nothing to join": (lambda: on.join({}, []), "parts holds no circuit; join takes at least one"),
    "ring that is too small": (lambda: on.ring(n=8), "n = 8 is too small for the nine-tap ring kernel; use n >= 9"),
    "ring of another model": (lambda: on.ring(model="gated"), "model 'gated' cannot be put on a ring"),
    "pool without width": (lambda: on.weights.gaussian_pool(9, 0), "width must be larger than 0, got 0"),
}


@pytest.mark.parametrize(("call", "message"), CASES.values(), ids=CASES)
def test_one_clear_sentence(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"tau_y": 2 * mV}, "parameter 'tau_y' = 2. mV has the wrong unit; give a quantity in second"),
        ({"sigma": 2 * ms}, r"parameter 'sigma' = 2. ms has the wrong unit; give a plain number \(it has no unit\)"),
        ({"sigma": "much"}, "parameter 'sigma' must be a number or an array of numbers, got 'much'"),
        ({"sigma": 1j}, "parameter 'sigma' must be a number or .*, got 1j, which is not a real number"),
        (
            {"weights": {"W_r": np.eye(2) * 1j}},
            "weights 'W_r': the weight matrix must be .*, got 1j, which is not a real",
        ),
        ({"weights": {"W_r": [[None] * 2] * 2}}, "weights 'W_r': the weight matrix must be .*, got None, which is not"),
        ({"weights": {"W_r": "abc"}}, "weights 'W_r': the weight matrix must be .*, got 'abc'"),
        ({"weights": {"W_zx": "abc"}}, "weights 'W_zx': the weight matrix must be .*, got 'abc'"),
        ({"weights": {"W_zx": None}}, "weights 'W_zx': the weight matrix must be .*, got None"),
        ({"weights": {"W": None}}, "weights 'W': the weight matrix must be .*, got None"),
    ],
)
def test_wrong_units_and_types(given, message):
    error = UnitError if "unit" in message else TypeError
    with pytest.raises(error, match=message):
        on.Circuit("two_type", size=2, **given)


@pytest.mark.parametrize(
    ("circuit", "z", "message"),
    [
        (
            on.Circuit("two_type", size=1),
            [1j],
            "z must be a number or an array of numbers, got 1j, which is not a real",
        ),
        ("two_type", 1.0, "circuit must be a circuit, got str; make one with organics_neuro.Circuit"),
    ],
)
def test_wrong_arguments_of_a_simulation(circuit, z, message):
    with pytest.raises(TypeError, match=message):
        simulate_reference(circuit, z)


def test_wrong_unit_of_a_time():
    with pytest.raises(UnitError, match="dt = 1. mV has the wrong unit; give a quantity in second"):
        simulate_reference(on.Circuit("two_type", size=1), dt=1 * mV)


def test_corrupt_file(tmp_path):
    path = tmp_path / "circuit.safetensors"
    path.write_bytes(b"this is no circuit")
    with pytest.raises(FileFormatError, match="circuit.safetensors is not a readable safetensors file"):
        on.load(path)
