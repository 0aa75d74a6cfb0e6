"""The iteration that leads to the steady state, with its history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from organics_neuro.core.boundary import number, positive_int
from organics_neuro.core.theory.problems import pose
from organics_neuro.core.theory.solvers import balance

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from organics_neuro.core.boundary import Values
    from organics_neuro.core.theory.problems import Circuits


@dataclass(frozen=True)
class Iteration:
    """What an iteration went through.

    Attributes
    ----------
    state : dict of ndarray
        Each state by its full name, (iterations + 1, units), or (iterations + 1, trials, units) if the input has trials;
        principal units at equilibrium with the normalizers, first with those where it started. Several circuits have an
        axis of circuits before the trials.
    residual : ndarray, shape (iterations + 1,) or (iterations + 1, trials)
        Largest ``|tau dx/dt|``, see `FixedPoint`.
    """

    state: dict[str, np.ndarray]
    residual: np.ndarray

    def __len__(self) -> int:
        return len(self.residual)


def iteration(
    circuit: Circuits,
    z: Values = None,
    iterations: int = 20,
    guess: Mapping[str, ArrayLike] | None = None,
    *,
    step: float = 1.0,
) -> Iteration:
    """Alternate between the equilibrium of the principal units and an update of the normalizers.

    With the normalizers held, the principal units are solved for; then ``a <- a + step tau_a da/dt``. For the two-type
    circuit and a full step this is the iteration of Rawat, Heeger & Martiniani (2024):
    ``y = (I - D[1 - sqrt(a)] W_r)⁻¹ (b z)``, then ``a = (sigma b0)² + W (a y²)``. With identity recurrence it arrives in one
    step. It need not converge, nor lead to a stable point: `fixed_point` makes sure of both.

    Parameters
    ----------
    circuit : Circuit, JoinedCircuit or sequence of these
        Of models that declare ``relaxed`` states, as the families of normalization circuits do. Up to 1000 states.
    z : array_like or dict, optional
        Input of shape (units,) or (trials, units), for several circuits as in `fixed_point`.
    iterations : int
    guess : dict, optional
        Normalizers with which it starts, by full name, (units,) or (trials, units); where the circuit starts by default.
    step : float
        Part of the step that is made, above 0 and at most 1; shorter steps converge for more circuits.

    Returns
    -------
    Iteration

    Raises
    ------
    ValueError
        For a circuit that is too large, or has no states to relax.

    Examples
    --------
    >>> import organics_neuro as on
    >>> found = on.theory.iteration(on.Circuit("two_type", size=1), [1.0], iterations=2)
    >>> found.state["a"][:, 0]
    array([0.0025, 0.2525, 0.2525])
    """
    count = positive_int("iterations", iterations)
    step = number("step", step, "above 0 and at most 1", lambda h: 0 < h <= 1)
    problem = pose(circuit, z, guess, "guess")
    x = np.empty((count + 1, problem.rows, problem.dynamics.size))
    residual = np.empty((count + 1, problem.rows))
    with np.errstate(all="ignore"):  # it may run away, which the residual says
        for rows, system, start in problem.parts():
            if not system.relaxed.any() or not system.small:
                why = "is too large for this" if system.relaxed.any() else "declares no state as relaxed"
                raise ValueError(f"the circuit {why}, so there is nothing to iterate; see fixed_point")
            now, change = balance(system, start)
            for k in range(count + 1):
                x[k, rows], residual[k, rows] = now, np.abs(system.residual(now)).max(axis=-1)
                now, change = balance(system, now + step * change)
    answers = {name: value.reshape(count + 1, *problem.shape, -1) for name, value in problem.dynamics.unpack(x).items()}
    return Iteration(answers, residual.reshape(count + 1, *problem.shape))
