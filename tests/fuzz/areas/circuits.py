"""Random circuits: every engine agrees with equations written here once more, files give back what they were given."""

import tempfile
from pathlib import Path

import numpy as np

import organics_neuro as on
from tests.fuzz.outcomes import WrongError


def numbers(random, *shape, low=-1.0, high=1.0):
    return np.array([random.uniform(low, high) for _ in range(int(np.prod(shape)))]).reshape(shape)


def _pool(random, n):
    """A non-negative operator of some structure."""
    matrix = numbers(random, n, n, low=0.0)
    return random.choice(
        [
            lambda: on.Dense(matrix),
            lambda: on.Sparse(matrix * (matrix > 0.5)),
            lambda: on.AllToAll(n, random.uniform(0, 1)),
            lambda: on.Circulant(matrix[0]),
            lambda: on.LowRank(matrix[:, :1], matrix[:1].T),
            lambda: on.AllToAll(n, 0.1) + on.Dense(matrix),
            lambda: on.Convolution(numbers(random, 3, 3, low=0.0), (1, n)),
        ]
    )()


def draw_circuit(random):
    """A two-type circuit, with its parameters as a dictionary."""
    n = random.randint(1, 6)
    W_r = random.choice([lambda: on.Dense(numbers(random, n, n) / n**0.5), lambda: on.Dense(np.eye(n))])()
    parameters = {
        "sigma": random.uniform(0.02, 2),
        "b": random.choice([0.5, 1.0, numbers(random, n, low=0.1)]),
        "b0": random.uniform(0.1, 1),
        "tau_y": random.uniform(1e-3, 1e-2),
        "tau_a": random.uniform(1e-3, 1e-2),
    }
    return on.Circuit("two_type", {"W_r": W_r, "W": _pool(random, n)}, **parameters)


def _flow(circuit, z, y, a):
    """The equations of the paper, for one trial."""
    p, W_r, W = circuit.parameters, circuit.weights["W_r"].to_dense(), circuit.weights["W"].to_dense()
    root = np.sqrt(np.maximum(a, 0))
    dy = (-y + p["b"] * z + (1 - root) * (W_r @ y)) / p["tau_y"]
    da = (-a + (p["sigma"] * p["b0"]) ** 2 + W @ (np.maximum(a, 0) * y**2)) / p["tau_a"]
    return dy, da


def check(name, found, expected, tolerance):
    if not np.allclose(found, expected, rtol=tolerance, atol=tolerance):
        found, expected = (np.ravel(each) for each in np.broadcast_arrays(found, expected))
        worst = np.argmax(np.abs(found - expected))  # the first that is NaN, if one is
        raise WrongError(f"{name}: {found[worst]:.9g} at {worst}, not {expected[worst]:.9g}")


def _check_engines(random, circuit, z):
    dt, steps = 1e-4, 50
    y, a = (value.copy() for value in circuit.dynamics.start(circuit.dynamics.resolve_inputs(z)).values())
    for _ in range(steps):
        dy, da = _flow(circuit, z, y, a)
        y, a = y + dt * dy, a + dt * da
    engines = [on.engines.Reference(dt=dt, progress=False)]
    if random.random() < 0.02:
        import brian2 as b2

        b2.prefs.codegen.target = "numpy"
        engines.append(on.engines.Brian(dt=dt))
    for engine in engines:
        trace = on.simulate(circuit, z, steps * dt, engine)
        check(f"y of {engine}", trace["y"][-1, 0], y, 1e-9)
        check(f"a of {engine}", trace["a"][-1, 0], a, 1e-9)
    from organics_neuro.nn.functional import unroll

    _, last = unroll(circuit, z, steps, dt)
    check("y in torch", last["y"].numpy(), y, 1e-9)


def _check_theory(circuit, z):
    point = on.theory.fixed_point(circuit, z)
    y, a = point.state["y"], point.state["a"]
    if not (np.isfinite(y).all() and np.isfinite(a).all()):
        raise WrongError(f"the fixed point of {circuit!r} is not finite")
    if np.all(point.converged):
        dy, da = _flow(circuit, z, y, a)
        scale = 1 + np.abs(np.concatenate([y, a])).max()
        check(
            "flow at the fixed point",
            np.concatenate([dy * circuit.parameters["tau_y"], da * circuit.parameters["tau_a"]]) / scale,
            0,
            1e-6,
        )
    jacobian, state = on.theory.jacobian(circuit, z, {"y": y, "a": a}), np.concatenate([y, a])
    n = len(y)
    for k in range(2 * n):
        h = 1e-6 * max(1, abs(state[k]))  # below, rounding tells
        h = h if k < n else min(h, 1e-3 * abs(state[k]))  # the root bends over distances of a
        up, down = state.copy(), state.copy()
        up[k], down[k] = up[k] + h, down[k] - h
        if min(up[n:].min(), down[n:].min()) <= 0:
            continue  # the root has no slope there
        rates = [np.concatenate(_flow(circuit, z, s[:n], s[n:])) for s in (up, down)]
        slope = (rates[0] - rates[1]) / (2 * h)
        check(
            "column of the Jacobian",
            jacobian[:, k] / (1 + np.abs(slope).max()),
            slope / (1 + np.abs(slope).max()),
            1e-4,
        )


def check_file(circuit):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "circuit.safetensors"
        circuit.save(path)
        if on.load(path) != circuit:
            raise WrongError(f"{circuit!r} is another one when it was saved and loaded")


def attempt(random):
    circuit = draw_circuit(random)
    z = numbers(random, circuit.size) * random.choice([0.1, 1, 10])
    x = numbers(random, circuit.size)
    for name, weights in circuit.weights.items():
        check(f"{name} @ x", weights @ x, weights.to_dense() @ x, 1e-9)
    _check_engines(random, circuit, z)
    _check_theory(circuit, z)
    check_file(circuit)
