"""Tasks that ask for memory over many steps, as seeded generators: adding, copying, delayed match-to-sample.

No files: the same arguments give the same sequences on every machine.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from organics_neuro.core.boundary import check_seed, not_negative_int, number, positive_int, shown
from organics_neuro.core.memory import check_memory

__all__ = ["Sequences", "adding", "copying", "delayed_match"]


def __dir__() -> list[str]:
    return __all__  # completion shows nothing else


class Sequences(NamedTuple):
    """Sequences (samples, steps, channels), float32, and what is to be answered.

    The answers are (samples,), float32 or int64, after the last step; of `copying` they are (samples, steps), one at each.
    """

    x: np.ndarray
    y: np.ndarray


def adding(samples: int, steps: int = 100, seed: int = 0) -> Sequences:
    """Add the two numbers of a sequence that are marked (Hochreiter & Schmidhuber 1997).

    Parameters
    ----------
    samples : int
    steps : int
        At least 2. One number of the first half and one of the second are marked.
    seed : int

    Returns
    -------
    Sequences
        Channels: numbers between 0 and 1, and marks. To answer 1 always has the mean squared error 1/6.

    Examples
    --------
    >>> x, y = adding(1, steps=10, seed=3)
    >>> bool(np.isclose((x[0, :, 0] * x[0, :, 1]).sum(), y[0]))
    True
    """
    samples, steps = positive_int("samples", samples), positive_int("steps", steps)
    if steps < 2:
        raise ValueError(f"steps must be 2 or more, one for each number, got {steps}")
    random, x = _begin(samples, steps, 2, seed)
    x[..., 0] = random.uniform(size=(samples, steps))
    half, every = steps // 2, np.arange(samples)
    x[every, random.integers(half, size=samples), 1] = 1
    x[every, random.integers(half, steps, size=samples), 1] = 1
    return Sequences(x, (x[..., 0] * x[..., 1]).sum(axis=1))


def copying(samples: int, delay: int = 100, symbols: int = 8, length: int = 10, seed: int = 0) -> Sequences:
    """Say again what was shown, in its order, after a delay (Hochreiter & Schmidhuber 1997; Arjovsky et al. 2016).

    Parameters
    ----------
    samples : int
    delay : int
        Steps without a symbol, of which the last asks for the answer.
    symbols : int
    length : int
        Of what is to be copied.
    seed : int

    Returns
    -------
    Sequences
        Of ``delay + 2 length`` steps. Channels: one for each symbol, one for none, one for the question. The answers are
        symbols from 0 on, and ``symbols`` where there is none. Without memory the cross entropy is
        ``length ln(symbols)/(delay + 2 length)``.

    Examples
    --------
    >>> x, y = copying(1, delay=4, length=2)
    >>> bool((x[0, :2].argmax(axis=1) == y[0, -2:]).all()), y[0, :6].tolist()
    (True, [8, 8, 8, 8, 8, 8])
    """
    samples, delay, length = (
        positive_int(n, v) for n, v in (("samples", samples), ("delay", delay), ("length", length))
    )
    symbols = positive_int("symbols", symbols)
    steps = delay + 2 * length
    random, x = _begin(samples, steps, symbols + 2, seed)
    read = np.full((samples, steps), symbols)
    read[:, :length] = random.integers(symbols, size=(samples, length))
    read[:, length + delay - 1] = symbols + 1
    answers = np.full((samples, steps), symbols, dtype=np.int64)
    answers[:, -length:] = read[:, :length]
    np.put_along_axis(x, read[..., None], 1, axis=2)
    return Sequences(x, answers)


def delayed_match(
    samples: int,
    delay: int | tuple[int, int] = (15, 45),
    directions: int = 8,
    shown_for: int = 5,
    noise: float = 0.1,
    distractors: int = 0,
    seed: int = 0,
) -> Sequences:
    """Say whether a test is of the direction that a sample had, with noise and distractors in between.

    Parameters
    ----------
    samples : int
    delay : int or (int, int)
        Steps from the end of the sample to the test; two numbers: drawn from the first to the last for each sequence.
    directions : int
        At least 2.
    shown_for : int
        Steps for which a sample, a test and a distractor are shown.
    noise : float
        Standard deviation, in all steps and channels; the stimuli have the strength 1.
    distractors : int
        Directions that are shown with the strength 0.5 during the delay, which must have room for them.
    seed : int

    Returns
    -------
    Sequences
        All as long as the longest, with what is shown at the end: shorter ones begin with noise. Channels: one for each
        direction. The answers are 1 where the test matches, which is half of the time, and 0 else.
    """
    samples, directions = positive_int("samples", samples), positive_int("directions", directions)
    shown_for, distractors = positive_int("shown_for", shown_for), not_negative_int("distractors", distractors)
    noise = number("noise", noise, "a number, 0 or larger", lambda v: v >= 0)
    if directions < 2:
        raise ValueError(f"directions must be 2 or more, got {directions}")
    first, last = _delays(delay, distractors * shown_for)
    steps = last + 2 * shown_for
    random, x = _begin(samples, steps, directions, seed)
    x[...] = noise * random.normal(size=x.shape)
    answers = random.integers(2, size=samples)
    for k in range(samples):
        wait, wanted = random.integers(first, last + 1), random.integers(directions)
        other = (wanted + random.integers(1, directions)) % directions
        tested, begin = wanted if answers[k] else other, last - wait
        x[k, begin : begin + shown_for, wanted] += 1
        x[k, -shown_for:, tested] += 1
        gaps = np.sort(random.integers(wait - distractors * shown_for + 1, size=distractors))
        for number_before, gap in enumerate(gaps):
            at = begin + shown_for + gap + number_before * shown_for
            x[k, at : at + shown_for, random.integers(directions)] += 0.5
    return Sequences(x, answers)


def _delays(delay, room):
    pair = delay if isinstance(delay, tuple) else (delay, delay)
    if len(pair) != 2:
        raise ValueError(f"delay must be a number of steps, or the first and the last one, got {shown(delay)}")
    first, last = (positive_int("delay", d) for d in pair)
    if first > last or first < room:
        raise ValueError(
            f"delay must go from the shorter to the longer, and have {room} steps for the distractors, got {shown(delay)}"
        )
    return first, last


def _begin(samples, steps, channels, seed):
    """The random numbers, and sequences of zeros."""
    check_memory(f"{samples} sequences of {steps} steps", 3 * 8.0 * samples * steps * channels, "make fewer at a time")
    return np.random.default_rng(check_seed(seed)), np.zeros((samples, steps, channels), dtype=np.float32)
