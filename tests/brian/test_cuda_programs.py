"""Whole programs of the device "cuda" against the same script in NumPy: on a GPU, or on the stand-in of tests/cuda_on_cpu.

Each program is run again afterwards: the same bits. The stand-in takes other orders of blocks and threads for that, so
that what depends on them, a race, is seen; a GPU has orders of its own.
"""

import os
import subprocess

import brian2 as b2
import numpy as np
import pytest
from brian2 import ms

import organics_neuro as on
from organics_neuro.brian import build, kernels, sweep
from tests.brian.operators import make_every_operator
from tests.circuits import make_chain, make_late, make_main, one_unit
from tests.simulators import simulate_reference

pytestmark = pytest.mark.gpu

STEP = 0.1 * ms
LATE = on.CircuitModel(
    "late",
    "dx/dt = (-x + z - back)/tau_x : 1\nz : 1\nback : 1\ntau_x : second",
    couplings=[on.Coupling("back", "W", "x**2", delay=3e-4)],
    parameters={"tau_x": 4e-3},
)
_ORDERS = ("reverse", "1")
#: Units of a ring that is transformed.
LARGE = 4800
#: Name, circuit, trials, method, and launches of a step.
LAUNCHES = [
    ("densely", make_main(n=16), 1, "rk4", 8),
    ("ring", on.ring(n=16), 3, "rk4", 8),
    ("single", make_main(n=16), 1, "euler", 2),
    ("costly", make_chain(), 1, "rk4", 21),
    ("sheet", on.sheet(5, 5, 9), 1, "rk4", 12),
]


