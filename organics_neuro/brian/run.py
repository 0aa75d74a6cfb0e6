"""Run a circuit, or a network of the user's that holds one, in Brian2: what the engines ask for, as arrays."""

import brian2 as b2
import numpy as np
from tqdm import tqdm

from organics_neuro.brian.device import current_device
from organics_neuro.brian.device import device as on_device
from organics_neuro.brian.group import CircuitGroup, groups
from organics_neuro.brian.others import Others
from organics_neuro.core.names import Name

#: Seconds between reports of the progress, which begin after two seconds.
_PERIOD, _QUIET = 1.0, 2.0
#: What a C++ program reports of its progress.
_REPORT = f"""
if (elapsed > {_QUIET}) {{
    std::cerr << "\\r" << (int)(completed*100.) << " % simulated in " << (int)elapsed << " s";
    if (completed < 1.0) std::cerr << ", " << (int)((1 - completed)/completed*elapsed + 0.5) << " s remaining  ";
    else std::cerr << std::endl;
    std::cerr << std::flush;
}}
"""


def run_circuit(
    circuit,
    inputs,
    steps,
    dt,
    *,
    trials,
    record,
    every,
    initial=None,
    device="runtime",
    seed=None,
    report: bool | str = True,
    **options,
):
    """Simulate a circuit.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
    inputs : dict of ndarray
        All inputs by full name, checked: (units,), (trials, units) or (steps, trials, units).
    steps : int
    dt : float
        In seconds.
    trials : int
    record : sequence of str
        States or other variables of the groups, by full name; for an input, the process of its noise.
    every : int or None
        Record every so many steps; None records the end only.
    initial : dict of ndarray, optional
        States to start from, (units,) or (trials, units).
    device : {"runtime", "cpp", "cuda"}
    seed : int, optional
    report : bool or str
        Whether to report the progress of what takes more than two seconds; a text is Brian2's own ``report``.
    **options
        Further arguments of `CircuitGroup`.

    Returns
    -------
    dict of ndarray
        By full name, each (samples, trials, units).
    """
    with on_device(device):
        if seed is not None:  # Brian2 takes None for a new random seed, in place of the user's own
            b2.seed(seed)
        texts, namespace = _texts(circuit, inputs, trials, steps, dt)
        made = groups(circuit, trials, inputs={**inputs, **texts}, dt=dt * b2.second, **options)
        _set(made, {**circuit.dynamics.start(inputs), **(initial or {})}, trials)
        return _run(b2.Network(*made.values()), made, steps, dt, trials, record, every, report, namespace)


def run_network(
    build, circuit, names, inputs, steps, dt, *, trials, record, every, initial, device, seed, report, beside=()
):
    """Simulate the network that ``build(circuit, trials)`` returns with its groups; other arguments as for `run_circuit`.

    Parameters
    ----------
    build : callable
        Returns a `Network`, and the group that stands for the circuit or a dictionary of groups by population.
    names : dict of str
        Variables of the groups that take the place of inputs, by full name.
    beside : sequence of str
        Firing rates and variables of other groups of the network, by the name of the group: recorded too.
    """
    with on_device(device):
        if seed is not None:
            b2.seed(seed)
        network, made = _built(build, circuit, trials)
        for group in made.values():
            if not np.isclose(float(group.clock.dt), dt):
                raise ValueError(
                    f"the group {group.name!r} has dt = {float(group.clock.dt):g} s, but the engine {dt:g} s; make them equal"
                )
        inputs = {names.get(name, name): value for name, value in inputs.items()}
        changing = {name: value for name, value in inputs.items() if value.ndim == 3}
        if changing and device != "runtime":
            raise ValueError(
                f"on the device {device!r} the inputs of a network of one's own cannot change with time; use "
                "device='runtime', or a TimedArray in the network"
            )
        _set(made, {name: value for name, value in inputs.items() if name not in changing}, trials)
        _set(made, initial or {}, trials)
        if changing:
            network.add(_setter(made, changing, trials, dt))
        others, constants = Others(network, beside, trials, every, dt), _constants(build, network)
        found = _run(network, made, steps, dt, trials, record, every, report, constants)
        return found | others.samples(steps)


def _constants(build, network):
    """What equations of the network may use of the module that builds it: its global names, if no variable has them."""
    taken = {name for each in network.objects for name in getattr(each, "variables", ())}
    return {name: value for name, value in getattr(build, "__globals__", {}).items() if name not in taken}


