"""Recordings as objects of neo (Garcia et al. 2014), in which other tools of electrophysiology read them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from organics_neuro.core.boundary import by_name, shown
from organics_neuro.core.errors import missing_extra
from organics_neuro.core.units import seconds


def to_neo(
    recorded: Mapping[str, Any] | None, dt: Any, spikes: Mapping[str, Any] | None = None, **annotations: Any
) -> Any:
    """What was recorded as a block of neo, with a segment for each trial.

    Parameters
    ----------
    recorded : dict of ndarray, optional
        By full name, (samples, trials, units), as `organics_neuro.simulate` returns it: one analog signal of all units
        for each name.
    dt : float or Brian2 quantity
        Seconds between two samples.
    spikes : dict, optional
        By name a `brian2.SpikeMonitor` of a group that knows its trials, as `organics_neuro.rate_to_spikes` makes it, or three
        arrays (times in seconds, trials, units) of as many spikes: one train for each unit, or cell of a unit, that fired.
    **annotations
        Of the block, such as ``circuit=circuit.key``.

    Returns
    -------
    neo.Block

    Raises
    ------
    ImportError
        Without the extra "neo".
    ValueError
        For arrays of another shape, or a different number of trials.

    Examples
    --------
    ::

        found = on.simulate(circuit, z, 0.2, engine)
        block = on.experiments.to_neo(found, engine.dt, circuit=circuit.key)
        block.segments[0].analogsignals[0].times
    """
    try:
        import neo
        import quantities as pq
    except ImportError as error:
        raise missing_extra("organics_neuro.experiments.to_neo", "neo", "neo") from error
    step = seconds("dt", dt)
    signals = {str(name): np.asarray(value) for name, value in by_name("recorded", recorded).items()}
    for name, value in signals.items():
        if value.ndim != 3:
            raise ValueError(f"recorded {name!r} has shape {value.shape}, but needs (samples, trials, units)")
    fired = {str(name): _fired(str(name), value) for name, value in by_name("spikes", spikes).items()}
    trials = {value.shape[1] for value in signals.values()}
    if len(trials) > 1:
        raise ValueError(f"recorded must have one number of trials, got {', '.join(map(str, sorted(trials)))}")
    last = max([int(trial.max(initial=-1)) + 1 for _, trial, _ in fired.values()], default=1)
    count = max([*trials, last])
    block = neo.Block(name="organics_neuro", **annotations)
    for k in range(count):
        segment = neo.Segment(name=f"trial {k}", index=k)
        for name, value in signals.items():
            signal = value[:, k] * pq.dimensionless
            segment.analogsignals.append(neo.AnalogSignal(signal, sampling_period=step * pq.s, name=name))
        for name, (times, trial, unit) in fired.items():
            here = trial == k
            stop = max([step * max(0, len(v) - 1) for v in signals.values()] + [float(times.max(initial=0.0))])
            for one in np.unique(unit[here]):
                train = np.sort(times[here & (unit == one)])
                segment.spiketrains.append(neo.SpikeTrain(train * pq.s, t_stop=stop * pq.s, name=name, unit=int(one)))
        block.segments.append(segment)
    return block


def _fired(name: str, given: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times, trials and units of spikes, of a monitor or of three arrays."""
    if hasattr(given, "source") and hasattr(given, "t"):
        source = given.source
        if not hasattr(source, "trials"):
            raise ValueError(f"spikes {name!r} come from a group without trials; give (times, trials, units)")
        layout = (source.trials, source.units * source.cells)
        trial, unit = np.unravel_index(np.asarray(given.i), layout)
        return np.asarray(given.t), trial, unit
    arrays = [np.asarray(each) for each in given] if isinstance(given, (tuple, list)) else []
    if len(arrays) != 3 or len({each.shape for each in arrays}) != 1 or arrays[0].ndim != 1:
        raise ValueError(
            f"spikes {name!r} must be a monitor, or times, trials and units of as many spikes, got {shown(given)}"
        )
    return arrays[0].astype(float), arrays[1], arrays[2]
