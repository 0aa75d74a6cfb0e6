"""Values that are of no use, for every argument of a function: refused in one sentence, or taken for what they are."""

from decimal import Decimal
from fractions import Fraction
from functools import cache, partial

import numpy as np

import organics_neuro as on


def _nested(depth):
    value = [1.0]
    for _ in range(depth):
        value = [value]
    return value


@cache
def values():
    """Hostile values by name."""
    import brian2 as b2
    import torch

    circle = []
    circle.append(circle)
    plain = {
        "none": None, "text": "abc", "long text": "9" * 6000, "nan": np.nan, "inf": -np.inf, "complex": 1j, "dict": {"a": 1},
        "object": object(), "bool": True, "set": {1, 2}, "range": range(3), "bytes": b"abc", "class": int, "zero": 0, "negative": -1,
        "half": 0.5, "large": 1e308, "small": 1e-320, "10**400": 10**400, "10**5000": 10**5000, "2**63": 2**63, "10**12": 10**12,
        "1e9": 1e9, "fraction": Fraction(10**400, 3), "decimal": Decimal("0.1"), "null": "a\0b",
    }  # fmt: skip
    arrays = {
        "ragged": [[1, 2], [3]], "empty": [], "no rows": np.zeros((0, 3)), "four axes": np.ones((2, 2, 2, 3)),
        "masked": np.ma.masked_less(np.arange(3.0), 1), "masked in a list": [[np.ma.masked] * 3], "nested": _nested(3000),
        "circle": circle, "large integers": [10**400] * 3, "dates": np.array(["2020-01-01"] * 3, dtype="M8[ns]"),
        "times": np.ones(3, "m8[s]"), "texts": np.array(["a"] * 3), "objects": np.array([object()] * 3),
        "records": np.zeros(3, dtype=[("a", float)]), "long double": np.ones(3, np.longdouble) * np.longdouble("1e4000"),
        "half precision": np.ones(3, np.float16), "integers": np.arange(3), "NaN": np.full(3, np.nan), "quantity": 3 * b2.mV,
        "quantities": [1 * b2.mV, 2], "seconds": 1 * b2.second, "numbers": np.ones(3), "rows": np.ones((2, 3)),
    }  # fmt: skip
    tensors = {
        "meta": torch.empty(3, device="meta"), "sparse": torch.eye(3).to_sparse(), "half": torch.ones(3, dtype=torch.float16),
        "bfloat16": torch.ones(3, dtype=torch.bfloat16), "integers": torch.ones(3, dtype=torch.int64),
        "grad": torch.ones(3, requires_grad=True), "complex": torch.ones(3, dtype=torch.complex64),
        "quantized": torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.quint8), "three axes": torch.ones(2, 4, 3),
        "NaN": torch.full((2, 4, 3), np.nan), "no batch": torch.ones(0, 4, 3), "no steps": torch.ones(2, 0, 3),
        "double": torch.ones(2, 4, 3, dtype=torch.float64), "dtype": torch.float16, "dtype of integers": torch.int32,
    }  # fmt: skip
    return {**plain, **arrays, **{f"tensor: {name}": value for name, value in tensors.items()}}


@cache
def calls():
    """Functions of one argument by name."""
    return {**_of_circuits(), **_of_networks(), **_of_experiments()}


@cache
def _ring():
    return on.ring(n=9)


def _of_experiments():
    """Every registered experiment takes what it is given in each of its places, circuit first."""
    found = {}
    reference = on.engines.Reference(duration=0.01, dt=1e-3, progress=False)
    for name in on.experiments.list():
        function = on.experiments.find(name)
        arguments = dict(function.signature.parameters)
        arguments.pop(function.first)
        engine = arguments.pop("engine", None)
        usual = {"engine": reference if engine.default == "reference" else "theory"} if engine else {}
        usual |= {"progress": False} if arguments.pop("progress", None) else {}
        usual |= {"noise": {"y": 1e-3}} if "noise" in arguments else {}  # without, many refuse whatever else they get
        usual |= {n: [0.1, 0.5] for n, p in arguments.items() if p.default is p.empty}
        for argument in arguments:
            found[f"{name} {argument}"] = partial(_measure, function, usual, argument)
        found[f"{name} circuit"] = partial(_apply, function, usual)
    return found


