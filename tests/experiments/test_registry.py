"""A new experiment is one file: lists, the command line, sweeps and plots find it."""

import inspect

import numpy as np
import pytest
import xarray as xr

import organics_neuro as on
from organics_neuro import cli
from organics_neuro.experiments import protocols, registry
from tests.circuits import make_chain

THROW_AWAY = '''
"""An experiment that only a test knows."""

import numpy as np
import xarray as xr

from organics_neuro.experiments import experiment
from organics_neuro.experiments.drawing import axes


def draw(dataset, ax=None):
    """Rates against the scale."""
    ax = axes(ax)
    ax.plot(dataset.scale, dataset.total.values.reshape(-1, dataset.sizes["scale"]).T)
    ax.set(xlabel="scale", ylabel="summed rate")
    return ax


@experiment(
    "Summed rate",
    axes={"scale": ("scale of the input", "1")},
    columns={"total": ("summed rate", "1")},
    source="nobody",
    figure="0",
    engine={"duration": 0.05, "window": 0.02},
    plot=draw,
)
def summed_rate(circuit, scales, engine="theory"):
    """The sum of all rates at several scales of the input."""
    name, units = next(iter(circuit.inputs.items()))
    found = engine.settle(circuit, {name: np.outer(scales, np.ones(units))})
    total = sum(value.sum(-1) for value in found.outputs.values())
    return xr.Dataset({"total": ("scale", total)}, coords={"scale": np.asarray(scales, dtype=float)})
'''


@pytest.fixture
def summed_rate(tmp_path, monkeypatch):
    folder = tmp_path / "protocols"
    folder.mkdir()
    (folder / "summed_rate.py").write_text(THROW_AWAY)
    monkeypatch.setattr(protocols, "__path__", [*protocols.__path__, str(folder)])
    monkeypatch.setattr(registry, "_EXPERIMENTS", dict(registry._EXPERIMENTS))
    yield registry.find("summed_rate")
    import sys

    sys.modules.pop(f"{protocols.__name__}.summed_rate", None)


def test_python_finds_it(summed_rate):
    assert "summed_rate" in on.experiments.list()
    assert on.experiments.summed_rate is summed_rate
    assert on.plotting.summed_rate is summed_rate.plot
    ring = on.ring(n=9)
    dataset = on.experiments.summed_rate(ring, [0.5, 1], engine="reference")
    assert dataset.total.attrs == {"long_name": "summed rate", "units": "1"}
    assert dataset.scale.attrs == {"long_name": "scale of the input", "units": "1"}
    facts = {"experiment": "summed_rate", "title": "Summed rate", "source": "nobody", "figure": "0"}
    assert facts.items() <= dataset.attrs.items()
    assert on.engines.as_engine(dataset.attrs["engine"]) == on.engines.Reference(duration=0.05, window=0.02)
    assert summed_rate.__doc__.startswith("The sum of all rates")
    assert list(inspect.signature(summed_rate).parameters) == ["circuit", "scales", "engine"]


