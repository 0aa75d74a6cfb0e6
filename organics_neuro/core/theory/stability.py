"""The circuit linearised around a state: Jacobian, eigenvalues, stability, and the step size that a method allows."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from organics_neuro.core.boundary import Values, positive_int
from organics_neuro.core.circuits import check_circuit
from organics_neuro.core.names import Name
from organics_neuro.core.schemes import Scheme, scheme
from organics_neuro.core.theory.fixed_point import solve, warn_of_missing
from organics_neuro.core.theory.large import check_room
from organics_neuro.core.theory.problems import Circuits, pose


def jacobian(circuit: Circuits, z: Values = None, state: Mapping[str, ArrayLike] | None = None) -> np.ndarray:
    """Derivative of dx/dt by the states.

    Parameters
    ----------
    circuit : Circuit, JoinedCircuit or sequence of these
        Several circuits of one model are linearised together, see `fixed_point`; results have an axis of circuits first.
    z : array_like or dict, optional
        Input, (units,) or (trials, units).
    state : dict, optional
        Where to linearise: each state by its full name, (units,) or (trials, units); states not named are where the
        circuit starts. By default at the fixed point.

    Returns
    -------
    ndarray, shape (size, size) or (trials, size, size), in 1/s
        Rows and columns in the order of ``circuit.states``; NaN where no fixed point was found (with a
        `ConvergenceWarning`).
    """
    return _linearise(*_around(circuit, z, state)).sum(axis=0)


def _around(circuit, z, state):
    """What to linearise, at which ``state`` or else fixed points, and in which rows there is one."""
    problem = pose(circuit, z, state)
    if state is not None:
        return problem, np.ones(problem.rows, dtype=bool)
    point, _ = solve(problem)
    warn_of_missing(problem, point)
    return pose(circuit, z, {n: np.nan_to_num(v) for n, v in point.state.items()}), np.ravel(point.converged)


def _linearise(problem, found):
    """The Jacobian as (local, coupled), see `Dynamics.jacobian_parts`, shape (2, size, size) or (2, trials, size, size)."""
    check_room(problem.dynamics, "the Jacobian")
    parts = np.empty((2, problem.rows, problem.dynamics.size, problem.dynamics.size))
    for rows, system, x in problem.parts():
        parts[:, rows] = system.dynamics.jacobian_parts(x, system.inputs)
    parts[:, ~found] = np.nan
    return parts.reshape((2, *problem.shape, *parts.shape[2:]))


def eigenvalues(
    circuit: Circuits, z: Values = None, state: Mapping[str, ArrayLike] | None = None, k: int | None = None
) -> np.ndarray:
    """Eigenvalues of the linearised circuit.

    Parameters
    ----------
    circuit : Circuit, JoinedCircuit or sequence of these
    z : array_like or dict, optional
        Input, (units,) or (trials, units).
    state : dict, optional
        Where to linearise; by default at the fixed point.
    k : int, optional
        How many, the leading ones; all by default. In a circuit of more than 1000 states they are found without a matrix
        (Arnoldi's method), which takes a fraction of the time; above 8000 states there is no other way.

    Returns
    -------
    ndarray of complex, shape (size,) or (trials, size), in 1/s
        Sorted by real part, the leading one first; NaN where no fixed point was found (with a `ConvergenceWarning`). A
        circuit with delays has infinitely many: these are the leading ones. With ``k``, (k,) or (trials, k).

    Raises
    ------
    ValueError
        For a circuit of more than 8000 states without ``k``, or of more than 1000 with delays.
    """
    k = None if k is None else positive_int("k", k)
    return _eigenvalues(*_around(circuit, z, state), k)


def _eigenvalues(problem, found, k=None):
    size = problem.dynamics.size
    values = np.full((problem.rows, size if k is None else min(k, size)), np.nan, dtype=complex)
    for rows, system, x in problem.parts():
        values[rows] = system.eigenvalues(x, k)
    values[~found] = np.nan
    return problem.answer(values)


def is_stable(circuit: Circuits, z: Values = None, state: Mapping[str, ArrayLike] | None = None) -> bool | np.ndarray:
    """Whether small perturbations of the fixed point (or of the fixed point ``state``) die out.

    Returns
    -------
    bool or ndarray of bool, shape (trials,)
        False also where no fixed point was found (with a `ConvergenceWarning`).
    """
    stable = eigenvalues(circuit, z, state, k=1).real.max(axis=-1) < 0  # NaN is not smaller
    return stable if stable.ndim else bool(stable)


def largest_stable_dt(
    circuit: Circuits, z: Values = None, method: str = "euler", state: Mapping[str, ArrayLike] | None = None
) -> float | np.ndarray:
    """Largest time step at which a method keeps the fixed point stable.

    A step multiplies the mode of eigenvalue λ by R(λ dt), which must shrink it; R is the growth polynomial of the
    method, 1 + x for forward Euler, so that ``dt < -2 Re λ/|λ|²``. Where couplings are not evaluated at each stage, the
    local equations and the couplings grow differently: what must shrink is then the whole linear step, from the states
    at two times to those at the next two.

    Parameters
    ----------
    circuit : Circuit, JoinedCircuit or sequence of these
    z : array_like or dict, optional
        Input, (units,) or (trials, units).
    method : str
        One of `organics_neuro.core.schemes.SCHEMES`.
    state : dict, optional
        Where to linearise; by default at the fixed point.

    Returns
    -------
    float or ndarray of shape (trials,)
        In seconds: all smaller steps are stable too. 0 if the circuit itself is unstable, NaN where no fixed point
        was found.

    Raises
    ------
    ValueError
        For a circuit with delays, whose steps have as many modes as the delays have steps.
    """
    chosen = scheme(method)
    problem, found = _around(circuit, z, state)
    if problem.dynamics.has_delays:
        raise ValueError(
            "largest_stable_dt is not known for a circuit with delays; compare two steps with organics_neuro.engines.convergence"
        )
    if chosen.coupling == "stages" or chosen.is_euler:
        bound = np.apply_along_axis(_mode_bound, -1, _eigenvalues(problem, found), chosen.growth)
    else:
        parts = _linearise(problem, found)
        bound = np.empty(parts.shape[1:-2])
        for trial in np.ndindex(bound.shape):
            bound[trial] = _step_bound(chosen, *parts[(slice(None), *trial)])
    return bound if bound.ndim else float(bound)


def _mode_bound(values, growth):
    """The first step at which |R(λ dt)| of some eigenvalue λ reaches 1."""
    if not np.isfinite(values).all():
        return np.nan
    if values.real.max() >= 0:
        return 0.0
    bounds = []
    for value in values:
        coefficients = growth * (value / abs(value)) ** np.arange(len(growth))
        excess = np.convolve(coefficients, coefficients.conj()).real[1:]  # (|R(r)|² - 1)/r, by powers of r = |λ| dt
        roots = np.roots(excess[::-1])
        bounds.append(
            min(root.real for root in roots if root.real > 0 and abs(root.imag) < 1e-9 * abs(root)) / abs(value)
        )
    return min(bounds)


def _step_bound(chosen, local, coupled):
    """The first step whose spectral radius reaches 1, for couplings that are not evaluated at each stage."""
    matrix = local + coupled
    if not np.isfinite(matrix).all():
        return np.nan
    if np.linalg.eigvals(matrix).real.max() >= 0:
        return 0.0
    stable, unstable = 0.0, 0.01 / np.linalg.norm(matrix, 2)
    while _radius(chosen, local, coupled, unstable) < 1:
        stable, unstable = unstable, 1.5 * unstable
    while unstable - stable > 1e-3 * unstable:
        middle = (stable + unstable) / 2
        stable, unstable = (middle, unstable) if _radius(chosen, local, coupled, middle) < 1 else (stable, middle)
    return stable


def _radius(chosen: Scheme, local, coupled, dt):
    """Spectral radius of a linear step, from the states at two times to the states at the next two.

    With the couplings c fixed the local equations advance by dt φ(dt L)(L x + c), where φ(z) = (R(z) - 1)/z.
    """
    identity, average = np.eye(len(local)), np.zeros_like(local)
    for coefficient in chosen.growth[:0:-1]:  # Horner: φ has the coefficients of R from the first power on
        average = coefficient * identity + dt * local @ average
    drive = dt * average @ coupled
    now = identity + dt * average @ local + (1 + chosen.ahead) * drive
    step = np.block([[now, -chosen.ahead * drive], [identity, np.zeros_like(identity)]])
    return np.abs(np.linalg.eigvals(step)).max()


def shortest_time_constant(circuit, z=None):
    """The shortest time constant of a circuit, in seconds, and what its model calls it; infinite if there is none."""
    dynamics = check_circuit(circuit).dynamics
    tau = dynamics.time_constants(dynamics.resolve_inputs(z))
    named = []
    for name, where in dynamics.slices.items():
        model = circuit.populations[name.population].model
        if model.has_time_constant(name.variable):
            named.append((float(tau[..., where].min()), str(Name(name.population, model.time_constant(name.variable)))))
    return min(named, default=(np.inf, ""))