def _measure(function, usual, argument, value):
    function(_ring(), **{**usual, argument: value})


def _apply(function, usual, value):
    function(value, **usual)


def _of_networks():
    """Couplings between circuits and spiking neurons; nothing is run."""
    import brian2 as b2

    group = on.CircuitGroup(_ring(), name="hostile_group")
    cells = b2.NeuronGroup(9, "dv/dt = (I_syn - v)/(10*ms) : 1\nI_syn : 1\ng_syn : 1", threshold="v > 1", reset="v = 0")
    poisson = on.rate_to_spikes(group)
    return {
        "group": on.CircuitGroup,
        "trials of a group": lambda v: on.CircuitGroup(_ring(), trials=v),
        "inputs of a group": lambda v: on.CircuitGroup(_ring(), inputs=v),
        "replaced": lambda v: on.CircuitGroup(_ring(), replaced=v),
        "replaced y": lambda v: on.CircuitGroup(_ring(), replaced={"y": v}),
        "method of a group": lambda v: on.CircuitGroup(_ring(), method=v),
        "rate": lambda v: on.rate_to_spikes(group, v),
        "maximum": lambda v: on.rate_to_spikes(group, maximum=v),
        "cells": lambda v: on.rate_to_spikes(group, cells=v),
        "correlation": lambda v: on.rate_to_spikes(group, cells=2, correlation=v),
        "dead time": lambda v: on.rate_to_spikes(group, dead_time=v),
        "spikes": lambda v: on.spikes_to_rate(v, group),
        "weights of spikes": lambda v: on.spikes_to_rate(poisson, group, weights=v),
        "tau of spikes": lambda v: on.spikes_to_rate(poisson, group, tau=v),
        "kernel": lambda v: on.spikes_to_rate(poisson, group, kernel=v),
        "delay of spikes": lambda v: on.spikes_to_rate(poisson, group, delay=v),
        "current": lambda v: on.rate_to_current(group, cells, gain=v),
        "variable": lambda v: on.rate_to_current(group, cells, v),
        "neurons": lambda v: on.rate_to_current(group, v),
        "weights of a current": lambda v: on.rate_to_current(group, cells, weights=v),
        "conductance": lambda v: on.rate_to_conductance(group, cells, gain=v),
        "lfp": lambda v: on.lfp(group, v),
        "source of an lfp": lambda v: on.lfp(group, source=v),
        "projection": lambda v: on.Projection(group, cells, v, source="y", target="I_syn"),
        "source of a projection": lambda v: on.Projection(group, cells, np.eye(9), source=v, target="I_syn"),
        "synapses": on.within_trials,
    }


