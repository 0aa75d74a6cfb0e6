"""What these tests share with others, and small recipes."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from tests.brian.conftest import clean_brian  # noqa: F401
from tests.nn.conftest import _one_thread  # noqa: F401


@pytest.fixture
def small_recipes(monkeypatch, tmp_path):
    """Two small recipes, and 240 digits of three shapes, which are easy to tell apart."""
    torch = pytest.importorskip("torch")
    from organics_neuro import datasets, recipes
    from organics_neuro.nn import ORGaNICs
    from organics_neuro.recipes import settings
    from tests.recipes.small import tiny

    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 240)
    images = (rng.random((240, 28, 28)) * 0.1).astype(np.float32)
    for image, label in zip(images, labels, strict=True):
        image[8 * label + 2 : 8 * label + 10] += 0.9
    digits = datasets.Digits(images[:200], labels[:200], images[200:], labels[200:])
    monkeypatch.setattr(datasets, "mnist", lambda root=None: digits)
    demo = replace(recipes.RECIPES["demo"], build=partial(tiny, ORGaNICs), epochs=2, batch_size=25)
    lstm = replace(recipes.RECIPES["rows-lstm"], build=partial(tiny, torch.nn.LSTM), epochs=2, batch_size=25)
    monkeypatch.setitem(settings.RECIPES, "demo", demo)
    monkeypatch.setitem(settings.RECIPES, "rows-lstm", lstm)
    monkeypatch.chdir(tmp_path)
