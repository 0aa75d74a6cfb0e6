"""Contrast response: golden numbers, closed forms, and the simulator against theory."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import organics_neuro as on
from organics_neuro.core.errors import ConvergenceWarning
from organics_neuro.engines import Brian, as_engine
from tests.circuits import make_gated, make_main
from tests.parity.circuits import make_excitation_inhibition

R_MAX = 0.21034114541276072


def at_peak(dataset, output="rate_y"):
    rates = dataset[output]
    return rates[..., rates.attrs["preferred_unit"]].values


def test_golden_contrast_response(reference):
    golden = reference["crf"]
    dataset = on.experiments.contrast_response(on.ring(), golden["c"], engine="theory")
    assert dataset.rate_y.attrs["preferred_unit"] == 18
    np.testing.assert_allclose(at_peak(dataset), [golden["R"]], rtol=1e-9)


@pytest.mark.parametrize(
    ("gains", "c50"), [({"b": 1.0}, 0.05), ({"b0": 1.0}, 0.2), ({"b": 1.0, "b0": 1.0}, 0.1), ({}, 0.1)]
)
@pytest.mark.parametrize("engine", ["theory", Brian(duration=0.3, dt=2e-4)])
def test_gains_as_parameters_move_the_contrast_response(gains, c50, engine):
    """Attention: b doubled halves c50, b0 doubled doubles it, both leave it, and R_max."""
    contrasts = np.array([0.05, 0.1, 0.3, 1.0])
    stimulus = {name: np.full(36, value) for name, value in gains.items()} or None
    rates = at_peak(on.experiments.contrast_response(on.ring(tau_y=2e-3), contrasts, engine=engine, stimulus=stimulus))
    np.testing.assert_allclose(rates[0], R_MAX * contrasts**2 / (contrasts**2 + c50**2), rtol=2e-3)


def test_a_mask_has_no_parameters():
    with pytest.raises(ValueError, match="mask_stimulus gives the parameter 'b', which does not add up"):
        on.experiments.contrast_response(on.ring(n=9), [1.0], [0.1], engine="theory", mask_stimulus={"b": 1.0})


def test_golden_plaids(reference):
    golden = reference["plaid_orthogonal"]
    masks = [row["mask"] for row in golden]
    dataset = on.experiments.contrast_response(on.ring(), [0.05, 0.1, 0.2, 0.5], masks, engine="theory")
    np.testing.assert_allclose(at_peak(dataset), [row["R"] for row in golden], rtol=1e-9)
    np.testing.assert_allclose(at_peak(dataset), [row["pred"] for row in golden], rtol=3e-3)


@settings(max_examples=20, deadline=None)
@given(*[st.floats(0.2, 2)] * 2, st.floats(0.02, 0.5))
def test_orthogonal_mask_acts_like_contrast_in_the_pool(b, b0, sigma):
    """R = R_max c²/(c² + m² + c50²) with c50 = σ b0/b, up to the tail of the mask's drive at the unit."""
    contrasts, masks = np.array([0.05, 0.2, 1]), np.array([0, 0.1, 0.4])
    circuit = on.ring(b=b, b0=b0, sigma=sigma)
    dataset = on.experiments.contrast_response(circuit, contrasts, masks, engine="theory")
    c, m = contrasts, masks[:, None]
    expected = R_MAX * c**2 / (c**2 + m**2 + (sigma * b0 / b) ** 2)
    np.testing.assert_allclose(at_peak(dataset), expected, rtol=1e-4)


def test_simulation_agrees_with_theory():
    arguments = on.ring(), [0.05, 0.3, 1], [0, 0.2]
    brian = on.experiments.contrast_response(*arguments, engine="brian")
    theory = on.experiments.contrast_response(*arguments, engine="theory")
    assert brian.settled.all()
    for name in ("rate_y", "rate_a"):
        np.testing.assert_allclose(brian[name], theory[name], rtol=2e-4, atol=1e-6)


