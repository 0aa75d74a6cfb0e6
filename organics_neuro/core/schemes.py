"""Integration schemes: each is one object, from which every engine makes its steps.

A scheme is an explicit Runge-Kutta tableau for the local equations, and a rule that says where in a step the
couplings are evaluated. With stages k_i = f(x + dt Σ_j a_ij k_j) a step is x + dt Σ_i b_i k_i; inputs and noise are
held during it. The NumPy and torch steps (`Scheme.step`), Brian2's code (`organics_neuro.brian.methods`) and the
largest stable step (`organics_neuro.core.theory.stability`) follow from the same entry of `SCHEMES`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from organics_neuro.core.boundary import known_name

#: Where the couplings are evaluated, by the name of the rule.
COUPLINGS = {
    "held": "once, at the beginning of the step",
    "extrapolated": "once, half a step ahead along the slope of the last step",
    "stages": "at each stage",
}


@dataclass(frozen=True)
class Scheme:
    """An integration scheme.

    Parameters
    ----------
    name : str
        The ``method`` of simulators.
    a : sequence of sequences of float
        Row i weights the slopes before stage i, so it has i entries.
    b : sequence of float
        Weights of the slopes in the step; their sum is 1.
    coupling : {"held", "extrapolated", "stages"}
        Where the couplings are evaluated, see `COUPLINGS`. "held" limits the order to 1, "extrapolated" to 2.

        "extrapolated" evaluates them at the states half a step ahead, x + dt/2 s, s being the mean slope of the last
        step; for linear couplings this is Adams-Bashforth 2. Before the first step s is 0. Only s is remembered,
        never a coupling: after a jump (new states, weights, inputs, parameters or another dt) one step is first order,
        and the order of the whole is kept.
    order : int
        Of the global error, couplings included.
    source : str
        Where the scheme comes from.

    Raises
    ------
    ValueError
        For weights that are not those of an explicit scheme, or an unknown rule.
    """

    name: str
    a: tuple[tuple[float, ...], ...]
    b: tuple[float, ...]
    coupling: str
    order: int
    source: str

    def __post_init__(self) -> None:
        known_name("coupling rule", self.coupling, COUPLINGS)
        object.__setattr__(self, "a", tuple(tuple(float(w) for w in row) for row in self.a))
        object.__setattr__(self, "b", tuple(float(w) for w in self.b))
        rows = [len(row) for row in self.a]
        if rows != list(range(len(self.b))):
            raise ValueError(
                f"scheme {self.name!r}: a must have {len(self.b)} rows of 0, 1, 2, ... weights, one for each slope "
                f"before its stage (b has {len(self.b)}), got rows of {rows}"
            )
        if not abs(sum(self.b) - 1) < 1e-12:
            raise ValueError(f"scheme {self.name!r}: the weights b must sum to 1, got {self.b}")

    @property
    def products(self) -> int:
        """How often the couplings are evaluated in a step."""
        return len(self.b) if self.coupling == "stages" else 1

    @property
    def ahead(self) -> float:
        """How far ahead of the beginning of a step its couplings are extrapolated, in steps."""
        return 0.5 if self.coupling == "extrapolated" else 0.0

    @property
    def is_euler(self) -> bool:
        """Whether a step is x + dt dx/dt, couplings included."""
        return len(self.b) == 1 and not self.ahead

    @cached_property
    def growth(self) -> np.ndarray:
        """Growth of a mode of the local equations in one step, R(z) = 1 + Σ_k bᵀ A^(k-1) 1 zᵏ with z = eigenvalue times
        dt: the coefficients from the constant on, shape (stages + 1,)."""
        stages = len(self.b)
        a = np.array([(*row, *[0.0] * (stages - len(row))) for row in self.a])
        powers = [np.ones(stages)]
        for _ in range(stages - 1):
            powers.append(a @ powers[-1])
        return np.array([1.0, *(np.dot(self.b, power) for power in powers)])

    def step(
        self,
        states: Mapping[str, Any],
        dt: float,
        couple: Callable[[Mapping], Mapping],
        rates: Callable[[Mapping, Mapping], Mapping],
        slope: Mapping[str, Any] | None = None,
        add: Callable = lambda x, y, scale: x + scale * y,
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """One step, for arrays or tensors.

        Parameters
        ----------
        states : dict
            Arrays by name.
        dt : float
            In seconds.
        couple : callable
            The couplings of given states.
        rates : callable
            The time derivatives of given states and couplings.
        slope : dict, optional
            What the last step returned as the second; None in the first one.
        add : callable
            ``x + scale*y`` in the array library of the states.

        Returns
        -------
        states, slope : dict
            After the step, and its mean slope: new states = states + dt slope.
        """
        couplings = couple(_moved(states, slope, self.ahead * dt, add) if slope and self.ahead else states)
        slopes: list[Mapping] = []
        for row in self.a:
            at = _moved(states, _weighted(slopes, row, add), dt, add)
            if slopes and self.coupling == "stages":
                couplings = couple(at)
            slopes.append(rates(at, couplings))
        slope = _weighted(slopes, self.b, add)
        return _moved(states, slope, dt, add), slope


def _weighted(slopes: Sequence[Mapping], weights: Sequence[float], add: Callable) -> dict:
    """Sum of slopes by name; empty if no weight counts."""
    total: dict = {}
    for slope, weight in zip(slopes, weights, strict=True):
        if weight and not total:
            total = {name: weight * value if weight != 1 else value for name, value in slope.items()}
        elif weight:
            total = {name: add(total[name], value, weight) for name, value in slope.items()}
    return total


def _moved(states: Mapping, slope: Mapping, dt: float, add: Callable) -> dict:
    return {name: add(value, slope[name], dt) if name in slope else value for name, value in states.items()}


#: Kutta's tableau of order 4.
_KUTTA = {"a": ((), (1 / 2,), (0, 1 / 2), (0, 0, 1)), "b": (1 / 6, 1 / 3, 1 / 3, 1 / 6)}

#: All schemes by name: one entry is all that a new one takes.
SCHEMES = {
    scheme.name: scheme
    for scheme in (
        Scheme(
            name="euler",
            a=((),),
            b=(1,),
            coupling="held",
            order=1,
            source="L. Euler, Institutionum calculi integralis, 1768",
        ),
        Scheme(
            name="ab2",
            **_KUTTA,
            coupling="extrapolated",
            order=2,
            source="F. Bashforth, J. C. Adams, An attempt to test the theories of capillary action, 1883",
        ),
        Scheme(
            name="heun",
            a=((), (1,)),
            b=(1 / 2, 1 / 2),
            coupling="stages",
            order=2,
            source="K. Heun, Neue Methoden zur approximativen Integration der Differentialgleichungen, 1900",
        ),
        Scheme(
            name="rk4",
            **_KUTTA,
            coupling="stages",
            order=4,
            source="W. Kutta, Beitrag zur näherungsweisen Integration totaler Differentialgleichungen, 1901",
        ),
    )
}


def scheme(name: str) -> Scheme:
    """The scheme called ``name``; raises `ValueError` with the known names if there is none."""
    return SCHEMES[known_name("method", name, SCHEMES)]


def table() -> str:
    """The schemes as a table in Markdown, which the documentation shows."""
    lines = ["| method | order | products in one step | couplings are evaluated | source |", "|---|---|---|---|---|"]
    for entry in SCHEMES.values():
        where = COUPLINGS[entry.coupling]
        lines.append(f'| `"{entry.name}"` | {entry.order} | {entry.products} | {where} | {entry.source} |')
    return "\n".join(lines)
