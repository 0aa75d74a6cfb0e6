"""What comes with the package, digits and trained networks, and sequences that are generated. They need neither torch nor Brian2."""

import gzip
import zlib
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from organics_neuro.core.boundary import known_name
from organics_neuro.core.errors import FileFormatError
from organics_neuro.core.files import as_path, existing
from organics_neuro.sequences import Sequences, adding, copying, delayed_match

__all__ = [
    "TASKS",
    "Digits",
    "Sequences",
    "Task",
    "adding",
    "copying",
    "delayed_match",
    "load",
    "mnist",
    "network_file",
    "network_names",
]


def __dir__() -> list[str]:
    return __all__  # completion shows nothing else


_HERE = Path(__file__).parent
#: The folder of all that comes with the package: beside it in a checkout, in it where it is installed.
DATA = _HERE / "data" if (_HERE / "data").is_dir() else _HERE.parent / "data"
#: The folder of the example scripts.
EXAMPLES = DATA.parent / "examples"


class Digits(NamedTuple):
    """Images (samples, 28, 28), float32 in [0, 1], and labels (samples,), int64."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def mnist(root: str | PathLike[str] | None = None) -> Digits:
    """The MNIST handwritten digits: 60,000 for training and 10,000 for tests.

    Parameters
    ----------
    root : path, optional
        Folder of the four gzip-compressed IDX files. Default: those that come with the package.

    Returns
    -------
    Digits
        ``x_train, y_train, x_test, y_test``: images (samples, 28, 28) as float32 in [0, 1], so that an image is a
        sequence of 28 rows of 28 pixels, and labels as int64.

    Raises
    ------
    FileNotFoundError
    FileFormatError
        If a file is corrupt or is not what its name says.
    """
    root = DATA / "mnist" if root is None else as_path(root)
    parts = []
    for name in ("train", "t10k"):
        images = _read_idx(root / f"{name}-images-idx3-ubyte.gz", axes=3)
        labels = _read_idx(root / f"{name}-labels-idx1-ubyte.gz", axes=1)
        if images.shape != (len(labels), 28, 28) or labels.max() > 9:
            raise FileFormatError(
                f"{root} does not hold MNIST: {name} has images of shape {images.shape} and {len(labels)} labels up to {labels.max()}"
            )
        parts += [images / np.float32(255), labels.astype(np.int64)]
    return Digits(*parts)


def _pooled(images: np.ndarray) -> np.ndarray:
    """Means of 2 by 2 pixels as sequences (samples, 196, 1)."""
    return images.reshape(-1, 14, 2, 14, 2).mean((2, 4)).reshape(-1, 196, 1)


def _permuted(images: np.ndarray) -> np.ndarray:
    return images.reshape(-1, 784)[:, _permutation(784, seed=73)][..., None]


def _permutation(n: int, seed: int) -> np.ndarray:
    """``torch.randperm(n)`` of a generator with this seed, on the CPU; both draw from the same Mersenne twister."""
    draws = np.random.RandomState(seed).randint(2**32, size=n - 1, dtype=np.uint32)  # noqa: NPY002  its seeding
    order = np.arange(n)
    for i, draw in enumerate(draws):
        j = i + int(draw) % (n - i)
        order[[i, j]] = order[[j, i]]
    return order


class Task(NamedTuple):
    """What becomes of an image, in words and as a function from (samples, 28, 28) to arrays of the same dtype."""

    description: str
    prepare: Callable[[np.ndarray], np.ndarray]


#: How the digits can be presented.
TASKS = {
    "static": Task("the image at once, 784 pixels", lambda images: images.reshape(-1, 784)),
    "rows": Task("row by row, 28 steps of 28 pixels", lambda images: images),
    "pixels-14": Task("pixel by pixel at half the resolution, 196 steps", _pooled),
    "smnist": Task("pixel by pixel, 784 steps", lambda images: images.reshape(-1, 784, 1)),
    "psmnist": Task("pixel by pixel in one random order, 784 steps", _permuted),
}


def load(task: str, root: str | PathLike[str] | None = None) -> Digits:
    """The MNIST digits as a task presents them.

    Parameters
    ----------
    task : {"static", "rows", "pixels-14", "smnist", "psmnist"}
        See `TASKS`. The order of the pixels in "psmnist" is that of the literature's public code:
        ``torch.randperm(784)`` with the seed 73.
    root : path, optional
        As for `mnist`.

    Returns
    -------
    Digits
        With images (samples, 784) for "static", else sequences (samples, steps, pixels).

    Raises
    ------
    ValueError
        For an unknown task.
    FileNotFoundError, FileFormatError
        As for `mnist`.
    """
    known_name("task", task, TASKS)
    digits, prepare = mnist(root), TASKS[task].prepare
    return digits._replace(x_train=prepare(digits.x_train), x_test=prepare(digits.x_test))


def network_names() -> list[str]:
    """The trained networks that come with the package, by the recipes that they were trained by."""
    return sorted(path.stem for path in (DATA / "weights").glob("*.safetensors"))


def network_file(name: str) -> Path:
    """The file of a trained network that comes with the package.

    `organics_neuro.load` reads the circuit of a recurrent network from it, without torch; `organics_neuro.recipes.load`
    reads the torch module as well.

    Parameters
    ----------
    name : str
        One of `network_names`.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ValueError
        For an unknown name.

    Examples
    --------
    >>> import organics_neuro as on
    >>> on.load(on.datasets.network_file("rows")).model.name
    'gated'
    """
    known_name("trained network", name, network_names())
    return DATA / "weights" / f"{name}.safetensors"


def _read_idx(path: Path, axes: int) -> np.ndarray:
    """The array of bytes in an IDX file: two zeros, type 8 (unsigned byte), the number of axes, their lengths, the data."""
    remedy = "give mnist(root=...), or the option --mnist of the command organics, a folder with the four MNIST files"
    path = existing(path, f"; {remedy} (*-ubyte.gz)")
    try:
        data = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise FileFormatError(f"{path} is corrupt ({error}); copy it anew") from error
    header = 4 + 4 * axes
    shape = tuple(int(n) for n in np.frombuffer(data[4:header], dtype=">u4")) if len(data) >= header else ()
    if data[:4] != bytes([0, 0, 8, axes]) or len(data) != header + int(np.prod(shape)) or 0 in shape:
        raise FileFormatError(f"{path} is not an IDX file of bytes with {axes} axes; copy it anew")
    return np.frombuffer(data, dtype=np.uint8, offset=header).reshape(shape)
