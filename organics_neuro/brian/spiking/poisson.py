"""`rate_to_spikes`: Poisson neurons whose rate is an output of a circuit."""

from __future__ import annotations

import warnings
from typing import Any

import brian2 as b2
import numpy as np
from numpy.typing import ArrayLike

from organics_neuro.brian.kernels.runner import whole
from organics_neuro.brian.spiking.ends import (
    LEAVES,
    as_text,
    check_group,
    check_units,
    in_unit,
    project,
    quantity,
    rectified,
    source_of,
)
from organics_neuro.brian.trials import Layout, layout_of, split
from organics_neuro.brian.types import QuantityLike
from organics_neuro.core.boundary import positive_int, probability
from organics_neuro.core.errors import StepSizeWarning
from organics_neuro.core.memory import check_memory
from organics_neuro.core.operators import identity

#: Bytes that Brian2 keeps for a neuron.
_BYTES = 64
#: Above this probability of a spike in a step, intervals are visibly those of steps.
_LIKELY = 0.1
#: What the cells of a unit share: the rate, and what follows from it for one step.
_SHARED = """
rate : hertz
spike_probability : 1
shared_part : 1 (shared, constant)
dead_time : second (shared, constant)
"""
#: With q the mean number of spikes in a step, a cell that is silent for k further steps after each spike fires with
#: the probability q/(1 - k q) when it may. Of trains with the correlation c, the cells take each spike of a common
#: train with the probability c + (1 - c) q.
_STEP = """
mean = 1 - exp(-rate*dt)
free = clip(1 - mean*clip(timestep(dead_time, dt) - 1.0, 0, inf), mean, 1)
p = mean/free
taken = shared_part + (1 - shared_part)*p
spike_probability = {drawn}
"""
_DRAWN = {False: "p", True: "int(rand()*taken < p)*taken"}
_CELLS = """
rate : hertz (linked)
spike_probability : 1 (linked)
trial : integer (constant)
unit : integer (constant)
cell : integer (constant)
"""


class PoissonCells(b2.NeuronGroup):
    """What `rate_to_spikes` makes: see there."""

    def __init__(
        self,
        group: b2.Group,
        rate: str,
        maximum: b2.Quantity,
        layout: Layout,
        correlation: float,
        dead_time: b2.Quantity,
        name: str,
        options: dict[str, Any],
    ):
        # set before Brian2 takes over attribute access
        self.trials, self.units, self.cells = layout
        self.maximum, self.checked = maximum, None
        refractory = dead_time if dead_time > 0 * b2.ms else False
        size = layout.trials * layout.per_trial
        super().__init__(
            size, _CELLS, threshold="rand() < spike_probability", refractory=refractory, name=name, **options
        )
        shared = b2.NeuronGroup(
            layout.trials * layout.units, _SHARED, clock=self.clock, order=self.order, name=f"{self.name}_rates"
        )
        shared.variables["shared_part"].set_value(correlation)
        shared.variables["dead_time"].set_value(float(dead_time))
        shared.run_regularly(
            _STEP.format(drawn=_DRAWN[correlation > 0]), when="groups", order=self.order, name=f"{self.name}_step"
        )
        text = rectified(f"{as_text(maximum)}*{rate}", b2.Hz.dim)
        copied = project(
            group, shared, identity(layout.units), layout.trials, text, "rate", LEAVES, name=f"{self.name}_copy"
        )
        index = np.arange(size) // layout.cells
        for variable in ("rate", "spike_probability"):
            setattr(self, variable, b2.linked_var(shared, variable, index=index))
        for variable, values in zip(("trial", "unit", "cell"), np.unravel_index(np.arange(size), layout), strict=True):
            self.variables[variable].set_value(values.astype(np.int32))
        self.contained_objects.extend([shared, copied])
        self._check_step()

    def before_run(self, run_namespace):
        self._check_step()
        super().before_run(run_namespace)

    def _check_step(self):
        """Compare the largest rate with the step, again if that has changed."""
        dt = float(self.clock.dt_)
        if self.maximum.dim is not b2.Hz.dim or self.checked == dt:
            return
        self.checked = dt
        largest = float(self.maximum)
        if largest * dt > 1:
            raise ValueError(
                f"maximum = {self.maximum!s} is more than one spike in a step of {dt:g} s; use a smaller dt"
            )
        if -np.expm1(-largest * dt) > _LIKELY:
            warnings.warn(
                f"at maximum = {self.maximum!s} a neuron of {self.name!r} fires in {-np.expm1(-largest * dt):.0%} of all steps "
                f"of {dt:g} s, and no more than once in each; use a smaller dt",
                StepSizeWarning,
                stacklevel=4,
            )

    def per_trial(self, values: ArrayLike) -> np.ndarray:
        """Values whose first axis is the neurons, such as ``monitor.count``, as (trials, units, cells, ...)."""
        return split(values, self.trials, self.units, self.cells)


