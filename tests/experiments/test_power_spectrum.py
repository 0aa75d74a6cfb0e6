"""Power spectrum: golden peaks, theory's own sums, and the simulator against theory."""

import numpy as np
import pytest
from brian2 import Hz, ms

import organics_neuro as on
from organics_neuro.core.errors import UnitError
from organics_neuro.engines import Brian, as_engine
from tests.circuits import make_main
from tests.parity.circuits import make_excitation_inhibition

NOISE = {"y": 1e-3}


def test_golden_peaks_of_the_coherent_mode(reference):
    golden = reference["ring_coherent_mode_peak"]
    dataset = on.experiments.power_spectrum(
        on.ring(), [row["c"] for row in golden], NOISE, engine="theory", frequencies=np.arange(1, 100, 0.5)
    )
    peaks = dataset.coherent.idxmax("frequency")
    np.testing.assert_array_equal(peaks, [row["peak_hz"] for row in golden])


def test_integral_is_the_variance():
    """Of the coherent mode and of the mean, from the covariance of the linearised circuit."""
    circuit, noise = on.ring(n=9), {"y": 1e-3, "a": 2e-3}
    frequencies = np.concatenate([[0], np.geomspace(0.01, 1e6, 4000)])
    dataset = on.experiments.power_spectrum(circuit, [0.3, 1], noise, engine="theory", frequencies=frequencies)
    z = on.stimuli.drive(circuit, on.stimuli.grating(circuit))
    for contrast in (0.3, 1):
        covariance = on.theory.covariance(circuit, contrast * z, noise)[:9, :9]
        for signal, readout in {"coherent": z / np.linalg.norm(z), "mean": np.full(9, 1 / 9)}.items():
            power = dataset[signal].sel(contrast=contrast)
            variance = 2 * np.trapezoid(power, frequencies)
            assert variance == pytest.approx(readout @ covariance @ readout, rel=1e-3)


def test_simulation_agrees_with_theory():
    arguments, readouts = (on.ring(n=9), [0.4, 1.0], NOISE), ("coherent", "mean")
    measured = on.experiments.power_spectrum(
        *arguments, Brian(trials=32, duration=1.0, dt=5e-5, transient=0.2, seed=1), resolution=5.0
    )
    expected = on.experiments.power_spectrum(*arguments, engine="theory", resolution=5.0)
    measured = measured.sel(frequency=slice(20, 200))  # below, a window smears the steep rise of the coherent mode
    expected = expected.sel(frequency=measured.frequency)
    for signal in readouts:
        ratio = (measured[signal] / expected[signal]).values
        # 32 trials of about 9 windows each: a standard error of 8 % for one frequency, of 1 % for all
        assert np.abs(ratio - 1).max() < 0.4
        np.testing.assert_allclose(ratio.mean(axis=1), 1, atol=0.05)


def test_labels_and_seed():
    def measure(seed):
        return on.experiments.power_spectrum(
            on.ring(n=9), [0.5], NOISE, Brian(trials=2, duration=0.1, dt=5e-4, transient=0.1, seed=seed), resolution=20
        )

    dataset = measure(3)
    assert dataset.coherent.dims == dataset["mean"].dims == ("contrast", "frequency")
    np.testing.assert_allclose(dataset.frequency, np.arange(20, 501, 20))
    assert dataset.frequency.attrs["units"] == "Hz"
    assert as_engine(dataset.attrs["engine"]).seed == 3
    assert dataset.attrs["state"] == "y"
    np.testing.assert_array_equal(dataset.coherent, measure(3).coherent)
    assert (dataset.coherent != measure(4).coherent).all()


def test_times_and_frequencies_may_have_units():
    def measure(resolution, **given):
        engine = Brian(trials=1, dt=5e-4, seed=1, **given)
        return on.experiments.power_spectrum(on.ring(n=9), [0.5], NOISE, engine, resolution=resolution)

    plain = measure(20.0, duration=0.1, transient=0.05)
    np.testing.assert_array_equal(plain.coherent, measure(20 * Hz, duration=100 * ms, transient=50 * ms).coherent)


