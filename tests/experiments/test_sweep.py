"""Sweeps: one dataset in which whatever varied is a coordinate; points are measured once, and lost one at a time."""

import numpy as np
import pytest
import xarray as xr
from brian2 import ms

import organics_neuro as on
from organics_neuro.experiments import sweep
from organics_neuro.experiments.keys import content_key
from tests.circuits import make_gated
from tests.parity.circuits import make_excitation_inhibition

THEORY = {"contrasts": [0.1, 1.0], "engine": "theory", "workers": 1}


def test_parameters_become_axes(tmp_path):
    ring = on.ring(n=12)
    found = sweep("contrast_response", ring, {"sigma": [0.1, 0.2], "angle": [180, 90]}, tmp_path, **THEORY)
    assert found.rate_y.dims == ("sigma", "angle", "mask", "contrast", "unit")
    for sigma in (0.1, 0.2):
        for angle in (180, 90):
            one = on.experiments.contrast_response(ring.replace(sigma=sigma), [0.1, 1], engine="theory", angle=angle)
            np.testing.assert_array_equal(found.rate_y.sel(sigma=sigma, angle=angle), one.rate_y)
            assert found.circuit.sel(sigma=sigma) == one.attrs["circuit"]
            assert found["rate_y.preferred_unit"].sel(angle=angle) == one.rate_y.attrs["preferred_unit"]
    assert "circuit" not in found.attrs
    assert found.attrs["engine"] == "Theory()"
    assert found.rate_y.attrs["units"] == "1"
    on.experiments.save(found, tmp_path / "all.nc")
    xr.testing.assert_identical(on.experiments.load(tmp_path / "all.nc"), found)


def test_points_are_measured_once(tmp_path, monkeypatch):
    ring = on.ring(n=9)
    first = sweep("contrast_response", ring, {"sigma": [0.1, 0.2]}, tmp_path, **THEORY)
    files = sorted(tmp_path.iterdir())
    assert len(files) == 2
    files[1].write_bytes(b"half")  # a broken file is measured again
    calls = []
    monkeypatch.setattr(on.experiments.registry.Experiment, "__call__", _counting(calls))
    again = sweep("contrast_response", ring, {"sigma": [0.1, 0.2, 0.3]}, tmp_path, **THEORY)
    assert len(calls) == 2
    np.testing.assert_array_equal(again.rate_y.isel(sigma=[0, 1]), first.rate_y)


def _counting(calls):
    run = on.experiments.Experiment.__call__

    def counted(self, *args, **kwargs):
        calls.append(self.name)
        return run(self, *args, **kwargs)

    return counted


