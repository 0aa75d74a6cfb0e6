"""Tasks of memory: the answers are in the sequences, chance is what it says, and seeds repeat them."""

import numpy as np
import pytest

from organics_neuro import datasets

MAKE = {
    "adding": lambda **given: datasets.adding(300, 30, **given),
    "copying": lambda **given: datasets.copying(300, delay=20, **given),
    "delayed_match": lambda **given: datasets.delayed_match(300, distractors=2, **given),
}


@pytest.mark.parametrize("name", MAKE)
def test_a_seed_repeats_them(name):
    first, same, other = (MAKE[name](seed=seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, same, strict=True))
    assert not np.array_equal(first.x, other.x)
    assert first.x.dtype == np.float32
    assert len(first.x) == len(first.y) == 300


def test_adding():
    x, y = datasets.adding(5000, 100)
    assert x.shape == (5000, 100, 2)
    marks = x[..., 1]
    assert (marks[:, :50].sum(axis=1) == 1).all()
    assert (marks[:, 50:].sum(axis=1) == 1).all()
    np.testing.assert_allclose(y, (x[..., 0] * marks).sum(axis=1), rtol=1e-6)
    assert np.mean((y - 1) ** 2) == pytest.approx(1 / 6, rel=0.05)


@pytest.mark.parametrize(("delay", "symbols", "length"), [(100, 8, 10), (1, 2, 1)])
def test_copying(delay, symbols, length):
    x, y = datasets.copying(50, delay, symbols, length)
    steps = delay + 2 * length
    assert x.shape == (50, steps, symbols + 2)
    assert (x.sum(axis=2) == 1).all()
    read = x.argmax(axis=2)
    np.testing.assert_array_equal(read[:, :length], y[:, -length:])
    assert (y[:, :-length] == symbols).all()
    assert (read[:, steps - length - 1] == symbols + 1).all()
    assert (read == symbols + 1).sum() == 50


def test_delayed_match_without_noise():
    """Of one delay: the sample comes first, the test last, and nothing is between them."""
    x, y = datasets.delayed_match(400, delay=7, shown_for=3, noise=0.0)
    assert x.shape == (400, 13, 8)
    assert not x[:, 3:10].any()
    first, last = x[:, :3], x[:, -3:]
    assert (first.sum(axis=2) == 1).all()
    np.testing.assert_array_equal(first[:, 0].argmax(axis=1) == last[:, 0].argmax(axis=1), y)
    assert y.mean() == pytest.approx(0.5, abs=0.1)


def test_delays_are_drawn_from_all():
    x, _ = datasets.delayed_match(2000, delay=(15, 45), noise=0.0)
    begins = (x.sum(axis=2) > 0).argmax(axis=1)
    delays = 55 - begins - 10
    assert set(delays) == set(range(15, 46))


def test_distractors_are_within_the_delay():
    x, _ = datasets.delayed_match(300, delay=(12, 20), shown_for=3, noise=0.0, distractors=3)
    total = x.sum(axis=(1, 2))
    np.testing.assert_allclose(total, 2 * 3 + 3 * 3 * 0.5)
    assert (x[:, -3:].sum(axis=2) == 1).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: datasets.adding(3, 1), "steps must be 2 or more"),
        (lambda: datasets.copying(3, symbols=0), "symbols must be a positive integer, got 0"),
        (lambda: datasets.delayed_match(3, delay=(9, 4)), "delay must go from the shorter to the longer"),
        (lambda: datasets.delayed_match(3, delay=4, distractors=1), "have 5 steps for the distractors, got 4"),
        (lambda: datasets.delayed_match(3, delay=(1, 2, 3)), "a number of steps, or the first and the last one"),
        (lambda: datasets.delayed_match(3, directions=1), "directions must be 2 or more, got 1"),
        (lambda: datasets.adding(3, seed=-1), "seed must be an integer, 0 or larger"),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()
