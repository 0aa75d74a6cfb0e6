"""What `CircuitGroup` and `groups` refuse, each in one sentence, before anything is simulated."""

import brian2 as b2
import numpy as np
import pytest

import organics_neuro as on
from tests.circuits import make_gated, make_main

PAIR = on.join({"a": make_main(n=2), "b": make_main(n=3)}, [])


@pytest.mark.parametrize(
    ("make", "given", "error", "message"),
    [
        (on.CircuitGroup, {"circuit": PAIR}, TypeError, r"several populations; use organics_neuro.groups\(circuit\)"),
        (on.CircuitGroup, {"circuit": "two_type"}, TypeError, r"circuit must be a Circuit, got str"),
        (on.CircuitGroup, {"trials": 0}, ValueError, r"trials must be a positive integer, got 0"),
        (on.CircuitGroup, {"trials": 2.0}, ValueError, r"trials must be a positive integer, got 2.0"),
        (on.CircuitGroup, {"trials": True}, ValueError, r"trials must be a positive integer, got True"),
        (on.CircuitGroup, {"method": "rk9"}, ValueError, r"unknown method 'rk9'; known: 'euler'"),
        (
            on.CircuitGroup,
            {"noise": {"q": 1}},
            ValueError,
            r"unknown state or input in noise 'q'; known: 'y', 'a', 'z'",
        ),
        (on.CircuitGroup, {"noise": 1e-3}, TypeError, r"noise must be a dictionary by name, got float"),
        (on.CircuitGroup, {"noise": {"y": -1}}, ValueError, r"noise of 'y' .*not negative; got -1"),
        (on.CircuitGroup, {"noise": {"y": [1, 2]}}, ValueError, r"noise of 'y' .*shape \(4,\)"),
        (on.CircuitGroup, {"noise": {"y": np.nan}}, ValueError, r"noise of 'y' must be finite"),
        (on.CircuitGroup, {"noise": {"y": 1 * b2.mV}}, on.errors.UnitError, r"noise of 'y' .*wrong unit"),
        (on.CircuitGroup, {"inputs": {"q": "1"}}, ValueError, r"unknown name in inputs 'q'; known: 'z'"),
        (
            on.CircuitGroup,
            {"inputs": {"z": None}},
            TypeError,
            r"inputs\['z'\] must be a Brian2 expression \(text\) or an array",
        ),
        (
            on.CircuitGroup,
            {"inputs": {"z": "sin("}},
            ValueError,
            r"cannot read the expression 'sin\(': it is not valid",
        ),
        (on.CircuitGroup, {"inputs": {"z": ""}}, ValueError, r"cannot read the expression '': it is not valid syntax"),
        (
            on.CircuitGroup,
            {"circuit": make_gated(n=4, inputs=3), "inputs": {"x": "sin("}},
            ValueError,
            r"cannot read the expression 'sin\(': it is not valid",
        ),
        (on.groups, {"circuit": "two_type"}, TypeError, r"circuit must be a circuit, got str"),
        (
            on.groups,
            {"circuit": PAIR, "noise": {"y": 1}},
            ValueError,
            r"unknown state or input in noise 'y'; known: 'a.y'",
        ),
        (on.groups, {"circuit": PAIR, "inputs": {"z": "1"}}, ValueError, r"unknown name in inputs 'z'; known: 'a.z'"),
        (
            on.groups,
            {"circuit": PAIR, "inputs": {"a.z": {}}},
            TypeError,
            r"inputs\['a.z'\] must be .* or an array, got dict",
        ),
        (on.groups, {"circuit": PAIR, "method": "rk9"}, ValueError, r"unknown method 'rk9'"),
    ],
)
def test_bad_input(make, given, error, message):
    with pytest.raises(error, match=message):
        make(**{"circuit": make_main(n=4), **given})
