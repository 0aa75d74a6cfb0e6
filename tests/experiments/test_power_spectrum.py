"""Power spectrum: golden peaks, theory's own sums, and the simulator against theory."""

import numpy as np
import pytest
from brian2 import Hz, ms

import organics_neuro as on
from organics_neuro.core.errors import UnitError
from tests.core.circuits import make_gated, make_main

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
        *arguments, engine="brian", trials=32, duration=1.0, resolution=5.0, dt=5e-5, settle=0.2, seed=1
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
            on.ring(n=9), [0.5], NOISE, "brian", trials=2, duration=0.1, dt=5e-4, resolution=20, settle=0.1, seed=seed
        )

    dataset = measure(3)
    assert dataset.coherent.dims == dataset["mean"].dims == ("contrast", "frequency")
    np.testing.assert_allclose(dataset.frequency, np.arange(20, 501, 20))
    assert dataset.frequency.attrs["units"] == "Hz"
    assert dataset.attrs["seed"] == 3
    assert dataset.attrs["state"] == "y"
    np.testing.assert_array_equal(dataset.coherent, measure(3).coherent)
    assert (dataset.coherent != measure(4).coherent).all()


def test_times_and_frequencies_may_have_units():
    def measure(**given):
        return on.experiments.power_spectrum(on.ring(n=9), [0.5], NOISE, trials=1, dt=5e-4, seed=1, **given)

    plain = measure(duration=0.1, settle=0.05, resolution=20.0)
    np.testing.assert_array_equal(
        plain.coherent, measure(duration=100 * ms, settle=50 * ms, resolution=20 * Hz).coherent
    )


def test_other_state():
    dataset = on.experiments.power_spectrum(
        on.ring(n=9), [0.5], NOISE, "theory", state="a", frequencies=[10.0, 50], angle=0
    )
    circuit = on.ring(n=9)
    z = 0.5 * on.stimuli.drive(circuit, on.stimuli.grating(circuit, 0))
    spectrum = on.theory.power_spectrum(circuit, z, [10.0, 50], NOISE)
    np.testing.assert_allclose(dataset["mean"][0], spectrum.project({"a": 1 / 9}))


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
        ({"duration": 0.1, "engine": "brian"}, ValueError, "duration = 0.1 s is too short for a resolution of 2 Hz"),
        ({"resolution": 0}, ValueError, "resolution must be one frequency above 0 and up to 500 Hz, got 0.0"),
        ({"resolution": 501}, ValueError, "resolution must be one frequency above 0 and up to 500 Hz"),
        ({"resolution": [1, 2]}, ValueError, r"resolution must be one frequency above 0.*got \[1.0, 2.0\]"),
        ({"resolution": 2 * ms}, UnitError, "resolution = 2. ms has the wrong unit"),
        ({"settle": -1, "engine": "brian"}, ValueError, "settle must be one time that is not negative"),
        ({"settle": 1 * Hz, "engine": "brian"}, UnitError, "settle = 1. Hz has the wrong unit"),
        ({"circuit": "two_type"}, TypeError, "circuit must be a circuit, got str"),
        ({"circuit": make_gated(n=4, inputs=3), "stimulus": [1, 0, 0]}, ValueError, r"'x' has shape \(3,\).*4 units"),
        ({"circuit": make_main(n=3), "stimulus": [0, 0, 0]}, ValueError, "stimulus is 0 everywhere"),
        ({"circuit": on.join({"e": make_main(n=3)}, [])}, ValueError, "unknown state 'y'; known: 'e.y', 'e.a'"),
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
