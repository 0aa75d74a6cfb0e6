"""What the protocols share: stimuli as inputs, and populations as axes of a dataset."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from tqdm import tqdm

from organics_neuro.core import stimuli
from organics_neuro.core.boundary import by_name, known_name, number, shown
from organics_neuro.core.circuits import Circuit, check_circuit
from organics_neuro.core.memory import check_memory
from organics_neuro.core.names import FIRING_RATE, Name
from organics_neuro.core.reference import DT
from organics_neuro.core.stimuli import check_contrasts
from organics_neuro.core.units import check_axis, magnitude

#: Samples that are worked on together: enough for few calls, few enough for memory.
_CHUNK = 32
#: A stimulus, inputs by name, or None for a grating.
Stimulus = ArrayLike | Mapping[str, ArrayLike] | None
Inputs = dict[str, np.ndarray]
#: A stimulus, or inputs by name, as a function of an angle; None for gratings.
AngleStimulus = Callable[[float], Any] | None
#: Angles between two gratings, in degrees on the circle of preferred angles.
TURNS = tuple(np.arange(-180, 181, 22.5).tolist())


def pattern(circuit: Any, stimulus: Stimulus, angle: float, name: str = "stimulus") -> Inputs:
    """The inputs at unit contrast, by full name, each (units,); without the parameters that a dictionary holds.

    Parameters
    ----------
    stimulus : array_like, dict or None
        A stimulus of the circuit (see `organics_neuro.stimuli`), inputs by name, or None for a grating at ``angle``.
    name : str
        Name of the argument, for messages.
    """
    dynamics: Any = check_circuit(circuit).dynamics
    if isinstance(stimulus, Mapping):
        if name != "stimulus" and (given := list(held(circuit, stimulus))):
            raise ValueError(f"{name} gives the parameter {given[0]!r}, which does not add up; give it with stimulus")
        inputs = dynamics.resolve_inputs(stimulus)
        if any(key in dynamics.inputs for key in stimulus) or not isinstance(circuit, Circuit):
            return {key: value for key, value in inputs.items() if key in dynamics.inputs}
        stimulus = None  # parameters alone: they change how the circuit sees a grating
    if not isinstance(circuit, Circuit):
        raise ValueError(f"give {name} as a dictionary of inputs: a joined circuit has no stimulus of its own")
    given = stimuli.grating(circuit, angle) if stimulus is None else stimulus
    return dynamics.resolve_inputs(stimuli.drive(circuit, given))


def held(circuit: Any, stimulus: Stimulus) -> Inputs:
    """The parameters among what a dictionary gives, which stay as they are at every contrast."""
    dynamics: Any = check_circuit(circuit).dynamics
    if not isinstance(stimulus, Mapping):
        return {}
    return {name: v for name, v in dynamics.resolve_inputs(stimulus).items() if name in dynamics.parameters}


def orthogonal(circuit: Any, stimulus: Stimulus, angle: float) -> tuple[Inputs, str]:
    """The stimulus at the opposite side of the circle of preferred angles, and a sentence that says what that is.

    A stimulus or an input given as values is turned by half of them, for they go around the circle.
    """
    if stimulus is None or (isinstance(stimulus, Mapping) and len(held(circuit, stimulus)) == len(stimulus)):
        opposite = (angle + 180) % 360
        return pattern(circuit, None, opposite), f"mask: a grating at {opposite:g}°, orthogonal to the stimulus"
    inputs = pattern(circuit, stimulus, angle)
    if not isinstance(circuit, Circuit) or circuit.external or len(inputs) != 1:
        raise ValueError(
            "this circuit has no circle of preferred angles, so no mask is known to be orthogonal to the stimulus; give "
            "mask_stimulus"
        )
    sentence = "mask: the stimulus turned by 180°, half of its values"
    if isinstance(stimulus, Mapping):
        return {name: np.roll(value, len(value) // 2) for name, value in inputs.items()}, sentence
    values = np.asarray(stimulus)
    return pattern(circuit, np.roll(values, values.shape[-1] // 2), angle, "mask_stimulus"), sentence


def scaled(inputs: Inputs, contrasts: ArrayLike) -> Inputs:
    """Inputs (units,) at each of the contrasts, shape (contrasts, units)."""
    return {name: np.multiply.outer(np.asarray(contrasts), value) for name, value in inputs.items()}


def name_among(kind: str, given: str | None, known: Iterable[Any]) -> str:
    """A name among those that are ``known``; the first of them for None."""
    names = [str(name) for name in known]
    return known_name(kind, next(iter(names), None) if given is None else given, names)


def hertz(name: str, value: Any, most: float = np.inf, zero: bool = False) -> float:
    """One frequency (float in Hz or Brian2 quantity) above 0, or 0 too, and up to ``most``, as a float in Hz."""
    kind = "one frequency, 0 or larger" if zero else "one frequency above 0"
    kind += f" and up to {most:g} Hz" if np.isfinite(most) else ""
    return number(
        name, magnitude(name, value, "hertz").tolist(), kind, lambda f: (f > 0 or zero and f == 0) and f <= most
    )


def check_noise(noise: Mapping | None, engine: Any, without: str, such_as: str = "{'y': ...}") -> str:
    """What the noise is, for a dataset; an error that says what happens ``without``, unless the engine brings its own."""
    if noise is not None:
        return str(dict(by_name("noise", noise)))
    if not engine.brings_noise:
        raise ValueError(f"without noise {without}; give noise={such_as}")
    return "of the network"


def above_zero(contrasts: ArrayLike) -> np.ndarray:
    """Contrasts that all show something."""
    levels = check_contrasts("contrasts", contrasts)
    if (levels == 0).any():
        raise ValueError(f"contrasts must be above 0, as there is no response to 0, got {levels.tolist()}")
    return levels


def contrast(name: str, value: Any) -> float:
    """One contrast that is not negative, as a float."""
    return number(name, value, "one contrast, 0 or larger", lambda c: c >= 0)


def time_step(engine: Any, circuit: Any) -> float:
    """The step of a simulator in seconds; an engine in which no time passes says so."""
    if not hasattr(engine, "dt"):
        engine.simulate(circuit)
    return float(engine.filled(dt=DT).dt)


def in_steps(name: str, time: float, dt: float, numbers: int, least: int = 0) -> int:
    """A time in steps of ``dt``, at least so many; `MemoryError` if so many ``numbers`` of each do not fit."""
    count = time / dt
    what = f"{name} = {time:g} s in steps of {dt:g} s, {numbers} numbers in each,"
    check_memory(what, 8 * numbers * count, "use a shorter time, a larger dt, or fewer")
    return max(least, round(count))


def on_sheet(circuit: Any) -> tuple[int, int]:
    """Height and width of a circuit whose units have positions; `ValueError` for others."""
    prefers = stimuli.preferred(check_circuit(circuit))
    if "y" not in prefers:
        raise ValueError(
            "the units of this circuit have no positions; make one that has them with organics_neuro.sheet"
        )
    return int(prefers["y"].max()) + 1, int(prefers["x"].max()) + 1


def gratings(circuit: Any, angles: ArrayLike | None, stimulus: AngleStimulus) -> tuple[np.ndarray, Inputs]:
    """Angles that are shown, and the inputs (angles, units) at unit contrast.

    Parameters
    ----------
    angles : array_like or None
        Degrees on the circle of preferred angles; None for all around it.
    stimulus : callable or None
        A function of the angle that returns a stimulus or inputs by name, or None for full-field gratings.
    """
    check_circuit(circuit)
    if stimulus is not None and not callable(stimulus):
        raise TypeError(f"stimulus must be a function of the angle, got {shown(stimulus)}")
    own = isinstance(circuit, Circuit) and bool(stimuli.preferred(circuit))
    if angles is None:
        angles = stimuli.angles_around(circuit) if own else np.arange(0, 360, 10.0)
    angles = check_axis("angles", angles)
    if own or (stimulus is None and isinstance(circuit, Circuit)):
        angles = stimuli.known_angles(circuit, angles)
    each = [pattern(circuit, None if stimulus is None else stimulus(angle), angle) for angle in angles.tolist()]
    return angles, {name: np.stack([one[name] for one in each]) for name in each[0]}


def offsets(
    circuit: Any, angles: ArrayLike, origin: float, stimulus: AngleStimulus
) -> tuple[np.ndarray, Inputs, Inputs]:
    """Angles from that of a test that are shown, the inputs (angles, units) there, and those of the test (units,)."""
    start = number("the angle of the test", origin, "one number of degrees", lambda _: True)
    angles = check_axis("angles", angles)
    known, each = gratings(circuit, np.concatenate([[start], start + angles]), stimulus)
    return known[1:] - known[0], {k: v[1:] for k, v in each.items()}, {k: v[0] for k, v in each.items()}


def combinations(contrasts: np.ndarray, each: Inputs) -> Inputs:
    """Inputs (stimuli, units) at each of the contrasts, (contrasts * stimuli, units); the stimuli vary faster."""
    return {name: value.reshape(-1, value.shape[-1]) for name, value in scaled(each, contrasts).items()}


def superpose(test: Inputs, contrasts: np.ndarray, each: Inputs) -> Inputs:
    """A test (units,) with each of the stimuli at each of the contrasts added to it; the stimuli vary faster."""
    return {name: test[name] + value for name, value in combinations(contrasts, each).items()}


def drive_of(circuit: Any, inputs: Inputs, population: str | None) -> np.ndarray | None:
    """How strongly inputs (units,) drive each unit of a population; None if none has one value for each unit."""
    own = [
        np.abs(value)
        for name, value in inputs.items()
        if Name.parse(name).population == population and name not in circuit.external
    ]
    return np.sum(own, axis=0) if np.any(own) else None


def most_driven(circuit: Any, inputs: Inputs | None, name: str, otherwise: np.ndarray) -> int:
    """The unit of a variable that inputs (units,) drive most; where none drives units, that of the largest ``otherwise``."""
    drive = None if inputs is None else drive_of(circuit, inputs, Name.parse(name).population)
    fits = drive is not None and len(drive) == len(otherwise)
    return int(np.argmax(drive if fits else otherwise))


def unit_axis(name: str) -> str:
    """Name of the axis of an output's or a state's units: "unit", or "e_unit" for the population "e" of a joined circuit."""
    population = Name.parse(name).population
    return "unit" if population is None else f"{population}_unit"


def long_name(name: str) -> str:
    """What a column of a dataset is, in words: an output or a state by full name."""
    full = Name.parse(name)
    if full.variable == FIRING_RATE:
        return f"firing rate of {full.population}"
    kind, _, state = full.variable.partition("_")
    return f"firing rate of {Name(full.population, state)}" if kind == "rate" and state else str(name)


def with_units(dataset: xr.Dataset) -> xr.Dataset:
    """The dataset with coordinates on the axes of units."""
    return dataset.assign_coords({d: np.arange(n) for d, n in dataset.sizes.items() if str(d).endswith("unit")})


def with_preferences(dataset: xr.Dataset, circuit: Any) -> xr.Dataset:
    """The dataset with what each unit prefers as coordinates of the units, as far as that is known."""
    if "unit" not in dataset.dims:
        return dataset
    names = {"angle": "preferred_angle", "y": "position_y", "x": "position_x"}
    return dataset.assign_coords({names[key]: ("unit", each) for key, each in stimuli.preferred(circuit).items()})


def chunks(samples: int, progress: bool) -> Iterator[slice]:
    """Slices of the samples, which are worked on together, with a progress bar that appears after two seconds."""
    with tqdm(total=samples, unit="sample", delay=2, disable=not progress) as bar:
        for start in range(0, samples, _CHUNK):
            yield slice(start, start + _CHUNK)
            bar.update(min(_CHUNK, samples - start))
