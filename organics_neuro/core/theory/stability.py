"""The circuit linearised around a state: Jacobian, eigenvalues, stability, and the step size that Euler allows."""

import numpy as np

from organics_neuro.core.theory.fixed_point import fixed_point
from organics_neuro.core.theory.solvers import constant_inputs, each_trial, trials


def jacobian(circuit, state, z=None):
    """Derivative of dx/dt by the states.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
    state : dict
        Each state by its full name, (units,) or (trials, units), such as the ``state`` of a fixed point; states not
        named are where the circuit starts.
    z : array_like or dict, optional
        Input, (units,) or (trials, units).

    Returns
    -------
    ndarray, shape (size, size) or (trials, size, size), in 1/s
        Rows and columns in the order of ``circuit.states``.
    """
    dynamics = circuit.dynamics
    inputs, states = constant_inputs(dynamics, z), dynamics.resolve_states("state", state)
    shape = trials(inputs, states)
    x = dynamics.pack(states, shape)
    matrix = np.empty((*shape, dynamics.size, dynamics.size))
    for trial, system in each_trial(dynamics, inputs, shape):
        matrix[trial] = dynamics.jacobian(x[trial], system.inputs)
    return matrix


def linearise(circuit, z, state=None):
    """The Jacobian at ``state``, or at the fixed point if there is none given: NaN in trials where none was found."""
    if state is not None:
        return jacobian(circuit, state, z)
    point = fixed_point(circuit, z)
    matrix = jacobian(circuit, {name: np.nan_to_num(value) for name, value in point.state.items()}, z)
    matrix[~np.asarray(point.converged)] = np.nan
    return matrix


def eigenvalues(circuit, z=None, state=None):
    """Eigenvalues of the linearised circuit.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
    z : array_like or dict, optional
        Input, (units,) or (trials, units).
    state : dict, optional
        Where to linearise; by default at the fixed point.

    Returns
    -------
    ndarray of complex, shape (size,) or (trials, size), in 1/s
        Sorted by real part, the leading one first; NaN where no fixed point was found (with a `ConvergenceWarning`).
    """
    matrix = linearise(circuit, z, state)
    values = np.full(matrix.shape[:-1], np.nan, dtype=complex)
    finite = np.isfinite(matrix).all(axis=(-2, -1))
    values[finite] = np.linalg.eigvals(matrix[finite])
    return np.take_along_axis(values, np.argsort(-values.real, axis=-1, kind="stable"), axis=-1)


def is_stable(circuit, z=None, state=None):
    """Whether small perturbations of the fixed point (or of the fixed point ``state``) die out.

    Returns
    -------
    bool or ndarray of bool, shape (trials,)
        False also where no fixed point was found (with a `ConvergenceWarning`).
    """
    stable = eigenvalues(circuit, z, state).real.max(axis=-1) < 0  # NaN is not smaller
    return stable if stable.ndim else bool(stable)


def euler_bound(circuit, z=None, state=None):
    """Largest time step at which forward Euler keeps the fixed point stable.

    A step dt multiplies the mode of eigenvalue λ by 1 + λ dt, which shrinks it if dt < -2 Re λ/|λ|².

    Returns
    -------
    float or ndarray of shape (trials,)
        In seconds; negative if the circuit itself is unstable, NaN where no fixed point was found.
    """
    values = eigenvalues(circuit, z, state)
    bound = (-2 * values.real / np.abs(values) ** 2).min(axis=-1)
    return bound if bound.ndim else float(bound)