def results(folder):
    """What a program has written, but for how long it took."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name.startswith("_")}


def run_again(program, folder, **environment):
    """Start a program that was built once more; returns what it has written."""
    (program / folder).mkdir()
    environment = {**os.environ, **environment}
    command = ["./main", "--results_dir", f"{folder}/"]
    subprocess.run(command, cwd=program, env=environment, check=True, stdout=subprocess.DEVNULL)
    return results(program / folder)


def assert_order_is_of_no_importance(program):
    expected = results(program / "results")
    assert expected
    for order in _ORDERS:
        found = run_again(program, f"order_{order}", CUDA_ON_CPU_ORDER=order)
        assert [name for name in expected if found[name] != expected[name]] == []


def run_on_both(script, folder):
    """What a script returns in NumPy and on "cuda"; it calls what it is given after its last ``run()``."""
    expected = script(lambda: None)
    b2.start_scope()
    on.use_device("cuda", directory=str(folder), build_on_run=False)
    found = script(build)
    assert found.keys() == expected.keys()
    return {name: (found[name], expected[name]) for name in expected}


def assert_equal(pairs, single=()):
    for name, (found, expected) in pairs.items():
        tolerance = 1e-4 if name in single else 1e-11
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance, err_msg=name)


def states(groups):
    """The states of circuit groups at the end, by names of ours."""
    return {f"{name}.{x}": np.array(getattr(g, f"{x}_")[:]) for name, g in groups.items() for x in g.circuit.states}


def test_several_runs_and_changed_weights(tmp_path):
    """Two runs: inputs, weights in both precisions and a state are changed between them; a delay goes on."""
    rng = np.random.default_rng(0)
    drives, weights = rng.normal(size=(2, 2, 16)), rng.normal(size=(16, 16)) / 16
    late = on.Circuit(LATE, {"W": weights})

    def script(finish):
        groups = {
            "rk4": on.CircuitGroup(make_main(n=16), trials=2, method="rk4", dt=STEP),
            "single": on.CircuitGroup(make_main(n=16), trials=2, method="ab2", weights_dtype=np.float32, dt=STEP),
            "late": on.CircuitGroup(late, trials=2, method="heun", dt=STEP),
        }
        network = b2.Network(*groups.values())
        for k, drive in enumerate(drives):
            for group in groups.values():
                group.z = drive
            if k:
                groups["rk4"].y = 0.5
                groups["rk4"].projections["recurrent"].matrix = weights
                groups["single"].projections["recurrent"].matrix = weights
            network.run(1 * ms)
        finish()
        return states(groups)

    assert_equal(run_on_both(script, tmp_path), single=("single.y", "single.a"))
    assert_order_is_of_no_importance(tmp_path)


def test_what_a_circuit_may_have(tmp_path):
    """Delays, outputs with weights, inputs in time, monitors, subgroups with units, states in single precision."""
    rng = np.random.default_rng(1)
    recording, z = rng.normal(size=(20, 2 * 12)), rng.normal(size=(3, 48)) / 3
    gain = 2 * b2.mV

    def script(finish):
        groups = {
            "chain": on.CircuitGroup(make_chain(), trials=2, method="heun", dt=STEP),
            "in time": on.CircuitGroup(on.ring(n=12), 2, "rk4", inputs={"z": "recording(t, i)"}, dt=STEP),
            "single": on.CircuitGroup(make_main(n=16), trials=3, method="rk4", dtype=np.float32, dt=STEP),
            "double weights": on.CircuitGroup(make_main(), dtype=np.float32, weights_dtype=np.float64, dt=STEP),
            "single weights": on.CircuitGroup(make_every_operator(), 3, weights_dtype=np.float32, dt=STEP),
        }
        joined = on.groups(make_late(), trials=2, method="euler", dt=STEP)
        groups["single"].z, groups["double weights"].z, groups["single weights"].z = 0.7, 0.5, z
        units = b2.NeuronGroup(9, "dv/dt = (5*mV - v + w)/(5*ms) : volt\nw : volt", method="euler", dt=STEP)
        units.v = np.linspace(-1, 1, 9) * b2.mV
        between = on.Projection(units[1:5], units[4:7], z[:3, :4], source="gain*tanh(v/(2*mV))", target="w")
        trace = b2.StateMonitor(groups["in time"], ["y", "a"], record=True)
        lfp = b2.StateMonitor(groups["chain"].external["lfp"], "lfp", record=True)
        network = b2.Network(*groups.values(), *joined.values(), units, between, trace, lfp)
        network.run(2 * ms, namespace={"recording": b2.TimedArray(recording, dt=STEP), "gain": gain})
        finish()
        found = states(groups) | {f"joined.{p}.{x}": v for p, g in joined.items() for x, v in states({"": g}).items()}
        return found | {
            "units.v": np.array(units.v / b2.mV),
            "trace": np.concatenate([trace.y, trace.a]),
            "lfp": np.array(lfp.lfp),
        }

    pairs = run_on_both(script, tmp_path)
    assert_equal(pairs, single=[name for name in pairs if name.startswith(("single", "double weights"))])
    assert_order_is_of_no_importance(tmp_path)


def lif_network(delays):
    """A circuit that drives spiking neurons, which answer through Brian2's own synapses."""
    rng = np.random.default_rng(3)
    circuit = on.ring(n=12)
    inputs = {"z": "drive + 0.02*feedback"}
    v1 = on.CircuitGroup(circuit, 2, "rk4", inputs=inputs, equations="drive : 1\nfeedback : 1", dt=STEP)
    v1.drive = np.tile(np.linspace(0, 1, 12), 2)
    lif = b2.NeuronGroup(
        30,
        "dv/dt = (current - v)/(10*ms) : 1 (unless refractory)\ncurrent : 1\ndg/dt = -g/(5*ms) : 1",
        threshold="v > 1",
        reset="v = 0",
        refractory=2 * ms,
        method="euler",
        dt=STEP,
    )
    lif.v = rng.uniform(size=30)
    down = on.Projection(v1, lif, rng.uniform(0, 1, size=(15, 12)), source="2*y**2", target="current")
    instant = b2.Synapses(lif, lif, "w : 1", on_pre="v_post += w")
    delayed = b2.Synapses(lif, lif, "w : 1", on_pre="g_post += w", delay=1.5 * ms)
    back = b2.Synapses(lif, v1, "w : 1", on_pre="feedback_post += w")
    for synapses in (instant, delayed, back):
        i, j = np.nonzero(rng.uniform(size=(30, len(synapses.target))) < 0.2)
        synapses.connect(i=i, j=j)
        synapses.w = rng.uniform(0, 0.05, size=len(i))
    if delays is not None:
        back.delay = rng.choice(delays, size=len(i)) * STEP
    rates, spikes = b2.StateMonitor(v1, "y", record=[0, 5, 23]), b2.SpikeMonitor(lif)
    return b2.Network(v1, lif, down, instant, delayed, back, rates, spikes), v1, lif, rates, spikes


def read_lif(v1, lif, rates, spikes):
    """What the network did; spikes of one step have no order."""
    steps = np.round(np.array(spikes.t) / float(STEP)).astype(int)
    order = np.lexsort((np.array(spikes.i), steps))
    ends = {"y": v1.y, "feedback": v1.feedback, "v": lif.v, "g": lif.g, "rates": rates.y}
    spiked = {"i": np.array(spikes.i)[order], "steps": steps[order]}
    return {name: np.array(value) for name, value in ends.items()} | spiked


