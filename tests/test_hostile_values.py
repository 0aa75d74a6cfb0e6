"""Values that are no numbers, or too many: one sentence of the package, whatever the argument and the type."""

import os
import time
from fractions import Fraction

import numpy as np
import pytest

import organics_neuro as on


def nested():
    value = [1.0]
    for _ in range(3000):
        value = [value]
    return value


def circle():
    value = []
    value.append(value)
    return value


CASES = {
    "integer beyond double precision": (lambda: circuit(sigma=10**400), "'sigma' holds a number that is too large for"),
    "integer of 5000 digits": (lambda: circuit(sigma=10**5000), "'sigma' holds a number that is too large for"),
    "fraction": (lambda: on.AllToAll(3, Fraction(10**400, 3)), "the weight holds a number that is too large for double"),
    "large integers": (lambda: circuit(initial={"y": [10**400] * 3}), "'y' holds a number that is too large"),
    "lists in lists": (lambda: on.Dense(nested()), "is nested more than 64 deep"),
    "a list in itself": (lambda: on.Dense(circle()), "is nested more than 64 deep"),
    "lists of several lengths": (lambda: on.Dense([[1, 2], [3]]), r"must be a number or an array of numbers, got \[\[1, 2\]"),
    "long text": (lambda: circuit(sigma="9" * 9000), r"must be a number or an array of numbers, got '9+\.\.\., which is not"),
    "masked in a list": (lambda: circuit(sigma=[np.ma.masked] * 3), "is a masked array, whose mask has no meaning"),
    "dates": (lambda: circuit(sigma=np.array(["2020"] * 3, "M8[ns]")), "which is not a real number"),
    "spans of time": (lambda: circuit(sigma=np.ones(3, "m8[s]")), "which is not a real number"),
    "initial is no dictionary": (lambda: circuit(initial=3), "initial must be a dictionary by name, got int"),
    "weights are no dictionary": (lambda: circuit(weights=np.eye(3)), "weights must be a dictionary by name, got ndarray"),
    "changed weights": (lambda: circuit().replace(weights=[1]), "weights must be a dictionary by name, got list"),
    "states are no dictionary": (lambda: circuit().outputs(3), "states must be a dictionary by name, got int"),
    "no seed": (lambda: on.weights.random_recurrence(3, 0.1, seed=-1), "seed must be an integer, 0 or larger, got -1"),
    "deviation": (lambda: on.weights.random_recurrence(3, [1, 2]), r"delta must be 0 or larger, got \[1, 2\]"),
    "negative deviation": (lambda: on.weights.random_recurrence(3, -1), "delta must be 0 or larger, got -1"),
    "truth": (lambda: on.weights.random_recurrence(3, 0.1, "no"), "symmetric must be True or False, got 'no'"),
    "width": (lambda: on.weights.gaussian_pool(9, "wide"), "width must be larger than 0, got 'wide'"),
    "infinite width": (lambda: on.weights.gaussian_pool(9, np.inf), "width must be larger than 0, got inf"),
    "weights times a list": (lambda: on.Dense(np.eye(3)) * [1, 2, 3], "for an array use weights @ array"),
    "weights by a list": (lambda: on.Dense(np.eye(3)) / [1, 2, 3], "weights are divided by one number"),
    "sum of nothing": (lambda: on.Sum(3), "a sum of weights takes one or more operators"),
    "ragged size": (lambda: on.AllToAll([[1, 2], [3]]), r"size must be a number of units or \(targets, sources\)"),
    "couplings are no list": (lambda: on.join({"e": circuit()}, 3), r"couplings must be a list of Coupling\(...\), got 3"),
    "parts are no dictionary": (lambda: on.join([circuit()], []), "parts must be a dictionary by name, got list"),
    "record": (lambda: on.simulate(circuit(), 1.0, 1e-3, record="y"), "record must be a list, got 'y'"),
    "seed of an engine": (lambda: on.engines.Reference(seed="a"), "seed must be an integer, 0 or larger, got 'a'"),
    "seed beyond NumPy's": (lambda: on.engines.Brian(seed=2**32), r"seed must be smaller than 2\*\*32, got 4294967296"),
    "no trials": (lambda: on.engines.Reference(trials=0), "trials must be a positive integer, got 0"),
    "start of four axes": (
        lambda: on.simulate(circuit(), 1.0, 1e-3, initial={"y": np.ones((2, 2, 2, 3))}),
        r"initial 'y' has shape \(2, 2, 2, 3\); give \(units,\) or \(trials, units\)",
    ),
    "input without steps": (lambda: on.simulate(circuit(), np.ones((0, 1, 3))), r"z has shape \(0, 1, 3\), and so no steps"),
    "a step without length": (lambda: on.engines.Reference(dt=1e-320), "dt must be between 1e-15 and 1e.15 s, got 1e-320"),
    "a run without end": (lambda: on.simulate(circuit(), 1.0, 1e308), "duration must be between 1e-15 and 1e.15 s, got"),
    "state of three axes": (
        lambda: on.theory.jacobian(circuit(), 1.0, {"y": np.ones((2, 4, 3))}),
        r"state 'y' has shape \(2, 4, 3\); give \(units,\) or \(trials, units\)",
    ),
    "no path": (lambda: on.load(3), "the path of a file must be text or a Path, got 3"),
    "path too long": (lambda: on.load("9" * 9000), "no file 9999"),
    "null in a path": (lambda: circuit().save("a\0b"), r"the path 'a\\x00b' holds a null character"),
    "output too large": (lambda: circuit().outputs({"y": 1e308}), "the output 'rate_y' is not finite at these states"),
}  # fmt: skip


