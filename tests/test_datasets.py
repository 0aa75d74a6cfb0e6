"""The digits are read as they are, and files that are missing or corrupt say so."""

import gzip
import shutil
import struct

import numpy as np
import pytest

from organics_neuro import datasets
from organics_neuro.core.errors import FileFormatError


@pytest.fixture
def copy(tmp_path):
    """A small folder in the format of MNIST: four images and labels in both parts."""
    for name in ("train", "t10k"):
        pixels = np.full((4, 28, 28), 51, dtype=np.uint8)
        write(tmp_path / f"{name}-images-idx3-ubyte.gz", struct.pack(">4B3I", 0, 0, 8, 3, 4, 28, 28) + pixels.tobytes())
        write(tmp_path / f"{name}-labels-idx1-ubyte.gz", struct.pack(">4BI", 0, 0, 8, 1, 4) + bytes([3, 1, 4, 1]))
    return tmp_path


def write(path, data):
    path.write_bytes(gzip.compress(data))


def test_mnist():
    digits = datasets.mnist()
    assert digits.x_train.shape == (60000, 28, 28)
    assert digits.x_test.shape == (10000, 28, 28)
    assert digits.x_train.dtype == digits.x_test.dtype == np.float32
    assert digits.y_train.dtype == digits.y_test.dtype == np.int64
    assert digits.x_train.min() == 0
    assert digits.x_train.max() == 1
    assert digits.y_train[:5].tolist() == [5, 0, 4, 1, 9]
    assert np.bincount(digits.y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_another_folder(copy):
    x, y, _, _ = datasets.mnist(copy)
    assert x.shape == (4, 28, 28)
    np.testing.assert_allclose(x, 0.2)
    assert y.tolist() == [3, 1, 4, 1]


def test_missing_file(copy):
    (copy / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(
        FileNotFoundError, match=r"no file .*t10k-labels-idx1-ubyte.gz; give mnist\(root=...\), or the option --mnist"
    ):
        datasets.mnist(str(copy))


SHAPES = {"static": (784,), "rows": (28, 28), "pixels-14": (196, 1), "smnist": (784, 1), "psmnist": (784, 1)}


@pytest.mark.parametrize("task", datasets.TASKS)
def test_tasks(copy, task):
    """Every task shows all of an image: its mean is kept."""
    pixels = np.random.default_rng(0).integers(0, 256, (4, 28, 28), dtype=np.uint8)
    write(copy / IMAGES, struct.pack(">4B3I", 0, 0, 8, 3, 4, 28, 28) + pixels.tobytes())
    digits = datasets.load(task, copy)
    assert digits.x_train.shape == (4, *SHAPES[task])
    assert digits.x_test.shape == (4, *SHAPES[task])
    assert digits.x_train.dtype == np.float32
    np.testing.assert_allclose(digits.x_train.reshape(4, -1).mean(1), pixels.mean((1, 2)) / 255, rtol=1e-5)


def test_pooled_pixels_are_means_of_neighbours():
    image = np.zeros((1, 28, 28), dtype=np.float32)
    image[0, 2:4, 6:8] = [[1, 2], [3, 6]]
    (index,) = np.flatnonzero(datasets.TASKS["pixels-14"].prepare(image))
    assert index == 14 * 1 + 3
    assert datasets.TASKS["pixels-14"].prepare(image)[0, index, 0] == 3


@pytest.mark.parametrize("seed", [0, 1, 73])
def test_permutation_is_that_of_torch(seed):
    torch = pytest.importorskip("torch")
    expected = torch.randperm(784, generator=torch.Generator().manual_seed(seed))
    assert datasets._permutation(784, seed).tolist() == expected.tolist()


def test_unknown_task():
    with pytest.raises(ValueError, match="unknown task 'digits'; known: 'static', 'rows'"):
        datasets.load("digits")


IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / IMAGES).write_bytes(b"not gzip"), f"{IMAGES} is corrupt"),
        (lambda f: (f / IMAGES).write_bytes((f / IMAGES).read_bytes()[:-9]), f"{IMAGES} is corrupt"),
        (lambda f: write(f / IMAGES, gzip.decompress((f / IMAGES).read_bytes())[:-1]), f"{IMAGES} is not an IDX file"),
        (lambda f: write(f / IMAGES, b"\0\0"), f"{IMAGES} is not an IDX file of bytes with 3 axes"),
        (lambda f: shutil.copy(f / IMAGES, f / LABELS), f"{LABELS} is not an IDX file of bytes with 1 axes"),
        (lambda f: write(f / LABELS, struct.pack(">4BI", 0, 0, 8, 1, 3) + bytes(3)), "4, 28, 28.* and 3 labels"),
        (lambda f: write(f / LABELS, struct.pack(">4BI", 0, 0, 8, 1, 4) + bytes([1, 2, 3, 77])), "labels up to 77"),
    ],
)
def test_damaged_file(copy, damage, message):
    damage(copy)
    with pytest.raises(FileFormatError, match=message):
        datasets.mnist(copy)