@pytest.mark.parametrize("angle", [0, 40, 90, 180, 270, 350])
@pytest.mark.parametrize("given", ["grating", "vector", "input"])
def test_the_mask_is_orthogonal_at_every_angle(angle, given):
    circuit, masks = on.ring(), [0, 0.1, 0.2, 0.5]
    shown = on.stimuli.grating(circuit, angle)
    stimulus = {"grating": None, "vector": shown, "input": {"z": on.stimuli.drive(circuit, shown)}}[given]
    dataset = on.experiments.contrast_response(circuit, [0.1], masks, "theory", angle=angle, stimulus=stimulus)
    np.testing.assert_allclose(at_peak(dataset)[:, 0], [0.1052, 0.0701, 0.0351, 0.0078], atol=6e-5)
    assert f"{(angle + 180) % 360:g}°" in dataset.attrs["assumed"] or "turned by 180°" in dataset.attrs["assumed"]


def test_a_circuit_without_outputs_shows_its_states():
    model = on.CircuitModel("plain", "dx/dt = (u - x)/tau_x : 1\nu : 1\ntau_x : second", parameters={"tau_x": 5e-3})
    dataset = on.experiments.contrast_response(on.Circuit(model, size=2), [0.5, 1], engine="theory", stimulus=[1, 3])
    np.testing.assert_allclose(dataset.x[0], [[0.5, 1.5], [1, 3]])
    assert dataset.x.attrs["preferred_unit"] == 1


def test_labels():
    circuit = on.ring(n=9)
    dataset = on.experiments.contrast_response(
        circuit, [0.1, 1], [0, 0.5, 1], Brian(duration=0.1, window=0.05, dt=2e-4)
    )
    assert dataset.rate_y.dims == dataset.rate_a.dims == ("mask", "contrast", "unit")
    assert dict(dataset.sizes) == {"mask": 3, "contrast": 2, "unit": 9}
    np.testing.assert_array_equal(dataset.contrast, [0.1, 1])
    np.testing.assert_array_equal(dataset.mask, [0, 0.5, 1])
    np.testing.assert_array_equal(dataset.unit, range(9))
    attributes = dataset.attrs
    assert as_engine(attributes["engine"]) == Brian(duration=0.1, window=0.05, dt=2e-4)
    assert attributes["experiment"] == "contrast_response"
    assert attributes["assumed"] == "mask: a grating at 0°, orthogonal to the stimulus"
    assert dataset.contrast.attrs == {"long_name": "stimulus contrast", "units": "1"}
    assert attributes["circuit"] == repr(circuit)
    assert attributes["software"] == f"organics_neuro {on.__version__}"
    assert "NeurIPS" in attributes["citation"]


def test_stimulus_and_mask_of_ones_own():
    """The same gratings as arrays, and as inputs by name."""
    circuit = on.ring(n=12)
    gratings = [on.stimuli.grating(circuit, angle) for angle in (90, 200)]
    expected = on.experiments.contrast_response(circuit, [0.5], [0, 0.3], engine="theory", angle=90, mask_angle=200)
    drives = [{"z": on.stimuli.drive(circuit, grating)} for grating in gratings]
    for stimulus, mask in (gratings, drives):
        found = on.experiments.contrast_response(
            circuit, [0.5], [0, 0.3], engine="theory", stimulus=stimulus, mask_stimulus=mask
        )
        xr.testing.assert_equal(found, expected)
    assert expected.rate_y.attrs["preferred_unit"] == 3


@pytest.mark.filterwarnings("error::organics_neuro.core.errors.ConvergenceWarning")
def test_joined_circuit():
    """Two populations of different size, each with an axis of its own; the one without a stimulus has a preferred unit too."""
    circuit = make_excitation_inhibition()
    stimulus, nothing = {"e.drive": np.eye(40)[7]}, {}
    arguments = {"stimulus": stimulus, "mask_stimulus": nothing}
    theory = on.experiments.contrast_response(circuit, [0.5, 1], engine="theory", **arguments)
    assert theory["e.rate_v"].dims == ("mask", "contrast", "e_unit")
    assert theory["i.rate_v"].shape == (1, 2, 10)
    assert theory["e.rate_v"].attrs["preferred_unit"] == 7
    assert theory["i.rate_v"].attrs["preferred_unit"] == theory["i.rate_v"].values[0, 1].argmax()
    brian = on.experiments.contrast_response(circuit, [0.5, 1], engine=Brian(duration=0.2), **arguments)
    xr.testing.assert_allclose(brian, theory, rtol=1e-3, atol=1e-6)


