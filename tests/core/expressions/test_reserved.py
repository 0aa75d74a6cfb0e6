"""Names: what an engine cannot take is refused, by lists that are compared with the engines themselves."""

import brian2 as b2
import pytest
from brian2.core.namespace import DEFAULT_UNITS
from brian2.equations.equations import Equations

import organics_neuro as on
from organics_neuro.core import expressions
from tests.circuits import make_main


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("double", "a keyword of C"),
        ("new", "a keyword of C"),
        ("float", "a keyword of C"),
        ("int", "a function of Brian2"),
        ("lambda", "a keyword of Python"),
        ("floor", "a function of Brian2"),
        ("relu", "a function of expressions"),
        ("where", "a function of expressions"),
        ("Hz", "a unit of Brian2"),
        ("mvolt", "a unit of Brian2"),
        ("volt", "a unit of Brian2"),
        ("not_refractory", "a variable of Brian2"),
        ("pi", "a constant of Brian2"),
        ("zoo", "a constant of SymPy"),
        ("nogil", "a name of Cython"),
        ("threadIdx", "a name of CUDA"),
        ("NULL", "a name of C"),
        ("trials", "an attribute of every group"),
        ("template", "a keyword of C"),
        ("xi_y", "a name of noise"),
        ("v_", "ends with an underscore"),
        ("N_", "ends with an underscore"),
        ("_x", "must begin with a letter"),
        ("2x", "must begin with a letter"),
        ("a b", "must begin with a letter"),
        ("é", "ASCII"),
        (3, "must begin with a letter"),
    ],
)
def test_reserved_names(name, reason):
    assert not expressions.is_name(name)
    assert reason in expressions.why_not(name)


@pytest.mark.parametrize("name", ["y", "tau_y", "W_r", "I", "E", "S", "gamma", "beta", "x0", "alpha_"[:-1]])
def test_names_of_models(name):
    assert expressions.is_name(name)


def test_what_brian_refuses_is_refused():
    names = {*b2.DEFAULT_FUNCTIONS, *DEFAULT_UNITS, *b2.DEFAULT_CONSTANTS} - {"-inf"}
    assert not [name for name in names if expressions.is_name(name)]


def test_what_brian_checks_is_refused():
    """The names that Brian2's checks of identifiers refuse, among all that appear in their source."""
    import inspect
    import re

    for check in Equations.identifier_checks:
        for name in re.findall(r'"([A-Za-z]\w*)"', inspect.getsource(check)):
            try:
                check(name)
            except SyntaxError:
                assert not expressions.is_name(name), f"Brian2 refuses {name!r}; add it to reserved.py"


def test_attributes_of_groups_are_refused():
    group = on.CircuitGroup(make_main(n=2))
    taken = {name for name in (*dir(group), *vars(group)) if not name.startswith("_")} - set(group.variables)
    assert not sorted(filter(expressions.is_name, taken)), "add them to reserved.py"


def test_a_declaration_refuses_them():
    with pytest.raises(ValueError, match="model 'm': 'double' cannot name a variable: it is a keyword of C.*; choose"):
        on.CircuitModel("m", "dy/dt = -y*double/tau_y : 1\ndouble : 1\ntau_y : second", parameters={"tau_y": 1})
