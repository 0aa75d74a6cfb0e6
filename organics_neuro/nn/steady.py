"""Layers whose output is the steady state of a normalization circuit.

Where a recurrent layer integrates a circuit step by step, these give at once what it settles at for a constant
input. Like any layer of torch they take and return rates, so they stack.
"""

import torch
from torch import nn
from torch.nn.functional import conv2d
from torch.nn.utils.parametrize import register_parametrization

from organics_neuro.core.boundary import known_name, not_negative_int, positive_int
from organics_neuro.nn.arguments import check_dtype, check_tensor, in_own_precision
from organics_neuro.nn.constraints import Bounded, Positive, SpectralBound
from organics_neuro.nn.equilibrium import (
    PUBLISHED_ITERATIONS,
    TOLERANCE,
    SteadyState,
    equilibrium,
    published_iteration,
    residual,
)

RECURRENCES = ("identity", "learned")
POOLS = ("uniform", "local")


class DivisiveNormalization(nn.Module):
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

    def __init__(self, in_features, out_features, recurrence="identity", *, legacy=False, device=None, dtype=None):
        super().__init__()
        self.recurrence, self.legacy = known_name("recurrence", recurrence, RECURRENCES), bool(legacy)
        if legacy and recurrence == "identity":
            raise ValueError("legacy=True changes learned recurrence only; leave it out, or give recurrence='learned'")
        self.in_features = positive_int("in_features", in_features)
        self.out_features = positive_int("out_features", out_features)
        factory = {"device": device, "dtype": dtype}
        self.W_zx = nn.Parameter(torch.empty(out_features, in_features, **factory))
        self.W_bx = nn.Parameter(torch.empty(out_features, in_features, **factory))
        self.W = nn.Parameter(torch.ones(out_features, out_features, **factory))
        self.b0 = nn.Parameter(torch.full((out_features,), 0.5, **factory))
        self.W_r = nn.Parameter(torch.eye(out_features, **factory)) if recurrence == "learned" else None
        register_parametrization(self, "W", Positive())
        register_parametrization(self, "b0", Bounded(1.0))
        if recurrence == "learned":
            register_parametrization(self, "W_r", SpectralBound())
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
        _check_input(input, self, input.shape[-1:] == (self.in_features,), f"(..., in_features={self.in_features})")
        if self.recurrence == "learned" and input.dtype not in TOLERANCE:
            raise ValueError(f"learned recurrence needs float32 or float64, got {input.dtype}; convert with .to(dtype)")
        z = input @ self.W_zx.T
        length = z.norm(dim=-1, keepdim=True)
        _check_range(length)
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
        return torch.relu(self._solve(self.drive(input))[0]).square()

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
        found = self._solve(drive)
        if isinstance(found, SteadyState):
            return found
        W_r = torch.eye(self.out_features, dtype=drive.dtype, device=drive.device) if self.W_r is None else self.W_r
        with torch.no_grad():
            error = residual(*found, drive, self.b0.square(), W_r, self.W)
        iterations = PUBLISHED_ITERATIONS if self.legacy else 0
        return SteadyState(*found, error, torch.full_like(error, iterations, dtype=torch.long))

    def _solve(self, drive):
        """y and a for what `drive` gives, as the `SteadyState` where they are searched for."""
        offset = self.b0.square()
        if self.legacy:
            return published_iteration(drive, offset, self.W_r, self.W)
        if self.recurrence == "learned":
            return equilibrium(drive, offset, self.W_r, self.W)
        a = offset + drive.square() @ self.W.T
        return drive / a.sqrt(), a

    def extra_repr(self):
        legacy = ", legacy=True" * self.legacy
        return f"{self.in_features}, {self.out_features}, recurrence={self.recurrence!r}{legacy}"


class DivisiveNormalization2d(nn.Module):
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

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        *,
        pool="uniform",
        pool_size=None,
        device=None,
        dtype=None,
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
        factory = {"device": device, "dtype": dtype}
        kernels = (out_channels, in_channels, *self.kernel_size)
        self.K_z = nn.Parameter(torch.empty(kernels, **factory))
        self.K_b = nn.Parameter(torch.empty(kernels, **factory))
        self.W = nn.Parameter(torch.ones(out_channels, side, side, **factory))
        self.b0 = nn.Parameter(torch.full((out_channels, 1, 1), 0.5, **factory))
        register_parametrization(self, "W", Positive())
        register_parametrization(self, "b0", Bounded(1.0))
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
        _check_input(input, self, axes and input.shape[-3] == self.in_channels, expected)
        self._check_size(*input.shape[-2:])
        gain = torch.sigmoid(conv2d(input, self.K_b, stride=self.stride, padding=self.padding))
        drive = gain * conv2d(input, self.K_z, stride=self.stride, padding=self.padding)
        _check_range(drive)
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
        if self.pool == "uniform":
            return (self.W * rates.sum((-2, -1), keepdim=True)).expand_as(rates)
        return conv2d(rates, self.W.unsqueeze(1), padding="same", groups=self.out_channels)

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
        energy = torch.relu(self.drive(input)).square()
        pooled = self.pooled(energy)
        _check_range(pooled)
        return energy / (self.b0.square() + pooled)

    @in_own_precision
    def steady_state(self, input):
        """The steady state itself, with its residual; see `SteadyState`, here of shape (..., channels, height, width)."""
        drive = self.drive(input)
        a = self.b0.square() + self.pooled(torch.relu(drive).square())
        _check_range(a)
        y = torch.relu(drive) / a.sqrt() - torch.relu(-drive)
        with torch.no_grad():
            active = torch.relu(y)
            change_y = drive + (1 - a.sqrt()) * active - y
            change_a = self.b0.square() + self.pooled(a * active.square()) - a
            error = torch.maximum(change_y.abs(), change_a.abs()).amax((-3, -2, -1))
        return SteadyState(y, a, error, torch.zeros_like(error, dtype=torch.long))

    def extra_repr(self):
        pool = f", pool_size={self.W.shape[-1]}" if self.pool == "local" else ""
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"padding={self.padding!r}, pool={self.pool!r}{pool}"
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


def _check_input(input, module, fits, expected):
    if not fits:
        raise ValueError(f"input has shape {tuple(input.shape)}, but must have {expected}")
    check_dtype(input, module)
    if not _are_finite(input):
        raise ValueError("input holds NaN or infinity; remove these samples")
    for name, parameter in module.named_parameters():
        if not _are_finite(parameter):
            raise ValueError(
                f"the parameter {name} of the layer holds NaN or infinity; reset the layer or load it anew"
            )


def _check_range(values):
    """Input and parameters are finite: where ``values``, computed from them, are not, a square was too large."""
    if not _are_finite(values):
        raise ValueError(f"input, or a parameter of the layer, is too large for {values.dtype}; scale the input down")


@torch.no_grad()
def _are_finite(values):
    """Whether none is NaN or infinite; a finite sum, which costs a fraction of looking at each, says so at once."""
    return bool(values.sum().isfinite()) or bool(values.isfinite().all())
