"""`Convolution`: weights on a sheet of units that depend on displacement only."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy.fft import irfft2, next_fast_len, rfft2
from scipy.ndimage import correlate1d
from scipy.signal import fftconvolve

from organics_neuro.core.errors import shown
from organics_neuro.core.operators.base import Cost, Operator, check_dense, readonly
from organics_neuro.core.units import magnitude, whole_numbers

#: Above this number of taps a kernel that is not separable is applied by FFT rather than tap by tap.
_DIRECT_TAPS = 121
#: From this number of pairs of channels on all of them are applied at once, by FFT; of kernels that take two passes.
_PAIRS, _PAIRS_OF_PASSES = 4, 25
#: Numbers in the transforms of all pairs at most (256 MiB).
_ROOM = 2**25


class Convolution(Operator):
    """Weights on a sheet of units with channels: unit (c, y, x) has the index ``(c*height + y)*width + x``.

    Target unit (o, y, x) receives ``sum_c,k,l kernel[o, c, k, l] * source[c, y + k - kh//2, x + l - kw//2]``, as in
    `torch.nn.functional.conv2d` with ``padding="same"``.

    Parameters
    ----------
    kernel : array_like, shape (out_channels, in_channels, kh, kw) or (kh, kw)
        kh and kw are odd. If all its planes are products of a column and a row, two one-dimensional passes are made;
        a kernel that was rounded to single precision is no such product.
    sheet : (int, int)
        Height and width.
    boundary : {"wrap", "zero"}
        Whether the sheet is a torus, or there is nothing beyond its borders.
    """

    kind = "convolution"

    def __init__(self, kernel: ArrayLike, sheet: tuple[int, int], boundary: str = "wrap"):
        kernel = magnitude("the kernel of a convolution", kernel, "1")
        kernel = kernel[None, None] if kernel.ndim == 2 else kernel
        if kernel.ndim != 4 or 0 in kernel.shape or not kernel.shape[2] % 2 or not kernel.shape[3] % 2:
            raise ValueError(
                "the kernel of a convolution must have shape (out_channels, in_channels, kh, kw) with odd kh and kw, "
                f"got shape {kernel.shape}"
            )
        size = whole_numbers(sheet)
        if size is None or size.shape != (2,) or size.min() < 1:
            raise ValueError(f"sheet must be (height, width) in units, got {shown(sheet)}")
        if not isinstance(boundary, str) or boundary not in ("wrap", "zero"):
            raise ValueError(f"boundary must be 'wrap' or 'zero', got {shown(boundary)}")
        self.kernel, self.sheet, self.boundary = readonly(kernel), (int(size[0]), int(size[1])), boundary
        units = self.sheet[0] * self.sheet[1]
        self.shape = (kernel.shape[0] * units, kernel.shape[1] * units)
        #: The kernels of the passes, one or two, each (out_channels, in_channels, kh, kw).
        self.passes = _passes(self.kernel)

    def apply(self, x):
        pairs = self.kernel.shape[0] * self.kernel.shape[1]
        few = pairs < (_PAIRS if len(self.passes) == 1 else _PAIRS_OF_PASSES)
        if few or self.kernel.shape[2:] == (1, 1) or pairs * self.sheet[0] * self.sheet[1] > _ROOM:
            return convolve(x, self.sheet, self.passes, self.boundary)
        return self._by_fourier(np.asarray(x, dtype=float))

    def to_dense(self):
        """The (m, n) matrix as an array: the numbers of the kernel, and zeros."""
        check_dense(self.shape)
        taps, centre = self.taps()
        beyond = np.pad(taps, ((0, 0), (0, 0), (0, 1), (0, 1)))  # a last row and column of zeros
        places = []
        for size, count, zero in zip(self.sheet, taps.shape[2:], centre, strict=True):
            k = np.arange(size) - np.arange(size)[:, None] + zero  # of targets by sources
            places.append(k % size if self.boundary == "wrap" else np.where((k >= 0) & (k < count), k, count))
        matrix = beyond[
            :, :, places[0][:, :, None, None], places[1]
        ]  # (out, in, y, y of the source, x, x of the source)
        return matrix.transpose(0, 2, 4, 1, 3, 5).reshape(self.shape)

    @cached_property
    def _fourier(self) -> tuple[tuple[int, int], np.ndarray]:
        """The shape of the transform, and the kernels in it, (frequencies, out_channels, in_channels)."""
        taps, (y, x) = self.taps()
        size = self.sheet
        if self.boundary == "zero":  # room beyond the borders, so that nothing comes around
            height, width = (n + k // 2 for n, k in zip(self.sheet, taps.shape[2:], strict=True))
            size = (next_fast_len(height, real=True), next_fast_len(width, real=True))
        placed = np.zeros((*taps.shape[:2], *size))
        rows, columns = (np.arange(n) - c for n, c in zip(taps.shape[2:], (y, x), strict=True))
        placed[:, :, rows[:, None] % size[0], columns % size[1]] = taps
        spectrum = np.conj(rfft2(placed))  # conjugate: weights are by where the source lies
        return size, np.ascontiguousarray(spectrum.reshape(*taps.shape[:2], -1).transpose(2, 0, 1))

    def _by_fourier(self, x):
        """All channels at once: a product of matrices at each frequency."""
        size, kernels = self._fourier
        planes = x.reshape(-1, self.kernel.shape[1], *self.sheet)
        spectra = rfft2(planes, size)
        products = np.matmul(kernels, spectra.reshape(*planes.shape[:2], -1).transpose(2, 1, 0))
        shape = (len(planes), self.kernel.shape[0], *spectra.shape[2:])
        result = irfft2(products.transpose(2, 1, 0).reshape(shape), size)
        return result[..., : self.sheet[0], : self.sheet[1]].reshape(*x.shape[:-1], -1)

    @property
    def T(self):
        return Convolution(self.kernel.transpose(1, 0, 2, 3)[..., ::-1, ::-1], self.sheet, self.boundary)

    def taps(self) -> tuple[np.ndarray, tuple[int, int]]:
        """The weights by displacement that occur on the sheet, and where the displacement is 0.

        Returns
        -------
        taps : ndarray, shape (out_channels, in_channels, rows, columns)
            On a torus taps that meet are added up, and the shape is that of the sheet.
        centre : (int, int)
        """
        (h, w), (kh, kw) = self.sheet, self.kernel.shape[2:]
        y, x = np.arange(kh) - kh // 2, np.arange(kw) - kw // 2
        if self.boundary == "zero":
            inside = self.kernel[:, :, abs(y) < h][..., abs(x) < w]
            return inside, (inside.shape[2] // 2, inside.shape[3] // 2)
        taps = np.zeros((*self.kernel.shape[:2], h, w))
        np.add.at(taps, (slice(None), slice(None), y[:, None] % h, x % w), self.kernel)
        return taps, (0, 0)

    @property
    def cost(self):
        taps = sum(kernel.size for kernel in self.passes)
        return Cost(taps, taps * self.sheet[0] * self.sheet[1])

    @property
    def is_identity(self):
        taps, centre = self.taps()
        alone = np.zeros(taps.shape)
        alone[:, :, *centre] = np.eye(*taps.shape[:2])
        return taps.shape[0] == taps.shape[1] and np.array_equal(taps, alone)

    @property
    def minimum(self):
        taps, _ = self.taps()
        everywhere = self.boundary == "wrap" or taps.shape[2:] == tuple(2 * size - 1 for size in self.sheet)
        return float(taps.min() if everywhere else taps.min(initial=0.0))

    def arrays(self):
        return {
            "kernel": self.kernel,
            "sheet": np.array(self.sheet),
            "wrap": np.array(int(self.boundary == "wrap")),
        }

    @classmethod
    def from_arrays(cls, arrays):
        return cls(arrays["kernel"], arrays["sheet"], "wrap" if arrays["wrap"] else "zero")

    def scaled(self, factor):
        return Convolution(factor * self.kernel, self.sheet, self.boundary)

    def __repr__(self):
        return f"Convolution(kernel={self.kernel.shape}, sheet={self.sheet}, boundary={self.boundary!r})"


def _passes(kernel):
    """``(kernel,)``, or ``(rows, columns)`` whose products are the planes of the kernel, if that is less work."""
    _, _, kh, kw = kernel.shape
    if kh * kw <= kh + kw:
        return (kernel,)
    planes = kernel.reshape(-1, kh, kw)
    y, x = np.unravel_index(np.abs(planes).reshape(len(planes), -1).argmax(axis=1), (kh, kw))
    k = np.arange(len(planes))
    peak = planes[k, y, x]
    columns, rows = planes[k, :, x], planes[k, y] / np.where(peak == 0, 1, peak)[:, None]
    rest = planes - columns[:, :, None] * rows[:, None, :]
    if np.any(np.abs(rest) > 1e-14 * np.abs(peak)[:, None, None]):
        return (kernel,)
    shape = kernel.shape[:2]
    return readonly(rows.reshape(*shape, 1, kw)), readonly(columns.reshape(*shape, kh, 1))


def convolve(x: np.ndarray, sheet: tuple[int, int], passes: Sequence[np.ndarray], boundary: str) -> np.ndarray:
    """A convolution (see `Convolution`) of ``x`` (..., in_channels * height * width), pass after pass."""
    outputs, inputs = passes[0].shape[:2]
    x = np.asarray(x)
    planes = x.reshape(-1, inputs, *sheet)
    result = np.zeros((len(planes), outputs, *sheet))
    for o in range(outputs):
        for c in range(inputs):
            plane = planes[:, c]
            for kernel in passes:
                plane = _correlate(plane, kernel[o, c], boundary)
            result[:, o] += plane
    return result.reshape(*x.shape[:-1], -1)


def _correlate(planes, kernel, boundary):
    """Planes (trials, height, width) correlated with a kernel (kh, kw)."""
    (kh, kw), (h, w) = kernel.shape, planes.shape[1:]
    if min(kh, kw) == 1:  # one of two passes
        mode = "wrap" if boundary == "wrap" else "constant"
        return correlate1d(planes, kernel.ravel(), axis=1 if kw == 1 else 2, output=float, mode=mode)
    border = ((0, 0), (kh // 2, kh // 2), (kw // 2, kw // 2))
    padded = np.pad(planes, border, mode="wrap" if boundary == "wrap" else "constant")
    if kh * kw > _DIRECT_TAPS:
        return fftconvolve(padded, kernel[None, ::-1, ::-1], mode="valid", axes=(1, 2))
    result = np.zeros(planes.shape)
    for k in range(kh):
        for col in range(kw):
            result += kernel[k, col] * padded[:, k : k + h, col : col + w]
    return result