def test_a_sweep_that_is_stopped_goes_on(tmp_path, monkeypatch):
    calls = []
    run = on.experiments.Experiment.__call__

    def stopping(self, *args, **kwargs):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return run(self, *args, **kwargs)

    arguments = ("contrast_response", on.ring(n=9), {"sigma": [0.1, 0.2, 0.3, 0.4]}, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(on.experiments.Experiment, "__call__", stopping)
        with pytest.raises(KeyboardInterrupt):
            sweep(*arguments, **THEORY)
    assert len(list(tmp_path.iterdir())) == 2
    assert sweep(*arguments, **THEORY).sizes["sigma"] == 4


def test_circuits_seeds_and_two_processes(tmp_path):
    """Circuits by name with units of their own; a seed is an argument of the engine; noise differs between seeds."""
    grid = {"seed": [1, 2]}
    circuits = {"large": on.ring(n=12), "small": on.ring(n=9)}
    engine = on.engines.Brian(duration=0.05, dt=5e-4, trials=1, transient=0.01)
    arguments = {"contrasts": [0.5], "noise": {"y": 1e-3}, "engine": engine, "resolution": 20.0}
    found = sweep("power_spectrum", circuits, grid, tmp_path, workers=2, **arguments)
    assert found.coherent.dims == ("circuit", "seed", "contrast", "frequency")
    assert found.circuit.values.tolist() == ["large", "small"]
    assert (found.coherent.sel(seed=1) != found.coherent.sel(seed=2)).all()
    alone = sweep("power_spectrum", circuits["small"], {"seed": [2]}, tmp_path / "alone", workers=1, **arguments)
    np.testing.assert_allclose(alone.coherent[0], found.coherent.sel(circuit="small", seed=2), rtol=1e-9, atol=1e-16)
    assert "seed=2" in found.engine.sel(seed=2).item()


def test_a_parameter_of_a_part_and_no_grid(tmp_path):
    arguments = {**THEORY, "stimulus": {"e.drive": 1.0}}
    found = sweep("contrast_response", make_excitation_inhibition(), {"e.k": [0.4, 0.3]}, tmp_path, **arguments)
    assert found["e.rate_v"].sizes["e.k"] == 2
    assert (found["e.rate_v"].isel({"e.k": 0}) > found["e.rate_v"].isel({"e.k": 1})).any()
    one = sweep("contrast_response", make_excitation_inhibition(), path=tmp_path, **arguments)
    np.testing.assert_array_equal(one["e.rate_v"], found["e.rate_v"].sel({"e.k": 0.4}))


def test_values_with_labels_and_with_units(tmp_path):
    ring = on.ring(n=9)
    stimuli = {"narrow": np.eye(360)[180], "wide": np.full(360, 0.01)}
    found = sweep("contrast_response", ring, {"stimulus": stimuli, "tau_y": [1, 2] * ms}, tmp_path, **THEORY)
    assert found.stimulus.values.tolist() == ["narrow", "wide"]
    np.testing.assert_allclose(found.tau_y, [1e-3, 2e-3])
    assert found.tau_y.attrs["units"] == "second"


def test_points_that_fail(tmp_path):
    z = np.ones(9)
    arguments = ("contrast_response", on.ring(n=9), {"dt": [1e-4, 2e-2]}, tmp_path)
    options = {"contrasts": [2.0], "engine": on.engines.Reference(duration=0.6), "workers": 1, "stimulus": {"z": z}}
    with pytest.raises(
        RuntimeError, match=r"1 of 2 points failed, the first at dt = 0.02: FloatingPointError: .* time const"
    ):
        sweep(*arguments, **options)
    with pytest.warns(on.errors.ConvergenceWarning, match="1 of 2 points failed, they are NaN"):
        found = sweep(*arguments, failures="skip", **options)
    assert np.isfinite(found.rate_y.sel(dt=1e-4)).all()
    assert np.isnan(found.rate_y.sel(dt=2e-2)).all()


def test_keys_go_by_content():
    experiment = on.experiments.find("contrast_response")

    def key(circuit=None, **given):
        return content_key(experiment, {"circuit": circuit or on.ring(n=9), "contrasts": [0.1], **given})

    assert key() == key(contrasts=np.array([0.1])) == key(circuit=on.ring(n=9), masks=(0.0,))
    others = [key(contrasts=[0.2]), key(circuit=on.ring(n=9, sigma=0.2)), key(engine="theory"), key(masks=[0.0, 0.1])]
    assert len({key(), *others}) == 5
    with pytest.raises(TypeError, match="the argument 'stimulus' is a object, which has no content"):
        key(stimulus=object())


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"name": "gama"}, ValueError, "unknown experiment 'gama'; known: .*'contrast_response'"),
        ({"grid": {"q": [1]}}, ValueError, "experiment 'contrast_response': unknown setting 'q'; known: 'contrasts'"),
        ({"grid": {"sigma": 0.1}}, ValueError, "the grid gives 'sigma' the value 0.1, but must give a list"),
        ({"grid": {"sigma": []}}, ValueError, "the grid gives 'sigma' no values"),
        ({"grid": [1]}, TypeError, "grid must be a dictionary of what varies, got list"),
        ({"grid": {"contrast": [1]}}, ValueError, "unknown setting 'contrast'"),
        ({"circuits": None, "grid": {}}, ValueError, "the experiment 'contrast_response' needs circuit"),
        ({"workers": 0}, ValueError, "workers must be a positive"),
        ({"failures": "ignore"}, ValueError, "unknown failures 'ignore'; known: 'raise', 'skip'"),
        (
            {"contrasts": [-1]},
            RuntimeError,
            "1 of 1 points failed, the first at sigma = 0.1: ValueError: contrasts must",
        ),
    ],
)
def test_bad_input(given, error, message, tmp_path):
    arguments = {"name": "contrast_response", "circuits": on.ring(n=9), "grid": {"sigma": [0.1]}, "path": tmp_path}
    with pytest.raises(error, match=message):
        sweep(**{**arguments, **THEORY, **given})


def test_a_network_of_ones_own_is_swept(tmp_path):
    found = sweep(
        "trajectories", make_gated(n=2, inputs=1), {"dt": [1e-3, 5e-4]}, tmp_path, workers=1, x=np.ones((1, 4, 1))
    )
    assert found.norm_y.dims == ("dt", "sample", "step")