def test_gated_circuit():
    """Its stimulus is the external input, with a size of its own."""
    circuit = make_gated(n=4, inputs=3)
    dataset = on.experiments.contrast_response(circuit, [0.5, 1.0], stimulus=[0, 0, 1.0], mask_stimulus=np.zeros(3))
    point = on.theory.fixed_point(circuit, np.array([[0, 0, 0.5], [0, 0, 1]]))
    rates = circuit.outputs(point.state)
    np.testing.assert_allclose(dataset.rate_y[0], rates["rate_y"], rtol=1e-3, atol=1e-9)
    assert dataset.rate_y.attrs["preferred_unit"] == rates["rate_y"][1].argmax()


def test_circuit_that_has_not_settled():
    with pytest.warns(ConvergenceWarning, match=r"2 of 2 responses had not settled after 0.02 s \(drift up to"):
        dataset = on.experiments.contrast_response(on.ring(n=9), [0.1, 0.2], engine=Brian(duration=0.02, window=0.01))
    assert not dataset.settled.any()


@pytest.mark.filterwarnings("ignore")
def test_a_circuit_that_leaves_the_finite_numbers():
    circuit = on.Circuit("two_type", {"W_r": np.random.default_rng(0).normal(size=(4, 4)) / 4})
    assert not on.theory.is_stable(circuit, [1, 2, 3, 4])
    with pytest.raises(FloatingPointError, match=r"of unit \d in trial 0 is"):
        on.experiments.contrast_response(circuit, [1], stimulus=[1, 2, 3, 4])


JOINED = on.join({"e": make_main(n=3)}, [])


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"engine": "nest"}, ValueError, "unknown engine 'nest'; known: 'brian'"),
        (
            {"contrasts": [-0.1]},
            ValueError,
            "contrasts must be a list of numbers that are not negative, got \\[-0.1\\]",
        ),
        ({"contrasts": [np.nan]}, ValueError, "contrasts must be finite, but holds nan"),
        ({"contrasts": []}, ValueError, "contrasts must be a list"),
        ({"contrasts": 0.5}, ValueError, "contrasts must be a list"),
        ({"contrasts": "high"}, TypeError, "contrasts must be a number or an array of numbers, got 'high'"),
        ({"masks": [[0]]}, ValueError, "masks must be a list"),
        ({"engine": "brian(window=2)"}, ValueError, "window = 2 s must be at most the duration, 0.5 s"),
        ({"stimulus": [1, 2]}, ValueError, r"stimulus has shape \(2,\)"),
        ({"stimulus": {"q": 1}}, ValueError, "unknown input 'q'; known: 'z'"),
        ({"mask_stimulus": np.full(360, np.nan)}, ValueError, "must be finite"),
        ({"circuit": "two_type"}, TypeError, "circuit must be a circuit, got str"),
        ({"circuit": JOINED}, ValueError, "give stimulus as a dictionary of inputs: a joined circuit"),
        (
            {"circuit": JOINED, "stimulus": {"e.z": 1}, "masks": [0.5]},
            ValueError,
            "no circle of preferred angles, .*mask_stim",
        ),
        (
            {"circuit": JOINED, "stimulus": {"e.z": 1}, "mask_stimulus": [1]},
            ValueError,
            "give mask_stimulus as a dictionary",
        ),
    ],
)
def test_bad_input(given, error, message):
    with pytest.raises(error, match=message):
        on.experiments.contrast_response(**{"circuit": on.ring(n=9), "contrasts": [0.5], **given})
