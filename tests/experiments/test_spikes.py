"""Experiments on neurons beside a circuit, against closed forms: f–I curve, spike-triggered average, coherence with a field."""

import brian2 as b2
import numpy as np
import pytest
from brian2 import Hz, ms

import organics_neuro as on
from organics_neuro.engines import Network

#: Follows its drive with one time constant.
FOLLOWER = on.CircuitModel(
    "follower",
    "dr/dt = (level - r)/tau_r : 1\nlevel : 1\ntau_r : second",
    parameters={"tau_r": 5e-3},
    outputs={"rate_r": "r"},
)
TAU, MAXIMUM, CELLS = 5e-3, 100.0, 3


def lif(circuit, trials):
    group = on.CircuitGroup(circuit, trials, dt=0.05 * ms)
    text = "dv/dt = (drive - v)/(10*ms) : 1\ndrive : 1"
    neurons = b2.NeuronGroup(
        len(group), text, threshold="v > 1", reset="v = 0", method="exact", dt=0.05 * ms, name="lif"
    )
    on.set_trials(neurons, trials)
    return b2.Network(group, neurons, on.rate_to_current(group, neurons, "drive", rate="r")), group


def poisson(circuit, trials, noise=0.0, **options):
    group = on.CircuitGroup(circuit, trials, noise={"r": noise} if noise else None, **options)
    spikes = on.rate_to_spikes(group, "rate_r", MAXIMUM * Hz, CELLS, name="cells")
    return b2.Network(group, spikes), group


def test_f_i_curve_of_integrate_and_fire_neurons():
    circuit, drives = on.Circuit(FOLLOWER, size=2), np.linspace(0.5, 4, 8)
    engine = Network(lif, measure=["lif.firing_rate"], duration=1.0, window=0.9, dt=5e-5)
    found = on.experiments.f_i_curve(circuit, drives, engine)
    interval = -0.01 * np.log1p(-1 / np.where(drives > 1, drives, 2))
    expected = np.where(drives > 1, 1 / (5e-5 * np.ceil(interval / 5e-5)), 0)  # of whole steps
    np.testing.assert_allclose(found["lif.firing_rate"].isel(lif_unit=0), expected, atol=1.01 / 0.9)
    assert found.attrs["described"] == "lif.firing_rate"
    assert 1 <= found.rheobase < 1.5  # between two drives
    middle = (expected >= 0.2 * expected.max()) & (expected <= 0.8 * expected.max())
    assert found.gain == pytest.approx(np.polyfit(drives[middle], expected[middle], 1)[0], rel=0.05)
    assert found.gain.attrs["units"] == "Hz"
    ax = on.plotting.f_i_curve(found)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("drive", "firing rate of lif (Hz)")


def test_f_i_curve_of_a_circuit():
    """A declared circuit with the curve relu(2 z - 1)."""
    text = "dr/dt = (level - r)/tau_r : 1\nlevel : 1\ntau_r : second"
    model = on.CircuitModel("line", text, parameters={"tau_r": TAU}, outputs={"rate_r": "relu(2*r - 1)"})
    found = on.experiments.f_i_curve(on.Circuit(model, size=1), np.linspace(0, 3, 61))
    np.testing.assert_allclose(found["rate_r"].isel(unit=0), np.maximum(2 * found.drive - 1, 0), atol=1e-9)
    assert found.gain == pytest.approx(2)
    assert found.rheobase == pytest.approx(0.525)  # a hundredth of 5 is reached at half a step above 0.5


def test_spike_triggered_average_is_the_filter():
    """Of Poisson neurons with a linear rate: deviation/mean times the impulse response."""
    circuit, mean, deviation, lags = on.Circuit(FOLLOWER, size=2), 0.5, 0.3, 12
    a = 1e-3 / TAU
    response = deviation / mean * a * (1 - a) ** np.arange(lags)
    settings = {"mean": mean, "deviation": deviation, "lags": lags, "unit": 1}
    engine = Network(poisson_1ms, measure=["cells.firing_rate"], duration=30.0, dt=1e-3, seed=2)
    # neurons fire at the rate of the beginning of a step
    for how, late in ((engine, 1), ("reference(duration=30.0)", 0)):
        found = on.experiments.spike_triggered_average(circuit, how, **settings)
        expected, error = np.concatenate([np.zeros(late), response])[:lags], float(found.error)
        assert np.all(np.abs(found.average.isel(stimulus_unit=1) - expected) < 4 * error)
        assert np.all(np.abs(found.average.isel(stimulus_unit=0)) < 4 * error)
        assert abs(found.latency - late * 1e-3) < 1.1e-3
        assert error < 0.03
    assert found.rate == pytest.approx(mean, rel=0.05)