def circuit(**given):
    return on.Circuit("two_type", size=3, **given)


@pytest.mark.parametrize(("call", "message"), CASES.values(), ids=CASES)
def test_one_clear_sentence(call, message):
    with pytest.raises((ValueError, TypeError, OSError, FloatingPointError), match=message) as caught:
        call()
    assert type(caught.value) is not OverflowError
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_units_are_not_lost_in_a_product():
    from brian2 import mV

    with pytest.raises(TypeError, match="the array that weights are multiplied with = .* has the wrong unit"):
        on.Dense(np.eye(3)) @ ([1, 2, 3] * mV)


SIZES = {
    "units": (lambda: on.Circuit("two_type", size=10**13), "a circuit of 10000000000000 units takes 8e.04 GB"),
    "ring": (lambda: on.ring(n=10**13), "a ring of 10000000000000 units takes"),
    "angles": (lambda: on.ring(n=36, angles=10**11), "an encoder of 36 units for 100000000000 angles takes"),
    "pool": (lambda: on.weights.gaussian_pool(10**6, 0.1), "a pool of 1000000 units onto 1000000 takes 2.4e.04 GB"),
    "recurrence": (lambda: on.weights.random_recurrence(10**6, 0.1), "recurrence among 1000000 units takes 2.4e.04 GB"),
    "matrix": (lambda: on.AllToAll(10**6).to_dense(), r"a dense matrix of shape \(1000000, 1000000\) takes 8e.03 GB"),
    "ring as a matrix": (lambda: on.Circulant(np.ones(10**6)).to_dense(), "a dense matrix of shape .* takes 8e.03 GB"),
}


@pytest.mark.parametrize(("call", "message"), SIZES.values(), ids=SIZES)
def test_more_memory_than_there_is_is_refused_with_the_size(call, message):
    start = time.process_time()
    with pytest.raises(MemoryError, match=rf"{message}.*, but .* GB are free; use "):
        call()
    assert time.process_time() - start < 5


def test_a_simulation_that_would_take_weeks_is_refused():
    with pytest.raises(ValueError, match=r"the duration is 1e\+13 steps of dt = 0.0001 s, more than the 1e\+11"):
        on.simulate(circuit(), 1.0, 1e9, every=None)


def test_tensors_of_every_type_are_numbers():
    """Also those that NumPy does not have, and those that require a gradient."""
    torch = pytest.importorskip("torch")
    expected = on.Circulant([1.0, 2.0, 0.5])
    for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16):
        values = torch.tensor([1.0, 2.0, 0.5], dtype=dtype, requires_grad=True)
        assert on.Circulant(values) == expected, dtype
        assert on.Dense([values, values]) == on.Dense([[1, 2, 0.5]] * 2), dtype
    assert on.Circulant(torch.tensor([1, 2, 3])) == on.Circulant([1.0, 2.0, 3.0])


def test_tensors_without_numbers_are_refused():
    torch = pytest.importorskip("torch")
    for tensor in (
        torch.empty(3, device="meta"),
        torch.eye(3).to_sparse(),
        torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.quint8),
    ):
        with pytest.raises(TypeError, match=r"the weight matrix must hold numbers, but is a tensor \(") as caught:
            on.Dense(tensor)
        assert "\n" not in str(caught.value)


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="no such device")
def test_a_device_is_no_file():
    with pytest.raises(OSError, match="/dev/null is a device or a pipe, which would be replaced"):
        circuit().save("/dev/null")
