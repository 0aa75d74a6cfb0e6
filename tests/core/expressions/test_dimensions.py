"""Units of expressions: what fits together, and what Brian2 would refuse."""

import brian2 as b2
import pytest

import organics_neuro as on
from organics_neuro.core import expressions
from organics_neuro.core.errors import UnitError

UNITS = {"v": "volt", "w": "volt", "g": "siemens", "I": "amp", "tau": "second", "C": "farad", "n": "1", "y": "1"}


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("v + w", "volt"),
        ("g*v", "amp"),
        ("I/g", "volt"),
        ("C/g", "second"),
        ("sqrt(v**2)", "volt"),
        ("(v*w)**0.5", "volt"),
        ("(v*w)**(1/2)", "volt"),
        ("1/tau", "hertz"),
        ("abs(v) + relu(w) - minimum(v, w)*y + clip(v, -w, w)", "volt"),
        ("where(v > w and y < 1, v, -w)", "volt"),
        ("sign(v)*exp(v/w)*y**n*pi", "1"),
        ("2", "1"),
    ],
)
def test_dimension_of_an_expression(text, unit):
    expressions.check_dimensions("it", text, UNITS, unit)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("v + 1", r"do not fit together in 'v \+ 1': 'v' has the unit volt, '1' has 1 \(none\)"),
        ("v - I", "'v' has the unit volt, 'I' has amp"),
        ("v**n", "raises the unit volt to a power that is not a number"),
        ("y**v", "the exponent 'v' has the unit volt"),
        ("exp(v)", "exp takes plain numbers, but 'v' has the unit volt"),
        ("where(v > 1, v, w)", "units do not fit together"),
        ("where(v > w, v, 1)", "units do not fit together"),
        ("minimum(v, 1)", "units do not fit together"),
        ("clip(v, 0, 1)", "units do not fit together"),
        ("v*w", r"it = v\*w has the unit metre\*\*4\*kilogram\*\*2\*second\*\*-6\*amp\*\*-2, but must have volt"),
    ],
)
def test_units_that_do_not_fit(text, message):
    with pytest.raises(UnitError, match=message):
        expressions.check_dimensions("it", text, UNITS, "volt")


def declare(equations, **others):
    return on.CircuitModel("m", equations, parameters={"tau_y": 1e-2}, **others)


@pytest.mark.parametrize(
    ("equations", "others", "message"),
    [
        ("dy/dt = y - z : 1\nz : 1\ntau_y : second", {}, "must have hertz; divide it by a time constant"),
        ("dy/dt = -y/tau_y : 1\nunused = y + tau_y : 1\ntau_y : second", {}, "unused = y \\+ tau_y"),
        (
            "dy/dt = (c - y)/tau_y : 1\nc : volt\ntau_y : second",
            {"couplings": [on.Coupling("c", "W", "y")]},
            "units do not fit together",
        ),
        (
            "dy/dt = -y/tau_y : 1\nc : volt\ntau_y : second",
            {"couplings": [on.Coupling("c", "W", "y")]},
            "source of 'c' = y has the unit 1 .*, but must have volt",
        ),
        ("dy/dt = -y/tau_y : 1\ntau_y : second", {"initial": {"y": "tau_y"}}, "initial value of 'y' = tau_y"),
    ],
)
def test_a_declaration_is_checked(equations, others, message):
    with pytest.raises(UnitError, match=message):
        declare(equations, **others)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("unused = y +* 2 : 1", "not valid syntax"),
        ("unused = q : 1", "unknown variable 'q'"),
        ("unused = 1e400 : 1", "too large a number"),
        ("unused = 1/0 : 1", "divides by 0"),
        ("p = 2*q : 1\nq = p : 1", "refer to each other in a circle"),
    ],
)
def test_unused_abbreviations_are_read(line, message):
    with pytest.raises(ValueError, match=message):
        declare(f"dy/dt = -y/tau_y : 1\n{line}\ntau_y : second")


def test_brian_takes_the_units_that_numbers_get():
    """relu(v) of a voltage: the 0 that Brian2 compares with is 0 volt."""
    model = on.CircuitModel(
        "m",
        "dv/dt = (relu(E - v) + maximum(v, E) - minimum(v, E) - v)/tau_v : volt\nE : volt\ntau_v : second",
        parameters={"E": 0.02, "tau_v": 1e-2},
    )
    circuit = on.Circuit(model, size=2, initial={"v": [0.01, 0.05]})
    group = on.CircuitGroup(circuit)
    b2.Network(group).run(0.1 * b2.ms)
    rate = circuit.dynamics.right_hand_side(circuit.initial, {})["v"]
    assert group.v_[:] == pytest.approx(circuit.initial["v"] + 1e-4 * rate, rel=1e-12)
