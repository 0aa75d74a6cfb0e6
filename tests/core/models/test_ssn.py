"""Stabilized supralinear networks: steps of the published network, both forms, and its noise."""

import json
from pathlib import Path

import numpy as np
import pytest

import organics_neuro as on
from tests.simulators import simulate_reference

GOLDEN = json.loads((Path(__file__).parents[2] / "reference_values_systems.json").read_text())


def published():
    """The network of the golden steps, its drive, and its constants."""
    golden = GOLDEN["ssn_step"]
    w, signs = np.abs(golden["w"]), np.array(golden["sign_of_columns"])
    h0, h1, h2 = golden["h"]
    drive = h0**2 * (np.array(golden["x"]) + h1**2) ** (h2**2)
    np.testing.assert_allclose(drive, golden["drive"], rtol=1e-14)
    parameters = {"signs": signs, "k": golden["k"], "n": golden["n"], "tau_v": golden["tau"]}
    circuit = on.Circuit("ssn_noisy", {"W": w, "W_noise": golden["mix"]}, tau_eta=golden["tau_eta"], **parameters)
    return circuit, drive, golden


def test_six_steps_of_the_published_network():
    """With given noise: potentials read the processes of before the step."""
    circuit, drive, golden = published()
    dt, tau, mix, xi = golden["dt"], golden["tau_eta"], np.array(golden["mix"]), np.array(golden["xi"])
    v, eta = np.zeros(4), xi[0]
    for k, expected in enumerate(golden["u"]):
        np.testing.assert_allclose(mix @ eta, golden["eta"][k], rtol=1e-12)
        end = simulate_reference(circuit, drive, dt, dt, initial={"v": v, "eta": eta})
        v, eta = end["v"][-1, 0], end["eta"][-1, 0] + np.sqrt(2 * dt / tau) * xi[k + 1]
        np.testing.assert_allclose(v, expected, rtol=1e-12)


def test_golden_steady_state_and_eigenvalues():
    circuit, drive, golden = published()
    point = on.theory.fixed_point(circuit, drive)
    np.testing.assert_allclose(point.state["v"], golden["u_steady"], rtol=1e-12)
    found = on.theory.eigenvalues(on.Circuit("ssn", {"W": circuit.weights["W"]}, **without_noise(circuit)), drive)
    np.testing.assert_allclose(found.real, np.array(golden["eigenvalues"])[::-1, 0], rtol=1e-10)


def without_noise(circuit):
    return {name: value for name, value in circuit.parameters.items() if name != "tau_eta"}


def test_golden_eigenvalues_are_sorted():
    """The leading one comes first in the package, last in the file of golden numbers."""
    values = np.array(GOLDEN["ssn_step"]["eigenvalues"])
    assert (np.diff(values[:, 0]) > 0).all()
    assert not values[:, 1].any()


def noisy():
    golden = GOLDEN["ou_ssn"]
    W = np.array(golden["W"])
    circuit = on.Circuit(
        "ssn_noisy",
        {"W": np.abs(W), "W_noise": golden["mix"]},
        signs=np.sign(W[0]),
        tau_v=golden["tau_v"],
    )
    return circuit, golden


def test_golden_covariance_of_correlated_noise():
    circuit, golden = noisy()
    np.testing.assert_allclose(on.theory.fixed_point(circuit, golden["h"]).state["v"], golden["u"], rtol=1e-12)
    found = on.theory.covariance(circuit, golden["h"], {"eta": np.sqrt(2)})[:6, :6]
    np.testing.assert_allclose(found, golden["cov_u"], rtol=1e-11)
    np.testing.assert_allclose(np.diag(found), golden["var_u"], rtol=1e-11)


def test_covariance_is_that_of_the_simulation():
    """Of noise so weak that the network is linear, within 3 %; 400 trials of 2 s."""
    circuit, golden = noisy()
    noise = {"eta": 0.02 * np.sqrt(2)}
    start = {name: np.tile(v, (400, 1)) for name, v in on.theory.fixed_point(circuit, golden["h"]).state.items()}
    engine = on.engines.Reference(dt=1e-3, method="heun", seed=1, progress=False)
    trace = on.simulate(circuit, golden["h"], 2.2, engine, initial=start, noise=noise, record=["v"], every=10)
    v = trace["v"][20:].reshape(-1, 6)
    expected = on.theory.covariance(circuit, golden["h"], noise)[:6, :6]
    assert np.linalg.norm(np.cov(v.T) - expected) < 0.03 * np.linalg.norm(expected)
    np.testing.assert_allclose(v.var(axis=0), np.diag(expected), rtol=0.03)


def test_noise_is_mixed_as_its_weights_say():
    """Without recurrence and much slower than the units, the noise is what they do: of covariance W_noise W_noiseᵀ."""
    mix = np.array([[1.0, 0.3], [0.2, 0.5]])
    circuit = on.Circuit("ssn_noisy", {"W": np.zeros((2, 2)), "W_noise": mix}, tau_v=1e-6, tau_eta=1.0)
    found = on.theory.covariance(circuit, [0.0, 0.0], {"eta": np.sqrt(2)})[:2, :2]
    np.testing.assert_allclose(found, mix @ mix.T, rtol=1e-5)


@pytest.mark.parametrize("n", [1.0, 1.5, 2.0, 3.0])
def test_both_forms_have_the_same_rates_and_eigenvalues(n):
    rng = np.random.default_rng(0)
    signs, z = np.array([1.0, 1, 1, -1, -1]), rng.uniform(0.5, 1.5, 5)
    given = {"W": rng.uniform(0, 0.3, (5, 5))}, {"signs": signs, "n": n, "k": 0.4}
    potentials, rates = (on.Circuit(model, given[0], **given[1]) for model in ("ssn", "ssn_rate"))
    of_v, of_r = on.theory.fixed_point(potentials, z).state, on.theory.fixed_point(rates, z).state
    np.testing.assert_allclose(potentials.outputs(of_v)["rate_v"], of_r["r"], rtol=1e-9)
    np.testing.assert_allclose(z + given[0]["W"] @ (signs * of_r["r"]), of_v["v"], rtol=1e-9)
    found, expected = on.theory.eigenvalues(potentials, z), on.theory.eigenvalues(rates, z)
    np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_dales_principle_is_in_the_declaration():
    with pytest.raises(ValueError, match="weights 'W' must not be negative, but the smallest is -0.5"):
        on.Circuit("ssn", {"W": [[0.1, -0.5], [0.2, 0.3]]})


def test_a_layer_keeps_signs_and_exponents():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    signs = np.repeat([1.0, -1.0], [4, 2])
    rnn = on.nn.CircuitLayer("ssn", 3, 6, parameters={"signs": signs}, dtype=torch.float64)
    learned = {name.split(".")[-1] for name, p in rnn.cells[0].named_parameters() if p.requires_grad}
    assert not {"signs", "k", "n"} & learned
    optimizer = torch.optim.SGD(rnn.parameters(), lr=10.0)
    rnn(torch.randn(5, 2, 3, dtype=torch.float64))[0].square().sum().backward()
    optimizer.step()
    circuit = rnn.to_circuit(dt=1e-3)
    assert circuit.weights["W"].is_nonnegative
    np.testing.assert_array_equal(circuit.parameters["signs"], signs)
