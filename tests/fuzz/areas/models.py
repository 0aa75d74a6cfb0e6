"""Random circuits of every model: engines agree, derivatives are those of finite differences, several circuits are as one."""

import numpy as np

import organics_neuro as on
from tests.fuzz.areas.circuits import check, check_file, numbers

_DT, _STEPS = 1e-4, 30
#: How often Brian2 runs too, which takes a second.
_BRIAN = 0.1


def draw_circuits(random, count):
    """Circuits of one model, whichever it is, with random weights that the model allows."""
    model = on.MODELS[random.choice(list(on.MODELS))]
    n, inputs = random.randint(1, 5), random.randint(1, 4)

    def weights(c):
        low = 0.0 if c.allowed_sign else -1.0
        columns = inputs if model.external_source(c) else n
        return numbers(random, n, columns, low=low) * (c.allowed_sign or 1) / n

    def parameters():
        step = {model.step: _DT} if model.step else {}
        return {name: value * random.uniform(0.7, 1.5) for name, value in model.parameters.items()} | step

    return [
        on.Circuit(model, {c.weights: weights(c) for c in model.couplings}, size=n, **parameters())
        for _ in range(count)
    ]


def draw_inputs(random, circuit):
    return {name: numbers(random, size, low=0.0) for name, size in circuit.inputs.items()}


def _check_engines(random, circuit, z):
    here = on.simulate(circuit, z, _STEPS * _DT, on.engines.Reference(dt=_DT, progress=False))
    if random.random() < _BRIAN:
        import brian2 as b2

        b2.prefs.codegen.target = "numpy"
        there = on.simulate(circuit, z, _STEPS * _DT, on.engines.Brian(dt=_DT))
        for name in here:
            check(f"{name} of {circuit!r} in Brian2", there[name], here[name], 1e-9)
    from organics_neuro.nn.functional import unroll

    _, last = unroll(circuit, z, _STEPS, _DT)
    for name, value in last.items():
        check(f"{name} of {circuit!r} in torch", value.numpy(), here[name][-1, 0], 1e-9)
    return here


def _check_derivatives(random, circuit, z):
    """At random states; where they are near a kink of the equations, finite differences say nothing."""
    dynamics, h = circuit.dynamics, 1e-7
    inputs, x = dynamics.resolve_inputs(z), numbers(random, circuit.dynamics.size, low=0.1)
    steps = h * np.eye(len(x))
    up, down = (dynamics.flow(x + side * steps, inputs) for side in (1, -1))
    slope, middle = (up - down).T / (2 * h), dynamics.flow(x, inputs)
    bend = np.abs(up + down - 2 * middle).T / h
    scale = 1 + np.abs(slope).max()
    smooth = bend < 1e-4 * scale
    difference = np.where(smooth, dynamics.jacobian(x, inputs) - slope, 0.0)
    check(f"Jacobian of {circuit!r}", difference / scale, 0, 1e-4)


def _check_steady_states(circuits, z):
    """Each alone and all together; a point that is said to be one does not move.

    Of several unstable points, of which a warning says that the circuit does not stay there, any one may be found.
    """
    together = on.theory.fixed_point(circuits, z)
    for k, circuit in enumerate(circuits):
        alone = on.theory.fixed_point(circuit, z)
        if not alone.converged:
            continue
        inputs, dynamics = circuit.dynamics.resolve_inputs(z), circuit.dynamics
        x = dynamics.pack(alone.state)
        residual = dynamics.time_constants(inputs) * dynamics.flow(x, inputs)
        check(f"flow of {circuit!r} at its fixed point", residual / max(1, np.abs(x).max()), 0, 1e-8)
        unstable = np.linalg.eigvals(dynamics.jacobian(x, inputs)).real.max() > 0
        if together.converged[k] and not unstable:
            found = np.concatenate([together.state[name][k] for name in alone.state])
            check(f"fixed point of {circuit!r} among others", found, x, 1e-6)


def attempt(random):
    circuits = draw_circuits(random, 2)
    circuit, z = circuits[0], draw_inputs(random, circuits[0])
    _check_engines(random, circuit, z)
    _check_derivatives(random, circuit, z)
    _check_steady_states(circuits, z)
    check_file(circuit)
