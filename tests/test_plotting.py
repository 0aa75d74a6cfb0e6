"""Pictures: labelled axes, and one curve for each thing that a curve stands for."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import organics_neuro as on
from tests.circuits import make_gated
from tests.parity.circuits import make_excitation_inhibition

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")


@pytest.fixture(scope="module")
def responses():
    return on.experiments.contrast_response(on.ring(n=12), [0, 0.05, 0.1, 0.3, 1], [0, 0.1, 0.5], engine="theory")


@pytest.fixture(scope="module")
def spectra():
    return on.experiments.power_spectrum(on.ring(n=12), [0.1, 1], {"y": 1e-3}, engine="theory")


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    matplotlib.pyplot.close("all")


def test_contrast_response(responses):
    ax = on.plotting.contrast_response(responses)
    assert ax.get_xlabel() == "stimulus contrast"
    assert "rate" in ax.get_ylabel()
    assert ax.get_xscale() == "log"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["no mask", "mask 0.1", "mask 0.5"]
    for k, line in enumerate(ax.get_lines()):  # contrast 0 has no place on a logarithmic axis
        np.testing.assert_array_equal(line.get_xdata(), [0.05, 0.1, 0.3, 1])
        np.testing.assert_array_equal(line.get_ydata(), responses.rate_y[k, 1:, 6])


def test_contrast_response_with_fit(responses):
    ax = on.plotting.contrast_response(responses, fit="naka_rushton")
    assert len(ax.get_lines()) == 6
    assert ax.get_legend().get_texts()[0].get_text() == "no mask: $c_{50}$ = 0.1, n = 2"
    curve, points = ax.get_lines()[:2]
    fitted = np.interp(points.get_xdata(), curve.get_xdata(), curve.get_ydata())
    np.testing.assert_allclose(fitted, points.get_ydata(), rtol=1e-3)


def test_contrast_response_of_another_state_on_given_axes(responses):
    _, ax = matplotlib.pyplot.subplots()
    assert on.plotting.contrast_response(responses, output="rate_a", unit=2, ax=ax) is ax
    np.testing.assert_array_equal(ax.get_lines()[0].get_ydata(), responses.rate_a[0, 1:, 2])


@pytest.mark.parametrize(
    ("select", "labels"),
    [
        (lambda d: d.sel(mask=0.1), ["mask 0.1"]),
        (lambda d: d.isel(mask=0, drop=True), None),
        (lambda d: d.isel(contrast=[3]), ["no mask", "mask 0.1", "mask 0.5"]),
        (lambda d: d.isel(mask=[0, 1, 1]), ["no mask", "mask 0.1", "mask 0.1"]),
        (lambda d: d.isel(unit=6), ["no mask", "mask 0.1", "mask 0.5"]),
        (lambda d: d.isel(contrast=[4, 3, 2]), ["no mask", "mask 0.1", "mask 0.5"]),
    ],
    ids=["scalar mask", "no mask axis", "one contrast", "a mask twice", "one unit", "another order"],
)
def test_contrast_response_of_a_selection(responses, select, labels):
    selected = select(responses)
    ax = on.plotting.contrast_response(selected)
    assert (labels is None and ax.get_legend() is None) or [t.get_text() for t in ax.get_legend().get_texts()] == labels
    lines = ax.get_lines()
    assert len(lines) == (1 if labels is None else len(labels))
    for line in lines:
        assert (np.diff(line.get_xdata()) > 0).all()
    expected = responses.rate_y.isel(unit=6).sel(contrast=lines[0].get_xdata())
    expected = expected.sel(mask=0.1) if labels == ["mask 0.1"] else expected.isel(mask=0)
    np.testing.assert_array_equal(lines[0].get_ydata(), expected)


def test_a_sweep_is_drawn_by_what_varies(tmp_path):
    grid = {"sigma": [0.1, 0.2], "angle": [90, 180]}
    swept = on.experiments.sweep(
        "contrast_response", on.ring(n=12), grid, tmp_path, 1, contrasts=[0.1, 0.5, 1], engine="theory"
    )
    ax = on.plotting.contrast_response(swept.sel(angle=90), fit="naka_rushton")
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["sigma 0.1: $c_{50}$ = 0.1, n = 2", "sigma 0.2: $c_{50}$ = 0.2, n = 2"]
    assert len(on.plotting.contrast_response(swept).get_lines()) == 4
    with pytest.raises(ValueError, match="dataset must have the axis 'contrast'"):
        on.plotting.contrast_response(swept.isel(contrast=0), output="rate_y")


@pytest.mark.parametrize("select", [lambda d: d.sel(contrast=1), lambda d: d.isel(contrast=[0, 0])])
def test_power_spectrum_of_a_selection(spectra, select):
    selected = select(spectra)
    ax = on.plotting.power_spectrum(selected, theory=spectra)
    assert len(ax.get_lines()) == 2 * selected.coherent.size // selected.sizes["frequency"]
    for measured, expected in zip(ax.get_lines()[::2], ax.get_lines()[1::2], strict=True):
        np.testing.assert_array_equal(measured.get_ydata(), expected.get_ydata())


def test_trajectories_of_a_selection():
    dataset = on.experiments.trajectories(make_gated(), np.random.default_rng(0).random((4, 6, 3)))
    ax = on.plotting.trajectories(dataset.isel(sample=2))
    np.testing.assert_array_equal(ax.get_lines()[0].get_ydata(), dataset.norm_y[2])


def test_contrast_response_of_a_joined_circuit():
    inputs = {"stimulus": {"e.drive": np.eye(40)[30]}, "mask_stimulus": {}}
    dataset = on.experiments.contrast_response(make_excitation_inhibition(), [0.5, 1], engine="theory", **inputs)
    for output in ("e.rate_v", "i.rate_v"):
        ax = on.plotting.contrast_response(dataset, output=output)
        rates = dataset[output]
        np.testing.assert_array_equal(ax.get_lines()[0].get_ydata(), rates[0, :, rates.attrs["preferred_unit"]])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"fit": "gamma"}, "unknown fit 'gamma'; known: 'naka_rushton'"),
        ({"output": "q"}, "unknown output 'q'; known: 'rate_y', 'rate_a'"),
        ({"unit": 12}, "unit = 12 must be from 0 to 11"),
        ({"unit": -1}, "unit = -1 must be from 0 to 11"),
    ],
)
def test_contrast_response_bad_input(responses, given, message):
    with pytest.raises(ValueError, match=message):
        on.plotting.contrast_response(responses, **given)
    assert not matplotlib.pyplot.get_fignums()


def test_power_spectrum(spectra):
    ax = on.plotting.power_spectrum(spectra)
    assert ax.get_xlabel() == "frequency (Hz)"
    assert ax.get_ylabel() == "power (1/Hz)"
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["contrast 0.1", "contrast 1"]
    for k, line in enumerate(ax.get_lines()):
        np.testing.assert_array_equal(line.get_ydata(), spectra.coherent[k])


def test_power_spectrum_with_theory(spectra):
    ax = on.plotting.power_spectrum(spectra, theory=spectra, signal="mean")
    assert len(ax.get_lines()) == 4
    for k, line in enumerate(ax.get_lines()):
        np.testing.assert_array_equal(line.get_ydata(), spectra["mean"][k // 2])
    assert len(ax.get_legend().get_texts()) == 2


def test_power_spectrum_bad_input(spectra):
    with pytest.raises(ValueError, match="unknown signal 'loud'; known: 'coherent', 'mean'"):
        on.plotting.power_spectrum(spectra, signal="loud")
    other = on.experiments.power_spectrum(on.ring(n=12), [0.5], {"y": 1e-3}, engine="theory")
    with pytest.raises(ValueError, match=r"theory must have the contrasts \[0.1 1. \], got \[0.5\]"):
        on.plotting.power_spectrum(spectra, theory=other)
    assert not matplotlib.pyplot.get_fignums()


def test_leading_eigenvalues_histogram():
    dataset = on.experiments.leading_eigenvalues(on.ring(n=12), np.random.default_rng(0).random((20, 12)))
    ax = on.plotting.leading_eigenvalues(dataset, bins=5)
    assert ax.get_xlabel() == "real part of the leading eigenvalue (1/s)"
    assert [patch.get_height() for patch in ax.patches] == np.histogram(dataset.leading, 5)[0].tolist()


def test_leading_eigenvalues_over_epochs():
    z = np.random.default_rng(0).random((20, 12))
    epochs = [on.experiments.leading_eigenvalues(on.ring(n=12, sigma=sigma), z) for sigma in (0.1, 0.2, 0.3)]
    dataset = xr.concat(epochs, dim=pd.Index([0, 1, 4], name="epoch"), combine_attrs="override")
    ax = on.plotting.leading_eigenvalues(dataset)
    assert ax.get_xlabel() == "epoch"
    largest, median = ax.get_lines()[:2]
    np.testing.assert_array_equal(largest.get_xdata(), [0, 1, 4])
    np.testing.assert_array_equal(largest.get_ydata(), dataset.leading.max("sample"))
    np.testing.assert_array_equal(median.get_ydata(), dataset.leading.median("sample"))


def test_trajectories():
    circuit = make_gated()
    dataset = on.experiments.trajectories(circuit, np.random.default_rng(0).random((4, 6, 3)))
    ax = on.plotting.trajectories(dataset, state="a")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("step", "length of a")
    assert len(ax.get_lines()) == 4
    np.testing.assert_array_equal(ax.get_lines()[2].get_ydata(), dataset.norm_a[2])
    with pytest.raises(ValueError, match="unknown variable 'norm_u'; known: 'norm_y', 'norm_a', 'norm_b0', 'norm_b'"):
        on.plotting.trajectories(dataset, state="u")
    with pytest.raises(ValueError, match="must have the variable 'leading' with the axis 'sample'"):
        on.plotting.leading_eigenvalues(dataset)