def _of_circuits():
    c = on.Circuit("two_type", size=3, sigma=0.1)
    weights, stimuli, theory, engines = on.weights, on.stimuli, on.theory, on.engines
    run = partial(on.simulate, c, 1.0, 1e-3)
    response = partial(on.experiments.contrast_response, engine="theory")
    return {
        "sigma": lambda v: on.Circuit("two_type", size=3, sigma=v),
        "tau_y": lambda v: on.Circuit("two_type", size=3, tau_y=v),
        "size": lambda v: on.Circuit("two_type", size=v),
        "initial": lambda v: on.Circuit("two_type", size=3, initial=v),
        "initial y": lambda v: on.Circuit("two_type", size=3, initial={"y": v}),
        "weights": lambda v: on.Circuit("two_type", v, size=3),
        "W": lambda v: on.Circuit("two_type", {"W": v}, size=3),
        "model": lambda v: on.Circuit(v, size=3),
        "replace": lambda v: c.replace(weights=v),
        "Dense": on.Dense,
        "Sparse": on.Sparse,
        "Circulant": on.Circulant,
        "AllToAll": on.AllToAll,
        "AllToAll value": lambda v: on.AllToAll(3, v),
        "LowRank": lambda v: on.LowRank(v, np.ones((3, 1))),
        "Sum": on.Sum,
        "Convolution": lambda v: on.Convolution(v, (3, 3)),
        "sheet": lambda v: on.Convolution(np.ones((3, 3)), v),
        "boundary": lambda v: on.Convolution(np.ones((3, 3)), (3, 3), v),
        "times": lambda v: on.Dense(np.eye(3)) * v,
        "@": lambda v: on.Dense(np.eye(3)) @ v,
        "pool n": lambda v: weights.gaussian_pool(v, 0.1),
        "pool width": lambda v: weights.gaussian_pool(9, v),
        "pool m": lambda v: weights.gaussian_pool(9, 0.1, v),
        "recurrence n": lambda v: weights.random_recurrence(v, 0.1),
        "delta": lambda v: weights.random_recurrence(3, v),
        "symmetric": lambda v: weights.random_recurrence(3, 0.1, v),
        "seed": lambda v: weights.random_recurrence(3, 0.1, seed=v),
        "encoder": lambda v: weights.ring_encoder(9, v),
        "ring": lambda v: on.ring(n=v),
        "pool": lambda v: on.ring(n=9, pool=v),
        "angles": lambda v: on.ring(n=9, angles=v),
        "outputs": lambda v: c.outputs({"y": v}),
        "outputs z": lambda v: c.outputs({}, v),
        "noise tau": lambda v: on.Noise(1e-3, tau=v),
        "shared": lambda v: on.Noise(1e-3, shared=v),
        "delay": lambda v: on.Coupling("x.y", delay=v),
        "parts": lambda v: on.join(v, []),
        "couplings": lambda v: on.join({"e": c}, v),
        "z": lambda v: on.simulate(c, v, 1e-3),
        "duration": lambda v: on.simulate(c, 1.0, v, engines.Reference(dt=1e-3, progress=False), every=None),
        "initial of a run": lambda v: run(initial={"y": v}),
        "noise": lambda v: run(noise={"y": v}),
        "record": lambda v: run(record=v),
        "every": lambda v: run(every=v),
        "engine": lambda v: run(v),
        "dt": lambda v: engines.Reference(dt=v),
        "trials": lambda v: engines.Reference(trials=v),
        "seed of an engine": lambda v: engines.Brian(seed=v),
        "method": lambda v: engines.Reference(method=v),
        "device": lambda v: engines.Brian(device=v),
        "fixed_point": lambda v: theory.fixed_point(c, v),
        "state": lambda v: theory.jacobian(c, 1.0, {"y": v}),
        "eigenvalues": lambda v: theory.eigenvalues(c, v),
        "stable dt": lambda v: theory.largest_stable_dt(c, 1.0, v),
        "frequencies": lambda v: theory.power_spectrum(c, 1.0, v, {"y": 0.1}),
        "angle": lambda v: stimuli.grating(c, v),
        "contrasts": lambda v: response(c, v),
        "masks": lambda v: response(c, [0.1], v),
        "stimulus": lambda v: response(c, [0.1], stimulus=v),
        "ensemble": theory.fixed_point,
        "circuits": lambda v: theory.fixed_point([c, v]),
        "z of an ensemble": lambda v: theory.fixed_point([c, c], v),
        "guess": lambda v: theory.fixed_point(c, 1.0, {"y": v}),
        "tol": lambda v: theory.fixed_point(c, 1.0, tol=v),
        "starts": lambda v: theory.fixed_points(c, 1.0, starts=v),
        "guesses": lambda v: theory.fixed_points(c, 1.0, {"y": v}, starts=2),
        "energy": lambda v: theory.energy(c, 1.0, {"y": v}),
        "oscillators": lambda v: theory.oscillators(c, v),
        "sheet of units": lambda v: on.sheet(v, 3),
        "orientations": lambda v: on.sheet(3, 3, v),
        "receptive field": lambda v: on.sheet(3, 3, receptive_field=v),
        "boundary of a sheet": lambda v: on.sheet(3, 3, boundary=v),
        "areas": lambda v: on.hierarchy(v, on.Coupling("z", 1.0, "y")),
        "feedforward": lambda v: on.hierarchy({"a": c, "b": c}, v),
        "pairs": on.rectified_pairs,
        "patch": lambda v: stimuli.patch(on.sheet(3, 3), v),
        "load": on.load,
        "load a dataset": on.experiments.load,
    }  # fmt: skip


def attempt(random):
    name = random.choice(list(calls()))
    value = random.choice(list(values()))
    calls()[name](values()[value])
