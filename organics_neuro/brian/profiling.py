"""`profile`: where the time of a step goes, how much of the machine it uses, and what to change."""

import html
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import brian2 as b2
import numpy as np

from organics_neuro.brian.advice import advise
from organics_neuro.brian.kernels.private import current_device
from organics_neuro.brian.kernels.timings import Timing, objects_of, timings
from organics_neuro.brian.projection import Projection
from organics_neuro.core.boundary import shown
from organics_neuro.core.html import table_html
from organics_neuro.core.machine import multiplying_rate, reading_rate
from organics_neuro.core.operators import Operator

#: Weights beyond this size lie in memory, whatever the machine: the rate of reading them does not change any more.
_FAR = 1 << 27
_COLUMNS = "what", "kind", "share", "µs", "read", "multiplied", "of the limit"


@dataclass(frozen=True)
class Work:
    """What one coupling does in a step, and what that takes at the limits of one core.

    Parameters
    ----------
    operator : Operator
    trials : int
    dtype : dtype
        Of the weights.
    bytes, multiplications : float
        In a step: of weights that are read, once for all trials; with an addition each.
    reading, multiplying : float
        Seconds that these take alone.
    """

    operator: Operator
    trials: int
    dtype: np.dtype
    bytes: float
    multiplications: float
    reading: float
    multiplying: float

    @property
    def limit(self) -> str:
        """What takes longer: "reading" or "multiplying"."""
        return "reading" if self.reading >= self.multiplying else "multiplying"

    @property
    def seconds(self) -> float:
        """What it takes at least."""
        return max(self.reading, self.multiplying)


@dataclass(frozen=True)
class Row:
    """One part of a step.

    Parameters
    ----------
    name : str
        Of the object: a projection, a monitor, ...
    kind : str
        "coupling", "synapses", "state update", "step" (couplings and update in one), "monitor", "spikes", "Python" or "other".
    seconds : float
        In a step; of the whole run where the number of steps is not known.
    share : float
        Of all rows.
    works : tuple of Work
        Of the couplings in it.
    is_summed : bool
        Whether it is a summed variable of synapses.
    """

    name: str
    kind: str
    seconds: float
    share: float
    works: tuple[Work, ...] = ()
    is_summed: bool = False

    @property
    def bytes(self) -> float:
        """Bytes of weights that are read in a step."""
        return sum(work.bytes for work in self.works)

    @property
    def multiplications(self) -> float:
        """Multiplications with weights in a step, each with an addition."""
        return sum(work.multiplications for work in self.works)

    @property
    def limit(self) -> str | None:
        """What bounds it on this machine: "reading" or "multiplying"; None without couplings."""
        return max(self.works, key=lambda work: work.seconds).limit if self.works else None

    @property
    def of_limit(self) -> float | None:
        """What its couplings would take at the limits of one core, as a share of what it took."""
        return sum(work.seconds for work in self.works) / self.seconds if self.works and self.seconds else None


@dataclass(frozen=True, repr=False)
class Profile:
    """Where the time of a step goes; `print` and notebooks show it as a table.

    Parameters
    ----------
    rows : tuple of Row
        The largest first.
    advice : tuple of str
        What to change.
    steps : int or None
        That were profiled; None where that is not known, and times are those of the whole run.
    device : str
    """

    rows: tuple[Row, ...]
    advice: tuple[str, ...]
    steps: int | None
    device: str

    @property
    def seconds(self) -> float:
        """Of a step, in all rows."""
        return sum(row.seconds for row in self.rows)

    @property
    def shares(self) -> dict[str, float]:
        """By kind, the largest first."""
        total: dict[str, float] = defaultdict(float)
        for row in self.rows:
            total[row.kind] += row.share
        return dict(sorted(total.items(), key=lambda item: -item[1]))

    @property
    def _title(self) -> str:
        what = (
            f"a step takes {1e6 * self.seconds:.4g} µs" if self.steps else f"the run took {1e6 * self.seconds:.4g} µs"
        )
        several = f", {self.steps} steps" if self.steps else ""
        return f"{what} ({self.device}{several}): {', '.join(f'{kind} {share:.0%}' for kind, share in self.shares.items())}"

    def _cells(self) -> Iterator[tuple[str, ...]]:
        for row in self.rows:
            amounts = (_amount(row.bytes, "B"), _amount(row.multiplications, "")) if row.works else ("", "")
            limit = "" if row.of_limit is None else f"{row.of_limit:.0%} of {row.limit}"
            yield row.name, row.kind, f"{row.share:.1%}", f"{1e6 * row.seconds:.4g}", *amounts, limit

    def __repr__(self) -> str:
        lines = [_COLUMNS, *self._cells()]
        widths = [max(len(line[k]) for line in lines) for k in range(len(_COLUMNS))]
        table = ["  ".join(_aligned(line, widths)).rstrip() for line in lines]
        advice = ["", "What to change", *(f"* {text}" for text in self.advice)] if self.advice else []
        return "\n".join([self._title, "", *table, *advice])

    def _repr_html_(self) -> str:
        lines = [tuple(f"<b>{column}</b>" for column in _COLUMNS), *(map(html.escape, line) for line in self._cells())]
        advice = "".join(f"<li>{html.escape(text)}</li>" for text in self.advice)
        return f"<p>{html.escape(self._title)}</p>{table_html(lines)}{f'<ul>{advice}</ul>' if advice else ''}"