@pytest.mark.parametrize(
    ("delays", "orders"),
    [
        (None, ("0", "reverse", "1")),
        (
            (2, 7, 11),
            ("reverse",),
        ),  # brian2cuda prepares their queues in a race, which thread 0 must lose (docs/cuda.md)
    ],
    ids=["delays of one length", "delays that differ"],
)
def test_beside_spiking_neurons_and_synapses(delays, orders, tmp_path, monkeypatch):
    """What synapses add to one variable is added in any order: equal to rounding."""
    network, *parts = lif_network(delays)
    network.run(40 * ms)
    expected = read_lif(*parts)
    assert len(expected["i"]) > 20
    b2.start_scope()
    on.use_device("cuda", directory=str(tmp_path), build_on_run=False)
    network, *parts = lif_network(delays)
    network.run(40 * ms)
    build(run=False)
    for order in orders:
        monkeypatch.setenv("CUDA_ON_CPU_ORDER", order)
        b2.get_device().run(results_directory=f"results_{order}")
        found = read_lif(*parts)
        assert_equal({name: (found[name], value) for name, value in expected.items()})


def test_statistics_of_noise(tmp_path):
    """The covariance that theory gives, for white noise, processes and noise of an input, in two runs."""
    circuit, trials, z = one_unit(), 4000, [1.0]
    circuit = circuit.replace(initial=on.theory.fixed_point(circuit, z).state)
    noises = {
        "white": {"y": 1e-3, "a": 5e-4},
        "processes": {"a": on.Noise(1e-3, 2e-3), "z": on.Noise(3e-3, 4e-3, shared=True)},
    }
    on.use_device("cuda", directory=str(tmp_path), build_on_run=False)
    b2.seed(4)
    groups = {name: on.CircuitGroup(circuit, trials, "rk4", noise=noise, dt=STEP) for name, noise in noises.items()}
    for group in groups.values():
        group.z = 1.0
    # two runs: noise goes on, and does not begin anew
    network = b2.Network(*groups.values())
    network.run(15 * ms)
    network.run(15 * ms)
    build()
    for name, group in groups.items():
        found = np.cov(np.array(group.y[:]), np.array(group.a[:]))
        np.testing.assert_allclose(found, on.theory.covariance(circuit, z, noises[name]), rtol=0.12, err_msg=name)
    y = np.array(groups["white"].y[:])
    assert np.unique(y).size == trials
    assert abs(np.corrcoef(y[:-1], y[1:])[0, 1]) < 4 / trials**0.5
    assert_order_is_of_no_importance(tmp_path)


def test_a_sweep_compiles_once(tmp_path):
    """Inputs, weights in single precision, a parameter, a start and a recording."""
    rng = np.random.default_rng(0)
    sum_ = on.Dense(rng.uniform(size=(4, 4))) + on.AllToAll(4, 0.5)
    circuit = make_main().replace(weights={"W": sum_})
    on.use_device("cuda", directory=str(tmp_path), build_on_run=False)
    stimulus = b2.TimedArray(np.zeros((20, 8)), dt=STEP)
    fixed = on.CircuitGroup(circuit, trials=2, dt=STEP)
    single = on.CircuitGroup(circuit, trials=2, weights_dtype=np.float32, method="ab2", dt=STEP)
    timed = on.CircuitGroup(circuit, trials=2, inputs={"z": "stimulus(t, i)"}, dt=STEP)
    b2.Network(fixed, single, timed).run(2 * ms, namespace={"stimulus": stimulus})
    build(run=False)
    built = os.stat(tmp_path / "main").st_mtime_ns

    def end(circuit, z, method="euler", **options):
        return simulate_reference(circuit, z, 2e-3, 1e-4, method, **options)["y"][-1]

    def compare(changes, group, expected, tolerance=1e-12):
        found = sweep([changes], lambda: group.per_trial(group.y[:]))[0]
        np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), rtol=tolerance, atol=tolerance)

    z, other, recording = (
        rng.normal(size=(2, 4)),
        0.3 * on.Dense(np.eye(4)) + on.AllToAll(4, 0.2),
        rng.normal(size=(20, 2, 4)),
    )
    start = {"a": circuit.initial["a"]}  # of the normalizers, computed with the first sigma
    compare({(fixed, "z"): z}, fixed, end(circuit, z))
    compare({(fixed, "z"): z, fixed.projections["pool"]: other}, fixed, end(circuit.replace(weights={"W": other}), z))
    compare({(fixed, "z"): z, (fixed, "sigma"): 0.5}, fixed, end(circuit.replace(sigma=0.5), z, initial=start))
    compare({(fixed, "z"): z, (fixed, "y"): 0.1}, fixed, end(circuit, z, initial={"y": np.full(4, 0.1)}))
    compare({stimulus: recording}, timed, end(circuit, recording))
    changed = circuit.replace(weights={"W": other})
    compare({(single, "z"): z, single.projections["pool"]: other}, single, end(changed, z, "ab2"), 1e-5)
    assert os.stat(tmp_path / "main").st_mtime_ns == built


