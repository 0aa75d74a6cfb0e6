"""The declaration: what is read from the text, and what is refused."""

from dataclasses import replace

import pytest
import sympy as sp
from brian2 import ms

import organics_neuro as on
from organics_neuro.core.models import MODELS
from tests.circuits import WILSON_COWAN


def test_text_is_read():
    assert WILSON_COWAN.states == ("v_e", "v_i")
    assert WILSON_COWAN.inputs == ("drive",)
    assert WILSON_COWAN.targets == ("from_e", "from_i", "to_i")
    assert WILSON_COWAN.weights == ("W_ee", "W_ei", "W_ie")
    assert WILSON_COWAN.units["tau_v_e"] == "second"
    assert list(WILSON_COWAN.aliases) == ["net_i"]


def test_derivatives_are_the_equations_with_abbreviations_written_out():
    to_i, threshold, v_i, tau = sp.symbols("to_i threshold v_i tau_v_i", real=True)
    relu = WILSON_COWAN.expression("relu(to_i - threshold)")
    assert sp.simplify(WILSON_COWAN.derivatives["v_i"] - (sp.tanh(relu) - v_i) / tau) == 0
    assert relu.args[0] == to_i - threshold


def test_an_expression_may_span_lines_and_carry_comments():
    model = on.CircuitModel(
        "m", "dx/dt = (-x\n + u)/tau_x : 1  # leaky\n u : 1\n tau_x : second", parameters={"tau_x": 1}
    )
    assert model.states == ("x",)
    assert model.inputs == ("u",)


def test_nested_abbreviations():
    model = on.CircuitModel("m", "dx/dt = -p*r : 1\n p = 2*q : 1\n q = x + 1 : 1\n r : hertz")
    x, r = sp.symbols("x r", real=True)
    assert sp.expand(model.derivatives["x"] + 2 * (x + 1) * r) == 0


def test_defaults_may_be_quantities():
    model = on.CircuitModel("m", "dx/dt = -x/tau_x : 1\n tau_x : second", parameters={"tau_x": 3 * ms})
    assert model.parameters["tau_x"] == pytest.approx(3e-3)


@pytest.mark.parametrize("model", [*MODELS.values(), WILSON_COWAN], ids=lambda m: m.name)
def test_declaration_survives_plain_data(model):
    import json

    copy = on.CircuitModel.from_dict(json.loads(json.dumps(model.to_dict())))
    assert copy == model
    assert hash(copy) == hash(model)


def test_declarations_never_change():
    with pytest.raises(AttributeError):
        WILSON_COWAN.name = "other"
    with pytest.raises(TypeError):
        WILSON_COWAN.parameters["gain"] = 1


def test_text_shows_the_mathematics():
    assert "dv_e/dt = (-v_e" in str(WILSON_COWAN)
    assert "from_i = W_ei @ (2*v_i**2)" in str(WILSON_COWAN)


