"""Neurons that a network has beside the circuit: their spikes as rates in Hz, in simulations and in experiments."""

import brian2 as b2
import numpy as np
import pytest
from brian2 import Hz, ms

import organics_neuro as on
from organics_neuro.engines import Network

TAU, GAIN, DT = 10 * ms, 20.0, 1e-4
NAMES = ["lif.firing_rate", "cells.firing_rate", "lif.v"]


def build(circuit, trials):
    """Integrate-and-fire neurons, which are driven by rates of the circuit, and Poisson neurons, four for each unit."""
    v1 = on.CircuitGroup(circuit, trials, name="v1")
    lif = b2.NeuronGroup(
        len(v1),
        "dv/dt = (drive - v)/TAU : 1\ndrive : 1",
        threshold="v > 1",
        reset="v = 0",
        method="exact",
        namespace={"TAU": TAU},
        name="lif",
    )
    on.set_trials(lif, trials)
    cells = on.rate_to_spikes(v1, maximum=200 * Hz, cells=4, name="cells")
    return b2.Network(v1, lif, cells, on.rate_to_current(v1, lif, "drive", GAIN)), v1


def engine(**options):
    return Network(build, **{"measure": NAMES, "seed": 1, "dt": DT, **options})


def rate_of(drive):
    """Firing rate of the integrate-and-fire neurons in Hz, whose intervals are whole steps."""
    drive = np.asarray(drive, dtype=float)
    interval = -float(TAU) * np.log1p(-1 / np.where(drive > 1, drive, 2))
    return np.where(drive > 1, 1 / (DT * np.ceil(interval / DT)), 0)


@pytest.mark.parametrize("device", ["runtime", "cpp"])
def test_spikes_are_counted_from_one_sample_to_the_next(device):
    circuit, record = on.ring(n=10), ["rate_y", *NAMES]
    z = on.stimuli.contrast_series(circuit, [0.2, 1.0])
    found = on.simulate(circuit, z, 0.4, engine(device=device), record=record, every=1000)
    assert {name: value.shape for name, value in found.items()} == dict.fromkeys(record, (5, 2, 10))
    assert not found["lif.firing_rate"][0].any()
    late = found["lif.firing_rate"][2:].mean(axis=0)
    expected = rate_of(GAIN * found["rate_y"][-1])
    assert expected.max() > 200
    np.testing.assert_allclose(late, expected, atol=1.01 / 0.3)
    counts = 200 * 0.3 * 4 * found["rate_y"][-1]
    difference = found["cells.firing_rate"][2:].mean(axis=0) * 0.3 * 4 - counts
    assert np.all(np.abs(difference) < 4 * np.sqrt(counts) + 1e-9)
    silent = expected == 0
    np.testing.assert_allclose(found["lif.v"][-1][silent], GAIN * found["rate_y"][-1][silent], rtol=1e-3, atol=1e-9)


def test_one_sample_at_the_end_counts_all():
    circuit = on.ring(n=10)
    z = on.stimuli.contrast_series(circuit, [1.0])
    fine = on.simulate(circuit, z, 0.1, engine(), record=NAMES)
    end = on.simulate(circuit, z, 0.1, engine(), record=NAMES, every=None)
    for name in NAMES[:2]:
        np.testing.assert_allclose(end[name][0], fine[name][1:].mean(axis=0))
    np.testing.assert_array_equal(end["lif.v"][0], fine["lif.v"][-1])


def test_contrast_response_and_tuning_have_a_column_for_each_population():
    circuit, how = on.ring(n=10), engine(duration=0.6, window=0.4)
    found = on.experiments.contrast_response(circuit, [0.1, 0.3, 1.0], engine=how)
    rate = found["lif.firing_rate"]
    assert rate.dims == ("mask", "contrast", "lif_unit")
    assert rate.attrs == {"preferred_unit": 5, "long_name": "firing rate of lif", "units": "Hz"}
    assert found["lif.v"].attrs["units"] == "SI"
    # the window holds whole intervals but for one
    np.testing.assert_allclose(rate, rate_of(GAIN * found.rate_y.values), atol=1 / 0.4)
    tuned = on.experiments.orientation_tuning(circuit, [1.0], [90, 180, 270], engine=how)["cells.firing_rate"]
    assert tuned.dims == ("contrast", "angle", "cells_unit")
    assert tuned.values[0, :, 5].argmax() == 1
    ax = pytest.importorskip("matplotlib.pyplot").subplots()[1]
    on.plotting.contrast_response(found, output="lif.firing_rate", ax=ax)
    assert ax.get_ylabel() == "firing rate of lif (Hz)"


def test_spectrum_of_a_firing_rate():
    """Poisson neurons of a constant rate r: the spectrum of the mean of n trains is flat, r/n."""
    circuit, how = on.ring(n=10), engine(duration=0.7, transient=0.1, measure=["cells.firing_rate"])
    options = {"state": "cells.firing_rate", "resolution": 10.0}
    found = on.experiments.power_spectrum(circuit, [1.0], engine=how, **options)
    rate = on.theory.fixed_point(circuit, on.stimuli.contrast_series(circuit, [1.0])[0]).state["y"] ** 2
    expected = 200 * rate.mean() / (4 * 10)
    assert found["mean"].attrs["units"] == "Hz"
    assert list(found.data_vars) == ["mean"]
    np.testing.assert_allclose(found["mean"].mean(), expected, rtol=0.15)
    peak = on.experiments.gamma(circuit, [1.0], engine=how, **options)
    assert peak["peak_power"].attrs["units"] == "Hz"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"measure": ["lif"]}, "measure takes names such as 'lif.firing_rate', .* got 'lif'"),
        ({"measure": ["none.firing_rate"]}, "unknown group in measure 'none'; known: "),
        ({"measure": ["lif.w"]}, "unknown variable of 'lif' in measure 'w'; known: "),
        ({"measure": ["v1.firing_rate"]}, "'v1' has no threshold, so it never fires; measure one of its variables"),
        ({"measure": ["cells_rates.rate"]}, "the group 'cells_rates' has 1 trials, but the run 2; say set_trials"),
    ],
)
def test_bad_measure(options, message):
    circuit = on.ring(n=10)
    with pytest.raises(ValueError, match=message):
        on.simulate(circuit, np.ones((2, 10)), 1e-3, engine(**options), record=options["measure"])


def test_a_measure_is_a_list():
    with pytest.raises(TypeError, match="measure must be a list, got 'lif.firing_rate'"):
        engine(measure="lif.firing_rate")
