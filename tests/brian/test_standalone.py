"""C++ programs that are built once and run several times."""

import os
from pathlib import Path

import brian2 as b2
import numpy as np
import pytest
from brian2 import ms

import organics_neuro as on
from organics_neuro.brian import build, run_args, sweep
from tests.brian.conftest import optimized
from tests.brian.operators import UNITS, make_every_operator, operators
from tests.circuits import make_gated, make_main
from tests.simulators import simulate_reference

VERSION = tuple(int(part) for part in b2.__version__.split(".")[:3])
reruns = pytest.mark.skipif(VERSION < (2, 10, 1), reason="run_args need Brian2 2.10.1, which needs Python 3.12")


def end(circuit, z, steps=20, **options):
    return simulate_reference(circuit, z, steps * 1e-4, 1e-4, **options)["y"][-1]


@reruns
def test_a_sweep_compiles_once(tmp_path):
    """Twenty stimuli, then other parameters and weights, two at a time: one program."""
    on.use_device("cpp", directory=str(tmp_path), build_on_run=False)
    rng = np.random.default_rng(0)
    circuit = make_main().replace(weights={"W": on.Dense(rng.uniform(size=(4, 4))) + on.AllToAll(4, 0.5)})
    group = on.CircuitGroup(circuit, trials=2, dt=0.1 * ms)
    b2.Network(group).run(2 * ms)
    build(run=False)
    built = os.stat(tmp_path / "main").st_mtime_ns

    def read():
        return group.per_trial(group.y[:])

    stimuli = rng.normal(size=(20, 2, 4))
    found = sweep([{(group, "z"): z} for z in stimuli], read)
    np.testing.assert_allclose(found, [end(circuit, z) for z in stimuli], rtol=1e-12)

    weights, z = on.Dense(rng.uniform(size=(4, 4))) + on.AllToAll(4, 0.2), rng.normal(size=4)
    changes = [
        {(group, "z"): z, group.projections["pool"]: weights},
        {(group, "z"): z, (group, "sigma"): 0.5},
        {(group, "z"): z, (group, "tau_y"): 1 * ms, (group, "y"): 0.1},
    ]
    expected = [
        end(circuit.replace(weights={"W": weights}), z),
        # the start of the normalizers was computed with the first sigma
        end(circuit.replace(sigma=0.5), z, initial={"a": circuit.initial["a"]}),
        end(circuit.replace(tau_y=1e-3), z, initial={"y": np.full(4, 0.1)}),
    ]
    for result, one in zip(sweep(changes, read, processes=2), expected, strict=True):
        np.testing.assert_allclose(result, np.broadcast_to(one, (2, 4)), rtol=1e-12)
    assert os.stat(tmp_path / "main").st_mtime_ns == built
    assert len(list(Path(tmp_path).glob("results_*"))) == 20


@reruns
def test_recorded_inputs_change_without_compiling(tmp_path):
    on.use_device("cpp", directory=str(tmp_path), build_on_run=False)
    circuit, steps = make_gated(), np.random.default_rng(0).normal(size=(2, 20, 2, 3))
    stimulus = b2.TimedArray(np.zeros((20, 6)), dt=0.1 * ms)
    group = on.CircuitGroup(circuit, trials=2, inputs={"x": "stimulus(t, i)"}, dt=0.1 * ms)
    b2.Network(group).run(2 * ms, namespace={"stimulus": stimulus})
    build(run=False)
    found = sweep([{stimulus: x} for x in (*steps, 0.5)], lambda: group.per_trial(group.y[:]))
    expected = [end(circuit, x) for x in (*steps, np.full((20, 2, 3), 0.5))]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_several_runs_in_one_program(tmp_path):
    """Inputs that change between runs, Runge-Kutta, a directory of one's own; compiled as users compile it."""
    on.use_device("cpp", directory=str(tmp_path / "program"), build_on_run=False)
    circuit, z = make_main(), np.random.default_rng(0).normal(size=(2, 4))
    group = on.CircuitGroup(circuit, method="rk4", dt=0.1 * ms)
    network = b2.Network(group)
    for drive in z:
        group.z = drive
        network.run(1 * ms)
    with optimized():
        build()
    sequence = np.repeat(z, 10, axis=0)[:, None]
    np.testing.assert_allclose(group.y[:], end(circuit, sequence, method="rk4")[0], rtol=1e-12)
    assert (tmp_path / "program" / "main").exists()


