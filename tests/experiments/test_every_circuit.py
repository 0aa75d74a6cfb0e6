"""Every experiment on a trained circuit, and on a Brian2 network of one's own: a dataset, or one sentence that says why not."""

from pathlib import Path

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.engines import Network, Reference
from tests.experiments.test_registry import ARGUMENTS

WEIGHTS = Path(__file__).parents[2] / "data" / "weights"
#: As short as the sequences that it learned: many trained networks have no fixed point, and grow under a constant input.
ENGINE = Reference(duration=0.024, dt=1e-3, window=0.008, transient=0.0, progress=False)
#: What a trained circuit is shown in place of a grating: one row of an image.
ROW = np.linspace(0, 1, 28)
#: Arguments that are other ones for a trained circuit than for a ring.
TRAINED = {
    "leading_eigenvalues": {"inputs": {"x": ROW[None]}, "state": {"y": np.full((1, 128), 0.1)}},
    "trajectories": {"x": np.ones((2, 3, 28))},
    "orientation_tuning": {
        "stimulus": lambda angle: {"x": np.roll(ROW, int(angle) // 15)},
        "angles": [0, 90, 180, 270],
    },
    "mask_tuning": {"stimulus": lambda angle: {"x": np.roll(ROW, int(angle) // 15)}},
    "plaids": {"stimulus": lambda angle: {"x": np.roll(ROW, int(angle) // 15)}},
    "population_geometry": {"stimulus": lambda angle: {"x": np.roll(ROW, int(angle) // 15)}},
    "reverse_correlation": {
        "stimulus": lambda angle: {"x": np.roll(ROW, int(angle) // 15)},
        "angles": [0, 90, 180],
        "frame": 2e-3,
        "lags": 4e-3,
        "frames": 6,
    },
    "solver_iteration": {"inputs": {"x": ROW[None]}},
}
#: What needs a circuit of another kind, or one that rests for longer, and says so.
OTHERS = {
    "adaptation",
    "attention",
    "attention_dynamics",
    "bifurcation",
    "contrast_discrimination",
    "inhibitory_stabilization",
    "local_gamma",
    "memory_maintenance",
    "perturbed_recurrence",
    "phase_plane",
    "size_tuning",
    "solver_iteration",
    "surround_tuning",
    "variability",
    "working_memory",
}


def arguments(name, stimulus):
    found = on.experiments.find(name)
    given = {key: value for key, value in ARGUMENTS[name].items() if key != "circuit"}
    known = found.signature.parameters
    if "stimulus" in known and "angles" not in known and "stimulus" not in given:
        given["stimulus"] = stimulus
    return found, given


#: They look for fixed points, of which this network has none: after minutes they say so.
FIXED_POINTS = {"stability_census", "stability_map"}
#: They count spikes of neurons beside a circuit.
SPIKES = {"f_i_curve", "spike_field_coherence", "spike_triggered_average"}


@pytest.mark.parametrize("name", sorted(set(ARGUMENTS) - FIXED_POINTS - SPIKES))
@pytest.mark.filterwarnings("ignore")
def test_a_trained_circuit(name):
    circuit = on.load(WEIGHTS / "rows.safetensors")
    found, given = arguments(name, {"x": ROW})
    given = {**given, **TRAINED.get(name, {})}
    if "engine" in found.signature.parameters:
        given["engine"] = ENGINE
    if "resolution" in given or name == "coherence":
        given["resolution"] = 50.0
    if name in OTHERS:
        with pytest.raises((ValueError, TypeError)) as raised:
            found(circuit, **given)
        assert len(str(raised.value).splitlines()) == 1
        return
    dataset = found(circuit, **given)
    assert dataset.attrs.get("circuit_key", circuit.key) == circuit.key
    assert any(np.isfinite(value.values).any() for value in dataset.data_vars.values() if value.dtype.kind == "f")


#: Seconds that averages of the signal over a time need.
LONG = {"variability": 0.55, "contrast_discrimination": 0.55}


def build(circuit, trials):
    """A network of the circuit alone, with noise of its own on the first state."""
    import brian2 as b2

    b2.prefs.codegen.target = "numpy"
    if isinstance(circuit, on.Circuit):
        gains = {"b": circuit.parameters["b"]} if "b" in circuit.parameters else {}  # attention changes them
        noise = {circuit.model.states[0]: 1e-6}
        group = on.CircuitGroup(circuit, trials, inputs=gains, noise=noise, dt=1e-3 * b2.second)
        return b2.Network(group), group
    groups = on.groups(circuit, trials, dt=1e-3 * b2.second)
    return b2.Network(*groups.values()), groups


@pytest.mark.parametrize(
    "name", sorted(name for name in ARGUMENTS if "engine" in on.experiments.find(name).signature.parameters)
)
@pytest.mark.filterwarnings("ignore")
def test_a_network_of_ones_own(name):
    found, given = arguments(name, None)
    circuit = ARGUMENTS[name].get("circuit", on.ring(9))
    given.pop("noise", None)
    given["engine"] = Network(build, duration=LONG.get(name, 0.06), dt=1e-3, window=0.02, transient=0.01, report=False)
    if "resolution" in given:
        given["resolution"] = 50.0
    if name == "contrast_discrimination":
        given["time"] = 0.01
    dataset = found(circuit, **{key: value for key, value in given.items() if value is not None})
    assert "Network" in dataset.attrs["engine"]
    assert any(np.isfinite(value.values).any() for value in dataset.data_vars.values() if value.dtype.kind == "f")