def test_products_by_libraries(tmp_path, monkeypatch):
    """Dense weights and a small ring by cuBLAS, a large ring by cuFFT, with sources that are plain variables and others."""
    monkeypatch.setattr(kernels.program, "LIBRARY_WORK", 0)
    drive = np.random.default_rng(5).uniform(size=(2, 16))

    def script(finish):
        groups = {
            "dense": on.CircuitGroup(make_main(n=16), 2, "rk4", dt=STEP),
            "single": on.CircuitGroup(make_main(n=16), 2, weights_dtype=np.float32, dt=STEP),
            "ring": on.CircuitGroup(on.ring(n=16), 2, "heun", dt=STEP),
            "large ring": on.CircuitGroup(on.ring(n=LARGE), 2, dt=STEP),
        }
        for group in groups.values():
            group.z = drive if group.units == 16 else np.tile(drive, LARGE // 16)
        b2.Network(*groups.values()).run(5 * STEP)
        finish()
        return states(groups)

    assert_equal(run_on_both(script, tmp_path), single=("single.y", "single.a"))
    assert_order_is_of_no_importance(tmp_path)
    if counts := count(tmp_path, "counting"):
        assert counts["cublasDgemm"] == 5 * (2 * 4 + 2)
        assert counts["cublasSgemm"] == 2 * 5
        assert counts["cufftExecD2Z"] == counts["cufftExecZ2D"] == 5


def count(program, folder):
    """How often a program launches and calls what, by name; nothing on a GPU, which does not count."""
    counted = program / f"{folder}.txt"
    run_again(program, folder, CUDA_ON_CPU_COUNTS=str(counted))
    lines = counted.read_text().splitlines() if counted.exists() else []
    return {name: int(count) for name, count in (line.split("\t") for line in lines)}


def test_weights_take_the_memory_of_their_type(tmp_path, monkeypatch):
    """Single precision: 4 bytes for each weight, in the files of a program and on the device. One handle of cuBLAS."""
    monkeypatch.setattr(kernels.program, "LIBRARY_WORK", 0)
    on.use_device("cuda", directory=str(tmp_path), build_on_run=False)
    groups = [on.CircuitGroup(make_main(n=60), 2, weights_dtype=dtype, dt=STEP) for dtype in (np.float32, np.float64)]
    network = b2.Network(*groups)
    network.run(1 * STEP)
    groups[0].projections["pool"].matrix = np.eye(60)
    network.run(1 * STEP)
    build()
    sizes = [path.stat().st_size for path in (tmp_path / "static_arrays").iterdir() if "matrix" in path.name]
    assert sorted(sizes) == [4 * 3600] * 3 + [8 * 3600] * 2
    if counts := count(tmp_path, "counting"):
        assert counts["bytes of cudaMalloc"] < sum(sizes) + 30000
        assert counts["cublasCreate"] == 1
        assert counts["cublasSgemm"] == counts["cublasDgemm"] == 4


def test_launches_of_a_step(tmp_path):
    """The couplings of a circuit and its update are one launch each for every stage."""
    steps, groups = 5, {}
    on.use_device("cuda", directory=str(tmp_path), build_on_run=False)
    for name, circuit, trials, method, _ in LAUNCHES:
        groups[name] = on.CircuitGroup(circuit, trials, method, dt=STEP, name=name)
    b2.Network(*groups.values()).run(steps * STEP)
    build()
    counts = count(tmp_path, "counting")
    for name, *_, expected in LAUNCHES if counts else ():
        of_group = [number for text, number in counts.items() if text.startswith(f"launch _run_kernel_{name}_")]
        assert sum(of_group) == steps * expected, name
    assert "cublasCreate" not in counts