@pytest.mark.skipif(VERSION >= (2, 10, 1), reason="for Brian2 before 2.10.1")
def test_an_old_brian_says_so():
    with pytest.raises(RuntimeError, match="needs Brian2 2.10.1 or newer .* upgrade it"):
        run_args({})


def test_nothing_to_build_or_run():
    with pytest.raises(RuntimeError, match="call use_device\\('cpp', build_on_run=False\\) before the model is made"):
        build()


@reruns
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (lambda g: {(g, "zz"): 1}, "has no variable 'zz' that a run can be given; those it has are .*, z$"),
        *(
            (lambda g, name=name: {(g, name): 1}, f"has no variable '{name}' that a run")
            for name in ("N", "i", "t", "dt")
        ),
        (lambda g: {(g, "rate"): 1}, "has no variable 'rate' that a run"),
        (lambda g: {(g, "z"): "i"}, "z must be a number or an array of numbers, got 'i'"),
        (lambda g: {(g, "z"): np.nan}, "z must be finite"),
        (lambda g: {(g, "tau_y"): -5 * ms}, "'tau_y' must be larger than 0, but the smallest value is -0.005"),
        (lambda g: {(g, "tau_y"): 5 * b2.mV}, "'tau_y' = .* has the wrong unit"),
        (lambda g: {(g, "z"): np.ones(3)}, r"takes one number, or an array of shape \(4,\) or \(1, 4\)"),
        (lambda g: {(g, "sigma"): np.ones(4)}, "is one number for all units"),
        (lambda g: {g.projections["pool"]: on.AllToAll(4)}, "must be of the kind and shape of"),
        (lambda g: {(1, "z"): 1}, r"a key of run_args is \(CircuitGroup, name of a variable\)"),
        (lambda g: [(g, "z")], "the changes of a run must be a dictionary, got "),
    ],
)
def test_bad_changes(changes, message):
    group = on.CircuitGroup(make_main(), equations="rate = 2*y : 1")
    with pytest.raises((ValueError, TypeError), match=message):
        run_args(changes(group))


@reruns
@pytest.mark.parametrize(
    ("name", "weights", "message"),
    [
        ("sum", on.Dense(np.eye(UNITS)) + on.AllToAll(UNITS), "must be of the kind and shape of"),
        ("sum", operators()["sum"] + on.AllToAll(UNITS), "must be of the kind and shape of"),
        ("sum", on.Sum(operators()["sum"].terms[::-1]), "must be of the kind and shape of"),
        ("few_taps", operators()["ring"], "but the program was built for 4; build it again"),
        # as many taps, but another border
        (
            "sheet",
            on.Convolution(np.random.default_rng(0).normal(size=(2, 2, 9, 1)), (4, 6)),
            "numbers in 'padded', but the program was built for",
        ),
    ],
)
def test_weights_of_another_structure(name, weights, message):
    group = on.CircuitGroup(make_every_operator())
    with pytest.raises(ValueError, match=message):
        run_args({group.projections[f"c_{name}"]: weights})


@reruns
def test_weights_that_need_another_kernel():
    """A large ring is transformed if most of its weights are not zero, and shifted otherwise."""
    group = b2.NeuronGroup(2048, "x : 1\nr : 1")
    full, few = on.Circulant(np.ones(2048)), on.Circulant(np.eye(1, 2048)[0])
    for old, new in ((full, few), (few, full)):
        projection = on.Projection(group, group, old, source="x", target="r")
        with pytest.raises(ValueError, match="with about as many weights that are not zero; for others build"):
            run_args({projection: new})


@reruns
@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((6, 20)), r"have the shape \(6, 20\), but must be one number or have the shape \(20, 6\)"),
        (np.zeros((20, 5)), r"have the shape \(20, 5\)"),
        (np.full((20, 6), np.nan), r"must be finite, but holds nan at index \(0, 0\)"),
        (np.full((20, 6), np.inf) * b2.mV, "must be finite"),
        ("i", "must be a number or an array of numbers, got 'i'"),
    ],
)
def test_bad_recorded_inputs(values, message):
    with pytest.raises((ValueError, TypeError), match=message):
        run_args({b2.TimedArray(np.zeros((20, 6)), dt=0.1 * ms): values})


@reruns
def test_bad_sweeps():
    with pytest.raises(RuntimeError, match="call build\\(run=False\\) first"):
        sweep([{}], read=None)
    with pytest.raises(ValueError, match="processes must be a positive integer, got 0"):
        sweep([{}], read=None, processes=0)
    for changes in ({}, None):
        with pytest.raises(TypeError, match=f"changes must be a list with a dictionary for each run, got {changes}"):
            sweep(changes, read=None)
