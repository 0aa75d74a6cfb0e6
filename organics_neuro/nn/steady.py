"""Layers whose output is the steady state of a normalization circuit.

Where a recurrent layer integrates a circuit step by step, these give at once what it settles at for a constant
input. Like any layer of torch they take and return rates, so they stack.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from organics_neuro.core.boundary import flag, known_name, positive_int
from organics_neuro.core.circuits import Circuit
from organics_neuro.core.models import MODELS
from organics_neuro.nn.arguments import check_range, check_steady_input, check_tensor, factory, in_own_precision
from organics_neuro.nn.constraints import constrain
from organics_neuro.nn.copies import array, as_double, in_double
from organics_neuro.nn.effective import Constrained, value_of
from organics_neuro.nn.equations import System, closed_form
from organics_neuro.nn.equilibrium import TOLERANCE, solve
from organics_neuro.nn.protocol import SteadyState
from organics_neuro.nn.published import PUBLISHED_ITERATIONS, published_iteration

RECURRENCES = ("identity", "learned")
TWO_TYPE = MODELS["two_type"]


class DivisiveNormalization(Constrained):
    """The steady state of a fully connected normalization circuit.

    The circuit is of the model "two_type" with semisaturation 1, input drive z = W_zx x / ||W_zx x|| and input gain
    b = sigmoid(W_bx x). Its steady state is the solution of ::

        y = b z + (1 - sqrt(a)) W_r y
        a = b0^2 + W (a y^2)

    and the output is the firing rate relu(y)^2. With identity recurrence the solution is
    a = b0^2 + W (b z)^2, y = b z / sqrt(a); with learned recurrence it is found by iteration and differentiated
    implicitly (see `organics_neuro.nn.equilibrium`). An input of zeros has the drive 0.

    Parameters
    ----------
    in_features, out_features : int
    recurrence : {"identity", "learned"}
        "learned": ``W_r`` starts as the identity, and its largest singular value is kept at most 1.
    legacy : bool
        With learned recurrence, compute what the authors' public code computes instead of the steady state: ten
        iterations with the gate 1 - a, where the circuit has 1 - sqrt(a). The result is not a steady state of the
        circuit: typically y is 14 % off. For comparison only.
    device, dtype
        Of the parameters, as in every torch module.

    Attributes
    ----------
    W_zx, W_bx : Tensor, shape (out_features, in_features)
        Weights of the input, to the drive and to the gain.
    W_r : Tensor, shape (out_features, out_features), or None
        Recurrence; None for the identity.
    W : Tensor, shape (out_features, out_features)
        Normalization pool; positive, because its logarithm is what is learned.
    b0 : Tensor, shape (out_features,)
        Gain of the constant in the pool, between 0 and 1.

    References
    ----------
    S. Rawat, D. J. Heeger, S. Martiniani, Unconditional stability of a recurrent neural circuit implementing divisive
    normalization, NeurIPS 2024, arXiv:2409.18946, and the authors' public code (class ``ff``).

    Examples
    --------
    >>> layer = DivisiveNormalization(3, 5, recurrence="learned")
    >>> layer(torch.ones(2, 3)).shape
    torch.Size([2, 5])
    >>> bool(layer.steady_state(torch.ones(2, 3)).residual.max() <= 1e-6)
    True
    """

    W_r: Any
    parametrizations: Any
    #: Axes of one sample.
    feature_axes = 1

    def __init__(
        self,
        in_features: int,
        out_features: int,
        recurrence: str = "identity",
        *,
        legacy: bool = False,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ):
        super().__init__()
        self.recurrence, self.legacy = known_name("recurrence", recurrence, RECURRENCES), flag("legacy", legacy)
        if legacy and recurrence == "identity":
            raise ValueError("legacy=True changes learned recurrence only; leave it out, or give recurrence='learned'")
        self.in_features = positive_int("in_features", in_features)
        self.out_features = positive_int("out_features", out_features)
        options = factory(device, dtype, 2 * out_features * (in_features + out_features))
        self.W_zx = nn.Parameter(torch.empty(out_features, in_features, **options))
        self.W_bx = nn.Parameter(torch.empty(out_features, in_features, **options))
        self.W = nn.Parameter(torch.ones(out_features, out_features, **options))
        self.b0 = nn.Parameter(torch.full((out_features,), 0.5, **options))
        self.W_r = nn.Parameter(torch.eye(out_features, **options)) if recurrence == "learned" else None
        constrain(self, "W", "positive")
        constrain(self, "b0", "bounded")
        if recurrence == "learned":
            constrain(self, "W_r", "spectral")
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self):
        """Draw all parameters anew.

        ``W_zx`` and ``W_bx`` are uniform in +-1/sqrt(in_features); ``W`` is exp(u), u uniform in (-1, 0), with ones on
        the diagonal; ``b0`` is 0.5 and ``W_r`` the identity.
        """
        for weights in (self.W_zx, self.W_bx):
            nn.init.uniform_(weights, -(self.in_features**-0.5), self.in_features**-0.5)
        self.parametrizations.W.original.uniform_(-1, 0).fill_diagonal_(0)
        self.parametrizations.b0.original.zero_()
        if self.recurrence == "learned":
            nn.init.eye_(self.parametrizations.W_r.original)

    @in_own_precision
    def drive(self, input):
        """What the circuit receives for an input (..., in_features): b z, shape (..., out_features)."""
        check_tensor(input)
        check_steady_input(
            input, self, input.shape[-1:] == (self.in_features,), f"(..., in_features={self.in_features})"
        )
        if self.recurrence == "learned" and input.dtype not in TOLERANCE:
            raise ValueError(f"learned recurrence needs float32 or float64, got {input.dtype}; convert with .to(dtype)")
        z = input @ self.W_zx.T
        length = z.norm(dim=-1, keepdim=True)
        check_range(length)
        return torch.sigmoid(input @ self.W_bx.T) * (z / length.clamp(min=1e-12))

    @in_own_precision
    def forward(self, input):
        """Firing rates at the steady state.

        Parameters
        ----------
        input : Tensor, shape (..., in_features)

        Returns
        -------
        Tensor, shape (..., out_features)

        Raises
        ------
        ValueError
            For a wrong shape or dtype.
        ConvergenceError
            If no steady state was found for some samples.
        """
        drive = self.drive(input)
        if self.recurrence == "learned" and not self.legacy:
            y = solve(TWO_TYPE, self._values(drive), self._weights()).states["y"]
        else:
            y, _ = self._given(drive)
        return torch.relu(y).square()

    @in_own_precision
    def steady_state(self, input):
        """The steady state itself, with its residual and the number of iterations.

        Parameters
        ----------
        input : Tensor, shape (..., in_features)

        Returns
        -------
        SteadyState
        """
        drive = self.drive(input)
        if self.recurrence == "learned" and not self.legacy:
            found = solve(TWO_TYPE, self._values(drive), self._weights())
            return SteadyState(*found.states.values(), found.residual, found.iterations)
        y, a = self._given(drive)
        with torch.no_grad():
            error = System(TWO_TYPE, self._values(drive), self._weights()).error([y, a])
        iterations = PUBLISHED_ITERATIONS if self.legacy else 0
        return SteadyState(y, a, error, torch.full_like(error, iterations, dtype=torch.long))

    def _values(self, drive):
        """Input and parameters of the circuit."""
        return {"z": drive, "b": 1.0, "b0": value_of(self, "b0"), "sigma": 1.0}

    def _weights(self):
        """Weights of the circuit; the identity as a function."""
        W_r = (lambda rates: rates) if self.recurrence == "identity" else value_of(self, "W_r")
        return {"W_r": W_r, "W": value_of(self, "W")}

    def _given(self, drive):
        """y and a where no solver is needed."""
        if self.legacy:
            return published_iteration(drive, value_of(self, "b0").square(), **self._weights())
        W = value_of(self, "W")
        return closed_form(TWO_TYPE, self._values(drive), {"W": lambda rates: rates @ W.T}).values()

    def steady_circuit(self, input: Tensor | ArrayLike) -> tuple[Circuit, np.ndarray]:
        """The circuit of the layer, and its input: run to its steady state, it gives the output of the layer.

        The input gain of the layer depends on ``input``. Gain and drive act as a product, so the circuit has the gain 1
        and its input is b z. Time constants are those of the model: they do not change the steady state, only whether
        and how fast it is reached.

        Parameters
        ----------
        input : Tensor or array_like, shape (..., in_features)

        Returns
        -------
        circuit : Circuit
            Of model "two_type", in float64. The output of the layer is relu(y)^2.
        z : ndarray, shape (samples, units)
            Its input, b z.

        Raises
        ------
        ValueError
            For ``legacy=True``, whose output is no steady state, and as `forward`.
        """
        if self.legacy:
            raise ValueError("the output of a layer with legacy=True is not the steady state of a circuit")
        double, x = in_double(self), as_double(input)
        weights = {"W": array(double.W), **({} if double.W_r is None else {"W_r": array(double.W_r)})}
        circuit = Circuit("two_type", weights, b=1.0, b0=array(double.b0), sigma=1.0)
        return circuit, array(double.drive(x)).reshape(-1, circuit.size)

    def extra_repr(self):
        legacy = ", legacy=True" * self.legacy
        return f"{self.in_features}, {self.out_features}, recurrence={self.recurrence!r}{legacy}"