def _built(build, circuit, trials):
    """What a user's function returns, checked: network and groups by population."""
    answer = build(circuit, trials)
    if not isinstance(answer, tuple) or len(answer) != 2 or not isinstance(answer[0], b2.Network):
        raise TypeError(
            "the function of engines.Network must return a brian2.Network and the group that stands for the circuit (or a "
            f"dictionary of groups by population), got {type(answer).__name__}"
        )
    network, made = answer
    made = made if isinstance(made, dict) else {next(iter(circuit.populations)): made}
    for p, population in circuit.populations.items():
        if p not in made:
            raise ValueError(f"the function of engines.Network must return a group for the population {p!r}")
        if len(made[p]) != population.size * trials:
            raise ValueError(
                f"the group {made[p].name!r} has {len(made[p])} neurons, but must have {population.size} units x {trials} trials"
            )
    return network, made


def _run(network, made, steps, dt, trials, record, every, report, namespace):
    """Record, run, and return the samples."""
    recorded = {name: _recorded(made, name) for name in record}
    monitors = _monitors(recorded.values(), every, dt) if every else {}
    network.add(*monitors.values())
    network.run(steps * dt * b2.second, namespace=namespace, **_reported(report))
    with_end = every and steps % every == 0
    return {name: _trace(*found, monitors, trials, with_end) for name, found in recorded.items()}


def _reported(report):
    """Arguments of ``Network.run`` that report the progress."""
    if not report:
        return {}
    if isinstance(report, str):
        return {"report": report}
    if current_device() != "runtime":
        return {"report": _REPORT, "report_period": _PERIOD * b2.second}
    bar = tqdm(total=100, unit="%", delay=_QUIET, leave=False, bar_format="{l_bar}{bar}| {elapsed}<{remaining}")

    def show(_elapsed, completed, _start, _duration):
        bar.update(100 * completed - bar.n)
        if completed >= 1:
            bar.close()

    return {"report": show, "report_period": _PERIOD * b2.second}


def _texts(circuit, inputs, trials, steps, dt):
    """What changes with time becomes a `TimedArray`: expressions by input, and the namespace that they need."""
    texts, namespace = {}, {}
    for k, (name, value) in enumerate(inputs.items()):
        if value.ndim == 3:
            held = np.broadcast_to(value[:steps], (steps, trials, value.shape[-1])).reshape(steps, -1)
            unit = circuit.dynamics.unit(name)
            namespace[f"stimulus_{k}"] = b2.TimedArray(
                held * (1 if unit == "1" else getattr(b2, unit)), dt=dt * b2.second
            )
            texts[name] = f"stimulus_{k}(t, i)"
    return texts, namespace


def _setter(made, changing, trials, dt):
    """An operation that sets inputs (steps, trials, units) at the beginning of each step."""

    def set_inputs(t):
        step = round(np.asarray(t, dtype=float).item() / dt)
        _set(made, {name: value[min(step, len(value) - 1)] for name, value in changing.items()}, trials)

    return b2.NetworkOperation(set_inputs, dt=dt * b2.second, when="start", order=-1, name="set_inputs*")


def _variable(made, name):
    """The group that a full name belongs to, and the variable in it."""
    name = Name.parse(name)
    return made[name.population], name.variable


def _set(made, values, trials):
    """Give variables values (units,) or (trials, units), in SI units."""
    for name, value in values.items():
        group, variable = _variable(made, name)
        if not (isinstance(group, CircuitGroup) and variable in group.external) and variable not in group.variables:
            raise ValueError(f"the group {group.name!r} has no variable {variable!r} to set")
        setattr(group, f"{variable}_", np.broadcast_to(value, (trials, value.shape[-1])).reshape(-1))


def _recorded(made, name):
    """The group and the variable that are recorded for a full name."""
    group, variable = _variable(made, name)
    if variable in getattr(group, "processes", ()) and variable not in group._model.states:
        return group.processes[variable], "process"
    if variable not in group.variables:
        raise ValueError(f"the group {group.name!r} has no variable {variable!r} to record")
    return group, variable


def _monitors(recorded, every, dt):
    """One monitor for each group that has variables to record."""
    variables = {}
    for group, variable in recorded:
        variables.setdefault(group, []).append(variable)
    return {
        group: b2.StateMonitor(group, [*dict.fromkeys(names)], record=True, dt=every * dt * b2.second)
        for group, names in variables.items()
    }


def _trace(group, variable, monitors, trials, with_end):
    """The recorded samples of a variable as (samples, trials, units)."""
    end = np.array(getattr(group, f"{variable}_")[:]).reshape(1, trials, -1)
    if not monitors:
        return end
    # a copy: the memory of a monitor goes with it (from Brian2 2.10 on, a view does not keep it)
    recorded = np.array(getattr(monitors[group], f"{variable}_"))
    samples = recorded.T.reshape(-1, trials, end.shape[-1])
    return np.concatenate([samples, end]) if with_end else samples