@pytest.mark.parametrize(
    ("equations", "arguments", "message"),
    [
        ("dx/dt = -x", {}, "no unit; end it with"),
        ("dx/dt : 1", {}, "cannot read the line"),
        ("x = : 1", {}, "cannot read the line"),
        ("u : 1", {}, "no state"),
        ("dx/dt = -x : mm", {}, "variable 'x': unknown unit 'mm'"),
        ("dx/dt = -x : 1\n x : 1", {}, "'x' is declared twice"),
        ("dN/dt = -N : 1", {}, "'N' cannot name a variable"),
        ("dx/dt = -k*x : 1", {}, "unknown variable 'k'; known: 'x'"),
        ("dx/dt = -foo(x) : 1", {}, "unknown function 'foo'"),
        ("dx/dt = -x : 1", {"parameters": {"k": 1}}, "parameter 'k' is not declared; add a line 'k : unit'"),
        ("dx/dt = -x : 1", {"couplings": [on.Coupling("c", "W", "x")]}, "coupling 'c' is not declared"),
        (
            "dx/dt = c : 1\n c : 1",
            {"couplings": [on.Coupling("c", "W", "c")]},
            "depends on the coupling 'c', .* in a circle",
        ),
        (
            "dx/dt = c : 1\n c : 1\n d : 1\n f = 2*d : 1",
            {"couplings": [on.Coupling("c", "W", "f"), on.Coupling("d", "V", "c")]},
            r"depends on the coupling 'd', which depends on it in a circle \(c <- d <- c\)",
        ),
        (
            "dx/dt = c : 1\n c : 1",
            {"couplings": [on.Coupling("c", "W", "x*u")], "external": ["u"]},
            "mixes the external input 'u'",
        ),
        (
            "dx/dt = c : 1\n c : 1",
            {"couplings": [on.Coupling("c", source="x")]},
            "coupling 'c' must be a name, got None",
        ),
        (
            "dx/dt = c : 1\n c : 1",
            {"couplings": [on.Coupling("c", "W", "x", default="zeros")]},
            "coupling 'c': unknown default 'zeros'; known: 'identity', 'ones'",
        ),
        ("dx/dt = -model*x : 1\n model : 1", {"parameters": {"model": 1}}, "'model' cannot name a variable"),
        ("dx/dt = -x : 1", {"initial": {"y": "1"}}, "unknown state in 'initial' 'y'; known: 'x'"),
        ("dx/dt = -x : 1", {"initial": {"x": "x"}}, "may depend on inputs and parameters only"),
        ("dx/dt = -x : 1", {"outputs": {"rate": "x"}}, "'rate' cannot name a variable"),
        ("dx/dt = -x : 1", {"outputs": {"rate_x": "q"}}, "unknown variable 'q'"),
        ("dx/dt = -x : 1", {"outputs": {"x": "x"}}, "'x' is declared twice"),
        ("dx/dt = -x : 1", {"time_constants": {"x": "x"}}, "time constant 'x' may depend on inputs and parameters"),
        ("dx/dt = -x : 1", {"time_constants": {"y": "2"}}, "unknown state in 'time_constants' 'y'"),
        ("dx/dt = u : 1\n u : 1", {"defaults": {"v": 1}}, "unknown input in 'defaults' 'v'; known: 'u'"),
        ("dx/dt = -x : 1", {"relaxed": ["y"]}, "unknown state in 'relaxed' 'y'"),
        ("dx/dt = -x : 1", {"positive": ["k"]}, "unknown parameter in 'positive' 'k'"),
        ("dx/dt = -x : 1", {"encoders": {"z": "W"}}, "unknown input in 'encoders' 'z'"),
        (
            "dx/dt = -x : 1",
            {"closed_form": on.ClosedForm(("W",), (), {"x": "0"})},
            "unknown weights in 'closed_form' 'W'",
        ),
        ("dx/dt = -x : 1", {"closed_form": on.ClosedForm((), (), {})}, "closed form does not give the state 'x'"),
        ("dx/dt = -x : 1", {"closed_form": on.ClosedForm((), (), {"x": "q"})}, "unknown variable 'q'"),
    ],
)
def test_a_wrong_declaration_is_one_clear_sentence(equations, arguments, message):
    with pytest.raises(ValueError, match=message):
        on.CircuitModel("m", equations, **arguments)


def test_a_variant_is_a_replaced_declaration():
    faster = replace(WILSON_COWAN, name="faster", parameters={**WILSON_COWAN.parameters, "gain": 8.0})
    assert faster != WILSON_COWAN
    assert faster.states == WILSON_COWAN.states


def test_a_source_of_an_external_input_may_call_functions():
    model = on.CircuitModel(
        "m",
        "dx/dt = (-x + c)/tau_x : 1\n c : 1\n tau_x : second",
        couplings=[on.Coupling("c", "W", "relu(u)")],
        external=["u"],
        parameters={"tau_x": 1},
    )
    circuit = on.Circuit(model, {"W": [[1.0, 1.0]]})
    assert on.theory.fixed_point(circuit, {"u": [3.0, -2.0]}).state["x"] == pytest.approx([3.0])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": 3}, "name must be text, got int"),
        ({"equations": 3}, "model 'm': equations must be text, got int"),
        ({"couplings": 3}, "couplings must be a list, got int"),
        ({"couplings": ["x"]}, "couplings must be a Coupling, got str"),
        ({"couplings": [on.Coupling("y", "W", 3)]}, "source must be text, got int"),
        ({"parameters": [1]}, "parameters must be a dictionary by name, got tuple"),
        ({"initial": {"y": 3}}, "initial 'y' must be text, got int"),
        ({"outputs": {"r": 3}}, "outputs 'r' must be text"),
        ({"positive": "tau_y"}, "positive must be a list, got str"),
        ({"external": 3}, "external must be a list, got int"),
        ({"closed_form": 3}, "closed_form must be ClosedForm or NoneType, got int"),
    ],
)
def test_wrong_types_are_named(given, message):
    declared = {"name": "m", "equations": "dy/dt = -y/tau_y : 1\n tau_y : second", "parameters": {"tau_y": 1}}
    with pytest.raises(TypeError, match=message):
        on.CircuitModel(**{**declared, **given})