def test_other_state():
    dataset = on.experiments.power_spectrum(
        on.ring(n=9), [0.5], NOISE, "theory", state="a", frequencies=[10.0, 50], angle=0
    )
    circuit = on.ring(n=9)
    z = 0.5 * on.stimuli.drive(circuit, on.stimuli.grating(circuit, 0))
    spectrum = on.theory.power_spectrum(circuit, z, [10.0, 50], NOISE)
    np.testing.assert_allclose(dataset["mean"][0], spectrum.project({"a": 1 / 9}))


def test_joined_circuit():
    """Each population, with the units that the stimulus drives; one that it does not drive has no coherent mode."""
    circuit, stimulus = make_excitation_inhibition(), {"e.drive": np.eye(40)[7]}
    noise, frequencies = {"e.v": 1e-3}, [5.0, 20]
    dataset = on.experiments.power_spectrum(
        circuit, [0.5, 1], noise, "theory", stimulus=stimulus, frequencies=frequencies
    )
    assert dataset.attrs["state"] == "e.v"
    for contrast in (0.5, 1):
        spectrum = on.theory.power_spectrum(circuit, {"e.drive": contrast * np.eye(40)[7]}, frequencies, noise)
        np.testing.assert_allclose(dataset.coherent.sel(contrast=contrast), spectrum["e.v"][:, 7])
        np.testing.assert_allclose(dataset["mean"].sel(contrast=contrast), spectrum.project({"e.v": 1 / 40}))
    other = on.experiments.power_spectrum(
        circuit, [1], noise, "theory", state="i.v", stimulus=stimulus, frequencies=frequencies
    )
    assert set(other.data_vars) == {"mean"}
    assert (other["mean"] > 0).all()


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"engine": "nest"}, ValueError, "unknown engine 'nest'"),
        ({"contrasts": [-1]}, ValueError, "contrasts must be a list"),
        ({"state": "q"}, ValueError, "unknown state 'q'; known: 'y', 'a'"),
        ({"noise": {"q": 1}}, ValueError, "unknown .*noise.*'q'"),
        ({"noise": {"y": -1}}, ValueError, "noise of 'y'"),
        ({"noise": 1e-3}, TypeError, "noise must be a dictionary by name, got float"),
        ({"frequencies": [1, 2] * ms}, UnitError, r"frequencies = \[1. 2.\] ms has the wrong unit"),
        ({"engine": "brian(duration=0.1)"}, ValueError, "duration = 0.1 s is too short for a resolution of 2 Hz"),
        ({"resolution": 0}, ValueError, "resolution must be one frequency above 0 and up to 500 Hz, got 0.0"),
        ({"resolution": 501}, ValueError, "resolution must be one frequency above 0 and up to 500 Hz"),
        ({"resolution": [1, 2]}, ValueError, r"resolution must be one frequency above 0.*got \[1.0, 2.0\]"),
        ({"resolution": 2 * ms}, UnitError, "resolution = 2. ms has the wrong unit"),
        ({"circuit": "two_type"}, TypeError, "circuit must be a circuit, got str"),
        ({"engine": "brian", "frequencies": [1, 2]}, ValueError, "the engine brian cannot choose frequencies"),
        ({"circuit": make_main(n=3), "stimulus": [0, 0, 0]}, ValueError, "stimulus is 0 everywhere"),
        (
            {"circuit": on.join({"e": make_main(n=3)}, []), "state": "y"},
            ValueError,
            "unknown state 'y'; known: 'e.y', 'e.a'",
        ),
        (
            {"circuit": on.join({"e": make_main(n=3)}, []), "state": "e.y"},
            ValueError,
            "give stimulus as a dictionary of inputs",
        ),
    ],
)
def test_bad_input(given, error, message):
    with pytest.raises(error, match=message):
        on.experiments.power_spectrum(
            **{"circuit": on.ring(n=9), "contrasts": [0.5], "noise": NOISE, "engine": "theory", **given}
        )


@pytest.mark.parametrize("noise", [None, {}, {"y": 0.0}])
def test_a_circuit_without_noise_has_no_spectrum(noise):
    """It was 0 everywhere, and its picture empty."""
    for run in (on.experiments.power_spectrum, on.experiments.gamma):
        with pytest.raises(ValueError, match="without noise y does not fluctuate.* give noise={'y': 1e-3}"):
            run(on.ring(12), [0.2, 1.0], noise, engine="theory")
