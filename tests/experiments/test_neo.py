"""Recordings as blocks of neo: signals and spikes come back as they were."""

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.core.errors import MissingExtraError
from organics_neuro.experiments import neo_export


@pytest.fixture
def recorded():
    engine = on.engines.Reference(dt=1e-3, progress=False)
    return on.simulate(on.ring(9), np.ones((2, 9)), 0.01, engine, record=["y", "rate_y"])


def test_signals_and_spikes(recorded):
    pytest.importorskip("neo")
    spikes = {"v1": ([0.002, 0.001, 0.004], [0, 0, 1], [3, 3, 5])}
    block = on.experiments.to_neo(recorded, 1e-3, spikes, circuit="key")
    assert [segment.name for segment in block.segments] == ["trial 0", "trial 1"]
    for k, segment in enumerate(block.segments):
        for signal in segment.analogsignals:
            np.testing.assert_array_equal(signal.magnitude, recorded[signal.name][:, k])
            assert float(signal.sampling_period.rescale("s")) == 1e-3
    (train,) = block.segments[0].spiketrains
    np.testing.assert_allclose(train.rescale("s").magnitude, [0.001, 0.002])
    assert (train.annotations["unit"], block.annotations["circuit"]) == (3, "key")
    assert [t.annotations["unit"] for t in block.segments[1].spiketrains] == [5]


def test_spikes_of_a_monitor():
    pytest.importorskip("neo")
    import brian2 as b2

    b2.prefs.codegen.target = "numpy"
    v1 = on.CircuitGroup(on.ring(9), trials=2)
    v1.z = 1.0
    neurons = on.rate_to_spikes(v1, "rate_y", maximum=1000 * b2.Hz, cells=2)
    monitor = b2.SpikeMonitor(neurons)
    b2.Network(v1, neurons, monitor).run(50 * b2.ms)
    block = on.experiments.to_neo(None, 1e-4, {"v1": monitor})
    assert sum(len(train) for segment in block.segments for train in segment.spiketrains) == monitor.num_spikes
    second = monitor.i[:] // 18 == 1
    assert sum(len(train) for train in block.segments[1].spiketrains) == second.sum()
    with pytest.raises(ValueError, match="come from a group without trials"):
        on.experiments.to_neo(None, 1e-4, {"x": b2.SpikeMonitor(b2.NeuronGroup(2, "v : 1", threshold="v > 1"))})


def test_bad_input(recorded, monkeypatch):
    pytest.importorskip("neo")
    with pytest.raises(ValueError, match=r"recorded 'y' has shape \(9,\), but needs \(samples, trials, units\)"):
        on.experiments.to_neo({"y": np.ones(9)}, 1e-3)
    with pytest.raises(ValueError, match="spikes 'v1' must be a monitor, or times, trials and units"):
        on.experiments.to_neo(recorded, 1e-3, {"v1": [1, 2]})


def test_without_neo(recorded, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "neo", None)
    with pytest.raises(MissingExtraError, match=r"organics_neuro\[neo\]"):
        neo_export.to_neo(recorded, 1e-3)