def rate_to_spikes(
    group: b2.Group,
    rate: str = "rate_y",
    maximum: QuantityLike = 100 * b2.Hz,
    cells: int = 1,
    correlation: float = 0.0,
    dead_time: QuantityLike = 0 * b2.ms,
    *,
    name: str = "poissoncells*",
    **options: Any,
) -> PoissonCells:
    """Poisson neurons that fire at the rate which an output of a circuit says.

    In a step of length dt a neuron of rate r fires with the probability 1 - exp(-r dt).

    Parameters
    ----------
    group : CircuitGroup
        Or any group; one that is not a circuit says with `set_trials` how many trials it has.
    rate : str
        An output (with or without weights), a state, or another variable. Negative values count as 0.
    maximum : Quantity
        The rate at which the output is 1; for an output in hertz a plain number.
    cells : int
        Neurons for each unit and trial.
    correlation : float
        Between the spike trains of the cells of one unit and trial, from 0 (independent) to 1 (the same spikes), at every
        width of the bins: cells take each spike of a common train with the same probability (the multiple interaction
        process of Kuhn, Aertsen and Rotter 2003).
    dead_time : Quantity
        Time after each spike in which a neuron is silent. Its rate stays what the output says, as long as that is below
        1/dead_time; the ``correlation`` is then that of the trains without dead time.
    name, **options
        Of `NeuronGroup`: ``dt`` or ``clock``, ``dtype``, ``order``. The clock is by default that of ``group``.

    Returns
    -------
    PoissonCells
        A `NeuronGroup` of trials × units × cells neurons with the integer variables ``trial``, ``unit`` and ``cell``,
        ``rate`` (hertz) and ``spike_probability``, that of the present step. ``per_trial(monitor.count)`` has the shape
        (trials, units, cells).

    Raises
    ------
    ValueError, TypeError, UnitError
        For an unknown output, units that do not make hertz, a maximum that is negative, above 1/dt or above 1/dead_time.

    Warns
    -----
    StepSizeWarning
        If a neuron at the maximum fires in more than a tenth of all steps.

    Notes
    -----
    Brian2's seed (``brian2.seed(1)``) repeats the spikes on the same target. The rate is that of the beginning of the
    step, and so is the time of the spike.

    References
    ----------
    A. Kuhn, A. Aertsen, S. Rotter, Higher-order statistics of input ensembles and the response of simple model neurons,
    Neural Computation 15, 67-101, 2003

    Examples
    --------
    >>> import brian2 as b2
    >>> import organics_neuro as on
    >>> v1 = on.CircuitGroup(on.ring(n=12), trials=2)
    >>> spikes = on.rate_to_spikes(v1, maximum=50*b2.Hz, cells=10)
    >>> len(spikes)
    240
    """
    check_group("group", group)
    source = source_of(group, rate)
    maximum = quantity("maximum", maximum, least=0)
    check_units(f"maximum*{rate}", maximum.dim * source.variables[rate].dim, "a rate", b2.Hz.dim)
    dead_time = in_unit("dead_time", dead_time, 1 * b2.ms, least=0)
    if maximum.dim is b2.Hz.dim and maximum * dead_time >= 1:
        raise ValueError(
            f"a neuron with dead_time = {dead_time!s} cannot fire at maximum = {maximum!s}; make one smaller"
        )
    known = layout_of(group) or Layout(1, len(group))
    layout = Layout(known.trials, len(source) // known.trials, positive_int("cells", cells))
    size = layout.trials * layout.per_trial
    check_memory(f"a group of {size:,} neurons", _BYTES * size, "use fewer cells")
    if "dt" not in options:
        options.setdefault("clock", whole(source).clock)
    return PoissonCells(
        source, rate, maximum, layout, probability("correlation", correlation), dead_time, name, options
    )