def poisson_1ms(circuit, trials):
    return poisson(circuit, trials, dt=1 * ms)


def test_hold_shows_each_value_for_several_steps():
    circuit = on.Circuit(FOLLOWER, size=1)
    found = on.experiments.spike_triggered_average(
        circuit, "reference(duration=40.0)", mean=0.5, deviation=0.2, hold=4e-3, lags=5
    )
    kept = (1 - 1e-3 / TAU) ** 4
    np.testing.assert_allclose(found.lag, 4e-3 * np.arange(5))
    np.testing.assert_allclose(
        found.average.isel(stimulus_unit=0), 0.4 * (1 - kept) * kept ** np.arange(5), atol=4 * float(found.error)
    )


def noisy(circuit, trials):
    return poisson(circuit, trials, noise=NOISE, dt=0.5 * ms)


NOISE = 0.1


def test_spike_field_coherence_of_poisson_neurons():
    """They add white noise, r/n of the mean rate r of n neurons, to the spectrum of the field that they follow."""
    circuit, contrasts = on.Circuit(FOLLOWER, size=2), [0.5, 1.0]
    engine = Network(noisy, measure=["cells.firing_rate"], duration=8.0, trials=4, dt=5e-4, seed=3)
    found = on.experiments.spike_field_coherence(
        circuit, contrasts, engine, field="r", stimulus={"level": np.ones(2)}, resolution=5.0
    )
    frequency = found.frequency.values
    power = MAXIMUM**2 * NOISE**2 * TAU / (1 + (2 * np.pi * frequency * TAU) ** 2)
    for contrast in contrasts:
        expected = power / (power + MAXIMUM * contrast / CELLS)
        measured, low = found.coherence.sel(contrast=contrast), frequency < 100
        np.testing.assert_allclose(measured[low], expected[low], atol=0.15)
        assert abs(float((measured - expected)[low].mean())) < 0.03
        # of one of two units, the field has half of the noise
        alone = found.unit_coherence.sel(contrast=contrast).isel(neuron=0)
        assert abs(float((alone - expected / 2)[low].mean())) < 0.03
    np.testing.assert_allclose(found.rate, MAXIMUM * np.outer(contrasts, [1, 1]), rtol=0.08)
    np.testing.assert_allclose(
        found.field_power[0, 1:10], NOISE**2 * TAU / 2 / (1 + (2 * np.pi * frequency[1:10] * TAU) ** 2), rtol=0.5
    )
    assert 0 < found.chance < 0.05
    ax = on.plotting.spike_field_coherence(found)
    assert ax.get_ylabel() == "spike-field coherence"
    ax = on.plotting.spike_triggered_average(on.experiments.spike_triggered_average(circuit, mean=0.5, deviation=0.1))
    assert ax.get_xlabel() == "time before the spike (ms)"


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("f_i_curve", {"drives": [1.0]}, "drives must be two numbers or more in increasing order"),
        ("f_i_curve", {"drives": [0, 1], "input": "w"}, "unknown input 'w'; known: 'level'"),
        ("f_i_curve", {"drives": [0, 1], "output": "w"}, "unknown output 'w'; known: 'rate_r'"),
        ("spike_triggered_average", {"deviation": 0}, "deviation must be one number above 0"),
        ("spike_triggered_average", {"hold": 1.5e-3}, "hold = 0.0015 s must be a multiple of the step, 0.001 s"),
        (
            "spike_triggered_average",
            {"mean": -1.0, "output": "rate_r", "deviation": 0.01},
            "unit 0 of rate_r did not fire",
        ),
        ("spike_triggered_average", {"unit": 7, "mean": 1.0}, "unit = 7 must be from 0 to 1"),
        ("spike_triggered_average", {"engine": "theory"}, "the engine theory cannot simulate"),
        (
            "spike_triggered_average",
            {"engine": "reference(duration=0.01)"},
            "a duration of 0.01 s is too short for 20 lags",
        ),
        ("spike_field_coherence", {"contrasts": [1.0]}, "the engine brian measures no spikes; use engines.Network"),
        ("spike_field_coherence", {"contrasts": [1.0], "resolution": 0}, "resolution must be one frequency above 0"),
    ],
)
def test_bad_input(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        getattr(on.experiments, name)(on.Circuit(FOLLOWER, size=2), **arguments)