def test_the_command_line_finds_it(summed_rate, tmp_path, capsys, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    on.ring(n=9).save("ring.safetensors")
    assert cli.main(["experiments"]) == 0
    assert "summed_rate              Summed rate (figure 0)" in capsys.readouterr().out.splitlines()
    assert cli.main(["experiments", "summed_rate"]) == 0
    assert "The sum of all rates" in capsys.readouterr().out
    call = ["experiment", "summed_rate", "ring.safetensors", "--scales", "0.5,1", "-o", "out.nc", "--figure", "out.png"]
    assert cli.main(call) == 0
    dataset = on.experiments.load("out.nc")
    xr.testing.assert_equal(dataset, on.experiments.summed_rate(on.ring(n=9), [0.5, 1]))
    assert (tmp_path / "out.png").stat().st_size > 1000
    call = ["sweep", "summed_rate", "ring.safetensors", "--grid", "sigma=0.1,0.2", "--scales=geomspace(0.5,1,3)"]
    assert cli.main([*call, "--workers", "1", "--path", "points", "-o", "sweep.nc"]) == 0
    swept = on.experiments.load("sweep.nc")
    assert swept.total.dims == ("sigma", "scale")
    assert swept.sizes == {"sigma": 2, "scale": 3}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["experiment", "gama", "ring.safetensors"], "unknown experiment 'gama'; known: "),
        (["experiment", "contrast_response"], "give one circuit, a .safetensors file, got none"),
        (["experiment", "contrast_response", "none.safetensors"], "no file none.safetensors"),
        (["experiment", "contrast_response", "ring.safetensors"], "the experiment 'contrast_response' needs contrasts"),
        (
            ["experiment", "contrast_response", "ring.safetensors", "--q", "1"],
            "unknown setting 'q'; known: 'contrasts'",
        ),
        (
            ["experiment", "contrast_response", "ring.safetensors", "--contrasts"],
            "the option --contrasts needs a value",
        ),
        (
            ["experiment", "contrast_response", "ring.safetensors", "-o", "no/out.nc"],
            "/no does not exist; create it first",
        ),
        (["sweep", "contrast_response"], "give one circuit or more"),
        (["sweep", "contrast_response", "ring.safetensors", "--grid", "sigma"], "--grid takes NAME=VALUES"),
    ],
)
def test_bad_commands(arguments, message, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    on.ring(n=9).save("ring.safetensors")
    assert cli.main(arguments) == 2
    said = capsys.readouterr().err
    assert message in said
    assert len(said.splitlines()) == 1


def test_an_experiment_of_a_script(monkeypatch):
    """One that a user registers by hand, without a file of the package."""
    monkeypatch.setattr(registry, "_EXPERIMENTS", dict(registry._EXPERIMENTS))

    @on.experiments.experiment("Size")
    def size(circuit):
        return xr.Dataset({"states": sum(circuit.states.values())})

    assert on.experiments.list().count("size") == 1
    assert int(on.experiments.size(on.ring(n=9)).states) == 18
    with pytest.raises(TypeError, match="missing a required argument: 'circuit'"):
        size()


#: What each experiment needs beside a circuit, to be run on a ring.
ARGUMENTS = {
    "contrast_response": {"contrasts": [0.2, 1]},
    "power_spectrum": {"contrasts": [0.5], "noise": {"y": 1e-3}, "resolution": 20.0},
    "leading_eigenvalues": {"inputs": np.full((2, 9), 0.1)},
    "trajectories": {"x": np.full((2, 5, 9), 0.1)},
    "orientation_tuning": {"contrasts": [0.2, 1]},
    "mask_tuning": {"masks": [0.2, 1]},
    "attention": {"contrasts": [0.03, 0.1, 0.3, 1]},
    "gamma": {"contrasts": [0.1, 1], "noise": {"y": 1e-3}, "resolution": 5.0},
    "contrast_discrimination": {"contrasts": [0, 0.1, 0.2, 0.5, 1], "noise": {"y": 1e-3}},
    "inhibitory_stabilization": {"circuit": make_chain(), "changes": [-0.1, 0, 0.1], "target": "drive", "held": ["q"]},
    "reverse_correlation": {"engine": "reference(dt=1e-3)", "frames": 12, "sequences": 4},
    "population_geometry": {"contrasts": [0.2, 1], "noise": {"y": 1e-3}, "angles": [0, 120, 240]},
    "attention_dynamics": {"contrasts": [0.5], "engine": "reference(dt=5e-4, duration=0.05)"},
    "memory_maintenance": {
        "circuit": on.Circuit("working_memory", on.weights.memory_recurrence(12)),
        "engine": "reference",
        "delay": 0.05,
    },
    "lfp": {"contrasts": [0.2, 1], "noise": {"y": 1e-3}, "resolution": 20.0},
    "local_gamma": {
        "circuit": on.sheet(1, 5, receptive_field=0, pool=0.3),
        "contrasts": [0.2, 0.4, 0.6, 0.8, 1],
        "noise": {"z": on.Noise(1e-3, tau=2e-3, shared=True)},
        "resolution": 5.0,
    },
    "adaptation": {
        "circuit": on.adapting(on.ring(9), "z"),
        "engine": "reference(dt=1e-3)",
        "time": 0.1,
        "angles": [0, 120, 180, 240],
    },
    "solver_iteration": {"inputs": [np.linspace(0, 1, 9)], "iterations": 4},
    "bifurcation": {"circuit": on.Circuit("three_type", size=1, tau_a=2e-3), "along": "z", "start": 0.1, "end": 1.0},
    "perturbed_recurrence": {"strengths": [0.01, 0.05], "samples": 2},
    "stability_census": {"samples": 5},
    "plaids": {"masks": [0, 0.1, 0.5]},
    "variability": {"contrasts": [0.1, 1], "noise": {"y": 1e-3}},
    "coherence": {"contrasts": [0.5], "noise": {"y": 1e-3, "a": 1e-3}, "states": ["y", "a"], "resolution": 5.0},
    "size_tuning": {"circuit": on.sheet(1, 15), "radii": range(6)},
    "surround_tuning": {"circuit": on.sheet(1, 9, 9, pool_angle=45.0), "surrounds": [0.5], "radius": 1},
    "stability_map": {"strengths": [0, 0.5], "inputs": [0.1, 1]},
    "step_response": {"contrasts": [0.2, 1], "engine": "reference(duration=0.05)"},
    "f_i_curve": {"drives": [0, 0.5, 1.0]},
    "spike_triggered_average": {"engine": "reference(duration=0.2)"},
    "phase_plane": {"circuit": on.Circuit("two_type", size=1), "z": [1.0], "engine": "reference", "starts": [[0, 1]]},
    "working_memory": {
        "circuit": on.Circuit("working_memory", on.weights.memory_recurrence(12)),
        "engine": "reference",
        "delay": 0.05,
    },
}


@pytest.mark.parametrize("name", on.experiments.list())
def test_every_experiment_is_complete(name, tmp_path):
    """Title, source, docstring; a dataset with units and long names that is saved; a plot with labelled axes."""
    found = registry.find(name)
    assert found.title
    assert found.source
    assert found.__doc__
    arguments = ARGUMENTS.get(name)
    if arguments is None:
        pytest.skip("it has tests of its own")
    arguments = {found.first: on.ring(n=9), **arguments}
    arguments[found.first] = arguments.pop("circuit", arguments[found.first])
    if "engine" in found.signature.parameters and name != "trajectories":
        arguments = {"engine": "theory", **arguments}
    dataset = found(**arguments)
    for variable in dataset.variables.values():
        assert {"units", "long_name"} <= set(variable.attrs)
    assert {"title", "circuit", "citation", "software", "experiment", "source"} <= set(dataset.attrs)
    on.experiments.save(dataset, tmp_path / "out.nc")
    xr.testing.assert_identical(on.experiments.load(tmp_path / "out.nc"), dataset)
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    ax = found.plot(dataset)
    assert ax.get_xlabel()
    assert ax.get_ylabel()
    matplotlib.pyplot.close("all")


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("reverse_correlation", {"frames": 10**14}, "frame = 0.02 s in steps of 0.0005 s, .* takes .* GB, but"),
        ("reverse_correlation", {"sequences": 10**12}, "frame = 0.02 s in steps of 0.0005 s, .* takes .* GB, but"),
        (
            "reverse_correlation",
            {"frame": 1e300},
            "frame = 1e[+]300 s in steps of 0.0005 s, 28800 numbers in each, takes inf",
        ),
        ("reverse_correlation", {"lags": 1e308}, "lags = 1e[+]308 s in steps of 0.02 s"),
        (
            "attention_dynamics",
            {"contrasts": [0.5], "delay": 1e12},
            "delay = 1e[+]12 s in steps of 0.0001 s, 9 numbers in each",
        ),
        ("attention_dynamics", {"contrasts": [0.5], "delay": 1e308}, "delay = 1e[+]308 s in steps of 0.0001 s"),
        ("adaptation", {"window": 1e308}, "window = 1e[+]308 s in steps of 0.001 s"),
    ],
)
def test_times_of_more_steps_than_fit(name, arguments, message):
    with pytest.raises(MemoryError, match=message):
        getattr(on.experiments, name)(on.ring(9), **arguments)


def test_what_numpy_cannot_allocate_is_said_of_the_experiment():
    def too_much(circuit):
        return xr.Dataset({"x": ("unit", np.ones(10**15))})

    with pytest.raises(MemoryError, match="^too_much asks for too much at a time: Unable to allocate .* shape"):
        registry.Experiment(too_much, "too_much", "Too much")(on.ring(9))
