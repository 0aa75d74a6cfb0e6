"""The steady state of a convolutional normalization circuit as a layer."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy import sparse
from torch import Tensor, nn
from torch.nn.functional import conv2d

from organics_neuro.core.boundary import known_name, not_negative_int, positive_int
from organics_neuro.core.circuits import Circuit
from organics_neuro.core.models import MODELS
from organics_neuro.core.operators import LowRank, Sparse
from organics_neuro.nn.arguments import check_range, check_steady_input, check_tensor, factory, in_own_precision
from organics_neuro.nn.constraints import constrain
from organics_neuro.nn.copies import array, as_double, in_double
from organics_neuro.nn.effective import Constrained, value_of
from organics_neuro.nn.equations import System, closed_form
from organics_neuro.nn.protocol import SteadyState

POOLS = ("uniform", "local")
TWO_TYPE_RECTIFIED = MODELS["two_type_rectified"]


class DivisiveNormalization2d(Constrained):
    """The steady state of a convolutional normalization circuit.

    In each channel, with semisaturation 1, input drive z = K_z * x and input gain b = sigmoid(K_b * x) the output is ::

        relu(b z)^2 / (b0^2 + pool(relu(b z)^2))

    which is the rate of the model "two_type_rectified" with identity recurrence at its steady state. Units are normalized by
    those of the same channel: by all of them ("uniform") or by neighbours ("local"). Memory is O(channels height
    width); the authors' code stores a pool of O(channels (height width)²).

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size : int or (int, int)
        Of the convolutions to the drive and to the gain.
    stride, padding
        As in `torch.nn.Conv2d`, for both convolutions: numbers, pairs of them, or a padding "same" or "valid".
    pool : {"uniform", "local"}
        "uniform": one learned weight a channel, 1 at the start. "local": a learned kernel a channel, a Gaussian with
        the peak 1 and a standard deviation of pool_size/4 at the start; beyond the border there is nothing.
    pool_size : int, optional
        For "local": side of the kernel, an odd number.
    device, dtype
        Of the parameters, as in every torch module.

    Attributes
    ----------
    K_z, K_b : Tensor, shape (out_channels, in_channels, \\*kernel_size)
    W : Tensor, shape (out_channels, 1, 1), or (out_channels, pool_size, pool_size)
        Weights of the pool, positive.
    b0 : Tensor, shape (out_channels, 1, 1)
        Gain of the constant in the pool, between 0 and 1; one for a channel, so that the layer takes any image size
        (the authors' code has one for each unit).

    References
    ----------
    The authors' public code of arXiv:2409.18946 (class ``conv``).

    Examples
    --------
    >>> layer = DivisiveNormalization2d(1, 8, 5, padding=2, pool="local", pool_size=7)
    >>> layer(torch.ones(2, 1, 28, 28)).shape
    torch.Size([2, 8, 28, 28])
    """

    parametrizations: Any
    #: Axes of one sample.
    feature_axes = 3

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] | str = 0,
        *,
        pool: str = "uniform",
        pool_size: int | None = None,
        device: Any = None,
        dtype: torch.dtype | None = None,
    ):
        super().__init__()
        self.pool = known_name("pool", pool, POOLS)
        if (pool == "local") != (pool_size is not None):
            raise ValueError("give pool_size with pool='local', and only then")
        self.in_channels = positive_int("in_channels", in_channels)
        self.out_channels = positive_int("out_channels", out_channels)
        self.kernel_size = _pair("kernel_size", kernel_size, positive_int)
        self.stride = _pair("stride", stride, positive_int)
        self.padding = _check_padding(padding, self.stride)
        side = 1 if pool_size is None else positive_int("pool_size", pool_size)
        if side % 2 == 0:
            raise ValueError(f"pool_size must be odd, so that a kernel has a middle, got {pool_size}")
        kernels = (out_channels, in_channels, *self.kernel_size)
        options = factory(device, dtype, 2 * prod(kernels) + out_channels * side**2)
        self.K_z = nn.Parameter(torch.empty(kernels, **options))
        self.K_b = nn.Parameter(torch.empty(kernels, **options))
        self.W = nn.Parameter(torch.ones(out_channels, side, side, **options))
        self.b0 = nn.Parameter(torch.full((out_channels, 1, 1), 0.5, **options))
        constrain(self, "W", "positive")
        constrain(self, "b0", "bounded")
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self):
        """Draw the kernels anew, uniform in +-1/sqrt(inputs of a unit), and reset the pool and ``b0`` to their start."""
        bound = (self.in_channels * self.kernel_size[0] * self.kernel_size[1]) ** -0.5
        for kernel in (self.K_z, self.K_b):
            nn.init.uniform_(kernel, -bound, bound)
        logarithm = self.parametrizations.W.original
        side = logarithm.shape[-1]
        distance = torch.arange(side, dtype=logarithm.dtype, device=logarithm.device) - side // 2
        logarithm.copy_(-(distance.square()[:, None] + distance.square()) / (2 * (side / 4) ** 2))
        self.parametrizations.b0.original.zero_()

    @in_own_precision
    def drive(self, input):
        """What the circuit receives for an input (batch, in_channels, height, width): b z."""
        check_tensor(input)
        axes = input.dim() in (3, 4)
        expected = f"(batch, in_channels={self.in_channels}, height, width), the batch being optional"
        check_steady_input(input, self, axes and input.shape[-3] == self.in_channels, expected)
        self._check_size(*input.shape[-2:])
        gain = torch.sigmoid(conv2d(input, self.K_b, stride=self.stride, padding=self.padding))
        drive = gain * conv2d(input, self.K_z, stride=self.stride, padding=self.padding)
        check_range(drive)
        return drive

    def _check_size(self, height, width):
        """Raise `ValueError` for images, with what is padded, smaller than a kernel; one of no pixels is no image."""
        padding = {"same": self.kernel_size, "valid": (0, 0)}.get(self.padding, self.padding)
        least = [max(1, side - 2 * beyond) for side, beyond in zip(self.kernel_size, padding, strict=True)]
        if height < least[0] or width < least[1]:
            raise ValueError(
                f"images are {height} x {width}, but must be at least {least[0]} x {least[1]} for "
                f"kernel_size={self.kernel_size} and padding={self.padding!r}"
            )

    def pooled(self, rates):
        """The pool of non-negative values (..., out_channels, height, width), of the same shape."""
        W = value_of(self, "W")
        if self.pool == "uniform":
            return (W * rates.sum((-2, -1), keepdim=True)).expand_as(rates)
        return conv2d(rates, W.unsqueeze(1), padding="same", groups=self.out_channels)

    @in_own_precision
    def forward(self, input):
        """Firing rates at the steady state.

        Parameters
        ----------
        input : Tensor, shape (batch, in_channels, height, width) or (in_channels, height, width)

        Returns
        -------
        Tensor, shape (batch, out_channels, out_height, out_width) or without batch

        Raises
        ------
        ValueError
            For a wrong shape or dtype.
        """
        return torch.relu(self._solve(self.drive(input))["y"]).square()

    def _solve(self, drive):
        """The states for what `drive` gives."""
        states = closed_form(TWO_TYPE_RECTIFIED, self._values(drive), {"W": self.pooled})
        check_range(states["a"])
        return states

    def _values(self, drive):
        """Input and parameters of the circuit."""
        return {"z": drive, "b": 1.0, "b0": value_of(self, "b0"), "sigma": 1.0}

    @in_own_precision
    def steady_state(self, input):
        """The steady state itself, with its residual; see `SteadyState`, here of shape (..., channels, height, width)."""
        drive = self.drive(input)
        y, a = self._solve(drive).values()
        with torch.no_grad():
            system = System(TWO_TYPE_RECTIFIED, self._values(drive), {"W_r": lambda rates: rates, "W": self.pooled})
            error = system.error([y, a]).amax((-2, -1))
        return SteadyState(y, a, error, torch.zeros_like(error, dtype=torch.long))

    def steady_circuit(self, input: Tensor | ArrayLike) -> tuple[Circuit, np.ndarray]:
        """The circuit of the layer for images of this size, and its input (see `DivisiveNormalization.steady_circuit`).

        Parameters
        ----------
        input : Tensor or array_like, shape (batch, in_channels, height, width) or without batch

        Returns
        -------
        circuit : Circuit
            Of model "two_type_rectified", in float64, with the units of all channels in the order (channel, height,
            width) and a pool that is stored by its structure. The output of the layer is relu(y)^2.
        z : ndarray, shape (samples, units)
            Its input, b z.
        """
        double = in_double(self)
        drive = array(double.drive(as_double(input)))
        _, height, width = drive.shape[-3:]
        b0 = np.repeat(array(double.b0).ravel(), height * width)
        weights = {"W": double._pool_operator(height, width)}
        circuit = Circuit("two_type_rectified", weights, size=len(b0), b=1.0, b0=b0, sigma=1.0)
        return circuit, drive.reshape(-1, len(b0))

    def _pool_operator(self, height, width):
        kernels = array(self.W)
        if self.pool == "uniform":  # all units of a channel, with one weight
            members = np.kron(np.eye(self.out_channels), np.ones((height * width, 1)))
            return LowRank(members * kernels.ravel(), members)
        return Sparse(sparse.block_diag([_shifts(kernel, height, width) for kernel in kernels]))

    def extra_repr(self):
        pool = f", pool_size={self.W.shape[-1]}" if self.pool == "local" else ""
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"padding={self.padding!r}, pool={self.pool!r}{pool}"
        )


def _shifts(kernel, height, width):
    """The pool of a channel, one diagonal for each pair of displacements."""
    middle = len(kernel) // 2
    return sum(
        w * sparse.kron(sparse.eye_array(height, k=i - middle), sparse.eye_array(width, k=j - middle))
        for (i, j), w in np.ndenumerate(kernel)
        if abs(i - middle) < height and abs(j - middle) < width  # others reach beyond the image
    )


def _pair(name, value, check):
    """``value``, one number or two, as a tuple of two, each checked by ``check(name, side)``."""
    pair = isinstance(value, (tuple, list)) and len(value) == 2
    return tuple(check(name, side) for side in (value if pair else (value, value)))


def _check_padding(padding, stride):
    if not isinstance(padding, str):
        return _pair("padding", padding, not_negative_int)
    if known_name("padding", padding, ("same", "valid")) == "same" and stride != (1, 1):
        raise ValueError(f"padding='same' needs stride=1, got {stride}; give padding as a number")
    return padding
