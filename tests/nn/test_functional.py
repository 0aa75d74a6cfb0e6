"""The generic torch step equals the NumPy reference for every circuit, and its gradients are right."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import organics_neuro as on
from organics_neuro.core.schemes import SCHEMES
from tests.circuits import CIRCUITS, make_joined, make_main, make_nested, random_inputs, random_states
from tests.simulators import simulate_reference

torch = pytest.importorskip("torch")
functional = pytest.importorskip("organics_neuro.nn.functional")

every_circuit = pytest.mark.parametrize("make", CIRCUITS.values(), ids=CIRCUITS)
DT = 1e-4


def tensors(arrays):
    return {name: torch.as_tensor(value) for name, value in arrays.items()}


def reference_step(circuit, states, inputs):
    rates = circuit.dynamics.right_hand_side(states, circuit.dynamics.resolve_inputs(inputs))
    return {name: states[name] + DT * rates[name] for name in states}


@every_circuit
@given(seed=st.integers(0, 2**32 - 1), trials=st.sampled_from([(), (3,), (2, 3)]))
@settings(max_examples=15, deadline=None)
def test_step_equals_reference(make, seed, trials):
    circuit = make()
    states, inputs = random_states(circuit, seed, trials), random_inputs(circuit, seed, trials)
    new = functional.euler_step(circuit, tensors(states), tensors(inputs), DT)
    for name, expected in reference_step(circuit, states, inputs).items():
        np.testing.assert_allclose(new[name].numpy(), expected, rtol=1e-12, atol=1e-12, err_msg=name)


@every_circuit
@pytest.mark.parametrize("method", SCHEMES)
def test_unroll_equals_reference(make, method):
    circuit, steps = make(), 20
    inputs = random_inputs(circuit, trials=(steps, 2))
    trace, final = functional.unroll(circuit, tensors(inputs), steps, DT, method=method)
    expected = simulate_reference(circuit, inputs, duration=steps * DT, dt=DT, method=method)
    for name, n in circuit.states.items():
        found = trace[name].reshape(steps, -1, n).numpy()
        np.testing.assert_allclose(found, expected[name][1:], rtol=1e-12, atol=1e-12, err_msg=name)
        assert torch.equal(final[name], trace[name][-1])


@pytest.mark.parametrize("make", [make_main, CIRCUITS["gated"], make_joined, make_nested])
def test_gradients(make):
    """Of the step with respect to states, inputs, weights and parameters."""
    circuit = make()
    weights = {c.key: torch.as_tensor(c.weights.to_dense()) for c in circuit.dynamics.connections}
    name = next(c.key for c in circuit.dynamics.connections if not c.external)
    parameter = f"{name.rpartition('.')[0]}.tau_y".lstrip(".")
    groups = [tensors(random_states(circuit)), tensors(random_inputs(circuit)), weights]
    values = [v.requires_grad_() for group in groups for v in group.values()]
    values.append(torch.tensor(2e-3, dtype=torch.float64, requires_grad=True))

    def step(*values):
        given, rest = [], iter(values)
        for group in groups:
            given.append({key: next(rest) for key in group})
        new = functional.euler_step(circuit, given[0], given[1], DT, given[2], {parameter: next(rest)})
        return tuple(new.values())

    assert torch.autograd.gradcheck(step, values)


@pytest.mark.parametrize("method", SCHEMES)
def test_gradients_through_several_steps(method):
    def end(z, weights):
        _, states = functional.unroll(make_main(), z, 3, 1e-3, weights={"W_r": weights}, method=method)
        return tuple(states.values())

    z, weights = torch.linspace(-1, 1, 4).double(), torch.eye(4).double()
    assert torch.autograd.gradcheck(end, (z.requires_grad_(), weights.requires_grad_()))


def test_gradient_at_zero_is_finite():
    """The square root of a normalizer at 0 has an infinite slope; the step takes it as 0."""
    circuit = make_main()
    states = {name: torch.zeros(n, dtype=torch.float64, requires_grad=True) for name, n in circuit.states.items()}
    new = functional.euler_step(circuit, states, {"z": torch.ones(4, dtype=torch.float64)}, DT)
    sum(v.sum() for v in new.values()).backward()
    assert all(torch.isfinite(v.grad).all() for v in states.values())


def test_the_square_root_of_zero_is_zero():
    """Recurrence would amplify the smallest other number: 0 is a fixed point of this circuit, an unstable one."""
    equations = "dv/dt = (-v + rec + h)/tau : 1; h : 1; rec : 1; tau : second".replace("; ", "\n")
    model = on.CircuitModel("root", equations, [on.Coupling("rec", "W", "sqrt(relu(v))")], parameters={"tau": 20e-3})
    W, h = torch.eye(2, dtype=torch.float64, requires_grad=True), torch.tensor([[0.0, 1.0]], dtype=torch.float64)
    circuit = on.Circuit(model, {"W": np.eye(2)})
    trace, last = functional.unroll(circuit, h, 100, 2e-3, weights={"W": W})
    expected = simulate_reference(circuit, h.numpy(), duration=0.2, dt=2e-3)["v"][1:]
    np.testing.assert_allclose(trace["v"].detach(), expected, rtol=1e-12)
    last["v"].sum().backward()
    assert not last["v"][0, 0]
    assert W.grad.isfinite().all()


def test_functions_of_numbers_and_sources_without_units():
    model = on.CircuitModel(
        name="unusual",
        equations="""
        dv/dt = (-v + sqrt(2)*abs(sin(net)) + log(2 + cos(bias)) + tanh(exp(z)))/tau_v : 1
        net : 1
        bias : 1
        z : 1
        gain : 1
        tau_v : second
        """,
        couplings=[on.Coupling("net", "W", "v*gain"), on.Coupling("bias", "W_bias", "gain")],
        parameters={"gain": 0.3, "tau_v": 0.01},
    )
    circuit = on.Circuit(model, {"W": np.eye(3), "W_bias": np.ones((3, 3))})
    states, inputs = random_states(circuit), random_inputs(circuit)
    new = functional.euler_step(circuit, tensors(states), tensors(inputs), DT)
    np.testing.assert_allclose(new["v"].numpy(), reference_step(circuit, states, inputs)["v"], rtol=1e-13)


def test_float32_states_stay_float32():
    circuit = on.ring(n=12)
    states = {name: torch.ones(2, n) for name, n in circuit.states.items()}
    new = functional.euler_step(circuit, states, torch.zeros(2, 12), DT)
    assert all(v.dtype == torch.float32 and v.shape == (2, 12) for v in new.values())


def test_recorded_states_only():
    trace, _ = functional.unroll(on.ring(n=12), torch.zeros(12), 3, DT, record=["y"])
    assert trace.keys() == {"y"}


def step(circuit, **changed):
    arguments = {"states": tensors(random_states(circuit)), "inputs": None, "dt": DT, **changed}
    return functional.euler_step(circuit, **arguments)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"weights": {"W_x": torch.eye(4)}}, "unknown weights 'W_x'; known: 'W_r', 'W'"),
        ({"weights": {"W_r": torch.eye(3).double()}}, r"weights 'W_r' have shape \(3, 3\), but must have \(4, 4\)"),
        ({"parameters": {"tau": torch.ones(4)}}, "unknown parameter 'tau'"),
        ({"states": {"y": torch.ones(4)}}, "state 'a' is missing"),
        ({"states": {"y": torch.ones(4), "a": torch.ones(4), "c": torch.ones(4)}}, "unknown state 'c'"),
        ({"states": {"y": torch.ones(3), "a": torch.ones(4)}}, r"y has shape \(3,\), but .* the 4 units"),
        ({"inputs": torch.ones(3).double()}, r"z has shape \(3,\), but .* the 4 units"),
        ({"inputs": {"x": torch.ones(3)}}, "unknown input 'x'; known: 'z'"),
        ({"dt": 0}, "dt must be one positive time"),
    ],
)
def test_bad_arguments(changed, message):
    with pytest.raises(ValueError, match=message):
        step(make_main(), **changed)


def test_bad_arguments_of_unroll():
    with pytest.raises(TypeError, match="circuit must be a circuit, got str"):
        functional.unroll("two_type", None, 3, DT)
    with pytest.raises(TypeError, match="z must be a number or an array of numbers, got None"):
        functional.unroll(make_main(), [None] * 4, 3, DT)
    with pytest.raises(ValueError, match="z must be finite, but holds nan at index"):
        functional.unroll(make_main(), np.full(4, np.nan), 3, DT)
    with pytest.raises(ValueError, match=r"z has shape \(1, 3, 1, 4\); give \(units,\)"):
        functional.unroll(make_main(), torch.zeros(1, 3, 1, 4), 3, DT)
    with pytest.raises(ValueError, match="have different numbers of trials: z has 2, y has 3"):
        functional.unroll(make_main(), torch.zeros(2, 4), 3, DT, states={"y": torch.zeros(3, 4)})
    with pytest.raises(ValueError, match="the state 'y' is missing"):
        functional.euler_step(make_main(), {}, None, DT)
    with pytest.raises(ValueError, match="steps must be a positive integer, got 2.5"):
        functional.unroll(make_main(), None, 2.5, DT)
    with pytest.raises(ValueError, match="unknown method 'leapfrog'; known: 'euler'"):
        functional.unroll(make_main(), None, 4, DT, method="leapfrog")
    with pytest.raises(ValueError, match="unknown state 'q'; known: 'y', 'a'"):
        functional.unroll(make_main(), None, 4, DT, record=["q"])
    with pytest.raises(ValueError, match="z has 3 steps, fewer than the 4 that are simulated"):
        functional.unroll(make_main(), torch.zeros(3, 1, 4), 4, DT)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"parameters": {"sigma": torch.ones(5)}}, r"parameter 'sigma' has shape \(5,\), but .* the 4 units"),
        ({"parameters": {"sigma": torch.ones(1)}}, r"parameter 'sigma' has shape \(1,\), but .* the 4 units"),
        ({"parameters": {"sigma": torch.ones(1, 2, 4)}}, r"'sigma' has shape \(1, 2, 4\); give \(units,\) or \(trials"),
        (
            {"parameters": {"sigma": torch.ones(4).double()}},
            "'sigma' must be torch.float32, .* got torch.float64; convert",
        ),
        (
            {"weights": {"W_r": torch.eye(4).double()}},
            "weights 'W_r' must be torch.float32, .* got torch.float64; conv",
        ),
        ({"weights": {"W_r": torch.ones(1, 4, 4)}}, r"weights 'W_r' have shape \(1, 4, 4\), but must have \(4, 4\)"),
        ({"states": {"y": torch.ones(1, 2, 4)}}, r"y has shape \(1, 2, 4\); give \(units,\) or \(trials, units\)"),
        ({"states": {"y": torch.ones(4).double()}}, "y must be torch.float32, .* got torch.float64; convert"),
        (
            {"inputs": torch.ones(4).int()},
            r"z must be torch.float64, .* got torch.int32; convert it with .to\(torch.float",
        ),
        (
            {"parameters": {"sigma": torch.ones(3, 4)}, "states": {"y": torch.ones(2, 4)}},
            "different numbers of trials: y has 2, parameter 'sigma' has 3",
        ),
    ],
)
def test_wrong_shapes_and_types_are_refused_before_the_first_step(changed, message):
    with pytest.raises(ValueError, match=message):
        functional.unroll(make_main(), **{"inputs": torch.ones(4), "steps": 3, "dt": DT, **changed})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"states": {"y": np.ones(4), "a": np.ones(4)}},
            "y must be a tensor, got ndarray; make one with torch.as_tensor",
        ),
        ({"states": torch.ones(4)}, r"states must be a dictionary \{name: tensor\}, got Tensor"),
        ({"weights": {"W_r": np.eye(4)}}, "weights 'W_r' must be a tensor, got ndarray; make one with torch.as_tensor"),
        ({"weights": {"W_r": np.eye(4).tolist()}}, "weights 'W_r' must be a tensor, got list"),
        ({"weights": torch.eye(4)}, r"weights must be a dictionary \{name: tensor\}, got Tensor"),
        ({"parameters": {"sigma": np.ones(4)}}, "parameter 'sigma' must be a tensor, got ndarray"),
        ({"parameters": {"sigma": 1j}}, "parameter 'sigma' must be a tensor, got complex"),
        ({"parameters": [1.0]}, r"parameters must be a dictionary \{name: tensor\}, got list"),
    ],
)
@pytest.mark.parametrize("call", [functional.euler_step, lambda *a, **k: functional.unroll(*a, steps=3, **k)])
def test_what_is_no_tensor_is_refused(call, changed, message):
    states = {name: torch.ones(4) for name in ("y", "a")}
    with pytest.raises(TypeError, match=message):
        call(make_main(), **{"states": states, "inputs": None, "dt": DT, **changed})


def test_a_parameter_may_differ_between_trials():
    """Each trial is then that of the circuit with its own parameter."""
    circuit, sigma, z = make_main(), torch.rand(2, 4).double() + 0.1, torch.linspace(-1, 1, 4).double()
    trace, last = functional.unroll(circuit, z, 5, DT, parameters={"sigma": sigma})
    assert trace["y"].shape == (5, 2, 4)
    for k in range(2):
        _, alone = functional.unroll(circuit, z, 5, DT, parameters={"sigma": sigma[k]})
        for name, value in alone.items():
            torch.testing.assert_close(last[name][k], value)


@pytest.mark.parametrize("inputs", [0.5, np.full(4, 0.5), {"z": [0.5] * 4}])
def test_numbers_and_arrays_take_the_type_of_the_tensors(inputs):
    states, given = {name: torch.ones(4) for name in ("y", "a")}, {"parameters": {"sigma": 0.2}}
    expected = functional.euler_step(make_main(), states, torch.full((4,), 0.5), DT, **given)
    for found in (
        functional.euler_step(make_main(), states, inputs, DT, **given),
        functional.unroll(make_main(), inputs, 1, DT, states, **given)[1],
    ):
        torch.testing.assert_close(found, expected)  # in float32


def test_weights_in_a_module():
    """A dictionary of parameters of torch is none of Python."""
    weights = torch.nn.ParameterDict({"W_r": torch.eye(4)})
    _, last = functional.unroll(make_main(), torch.ones(4), 3, DT, weights=weights)
    last["y"].sum().backward()
    assert weights["W_r"].grad.any()