def profile(network: b2.Network | None = None) -> Profile:
    """Where the time of a step goes, how close couplings are to the limits of the machine, and what to change.

    Parameters
    ----------
    network : Network, optional
        One that was run with ``network.run(duration, profile=True)``, in Python or as a C++ program; by default that of
        `brian2.run`.

    Returns
    -------
    Profile
        ``rows`` for programs; as text a table.

    Notes
    -----
    Limits are those of one core, measured at the first call in less than two seconds: the rate of reading as many bytes as
    all weights have, and that of multiplying matrices in the type of the weights. A coupling takes at least as long as the
    slower of the two. In C++ Brian2 reads the clock around every object, which takes up to 1 µs: small networks look slower
    than they are.

    Raises
    ------
    TypeError
        If it is no network.
    RuntimeError
        If it was not run with ``profile=True``.

    Examples
    --------
    ::

        network.run(100*ms, profile=True)
        print(on.brian.profile(network))
    """
    network = b2.magic_network if network is None else network
    if not isinstance(network, b2.Network):
        raise TypeError(f"profile takes a brian2.Network, got {shown(network)}")
    try:
        found, steps = timings(network)
    except ValueError:
        raise RuntimeError(
            f"the network {network.name!r} has no profile; run it with network.run(duration, profile=True)"
        ) from None
    total = sum(timing.seconds for timing in found)
    if not total:
        raise RuntimeError(f"the profile of the network {network.name!r} holds no time; run it for more steps")
    rows = _rows(found, steps, total, _projections(found, network))
    device = current_device()
    where = f"Brian2 with {b2.prefs.codegen.target}" if device == "runtime" else device
    return Profile(rows, advise(rows, device == "runtime"), steps, where)


def _projections(found: list[Timing], network: b2.Network) -> dict[str, list[Projection]]:
    """The projections in each timing: one that has none of its own is part of the step of the group that it writes."""
    result = defaultdict(list)
    own = {timing.belongs_to: timing.name for timing in found if timing.kind == "coupling"}
    steps = {timing.belongs_to: timing.name for timing in found if timing.kind == "step"}
    for each in objects_of(network):
        if isinstance(each, Projection):
            group = getattr(each.target_group, "source", each.target_group).name
            name = own.get(each.name, steps.get(group))
            if name is not None:
                result[name].append(each)
    return result


def _rows(found, steps, total, projections):
    """The timings with what their couplings do, the largest first."""
    everything = sum(_bytes(each) for several in projections.values() for each in several)
    rows = []
    for timing in sorted(found, key=lambda timing: -timing.seconds):
        times = timing.calls / steps if steps and timing.calls else 0
        works = tuple(_work(each, times, everything) for each in projections[timing.name]) if times else ()
        share = timing.seconds / total
        rows.append(Row(timing.name, timing.kind, timing.seconds / (steps or 1), share, works, timing.is_summed))
    return tuple(rows)


def _work(projection, times, everything):
    """What a projection does in a step, in which it runs so many times."""
    dtype, cost = _dtype(projection), projection.operator.cost
    read, multiplied = times * _bytes(projection), times * cost.multiplications * projection.trials
    reading = read / reading_rate(min(everything, _FAR)) if read else 0.0
    multiplying = multiplied / multiplying_rate(dtype.name)
    return Work(projection.operator, projection.trials, dtype, read, multiplied, reading, multiplying)


def _bytes(projection):
    return projection.operator.cost.bytes(_dtype(projection))


def _dtype(projection):
    """The type of the weights, which the product has, too."""
    return np.dtype(projection.runner.variables["_source"].dtype)


def _amount(value: float, unit: str) -> str:
    """A number with a prefix, such as 8.4 M."""
    for factor, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= factor:
            return f"{value / factor:.3g} {prefix}{unit}"
    return f"{value:.3g} {unit}".rstrip()


def _aligned(line, widths):
    """Texts to the left, numbers to the right."""
    for k, (text, width) in enumerate(zip(line, widths, strict=True)):
        yield f"{text:<{width}}" if k < 2 else f"{text:>{width}}"
