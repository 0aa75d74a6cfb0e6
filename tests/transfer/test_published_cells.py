"""Recurrent cells of the authors' public code as circuits: their steps are computed in NumPy."""

import numpy as np
import pytest

import organics_neuro as on

torch = pytest.importorskip("torch")

from organics_neuro.core.errors import FileFormatError  # noqa: E402
from organics_neuro.transfer import import_checkpoint  # noqa: E402
from organics_neuro.transfer.published_cells import CELLS  # noqa: E402
from tests.simulators import simulate_reference  # noqa: E402
from tests.transfer.public_code import DT, GATED, INPUTS, MAX_STEPS, STEPS, Classifier, N, relu, save, sigmoid  # noqa: E402


def published_trace(model, cell, x, limit=True):
    """States of the public recurrent cell, {name: (steps, trials, units)}: every right-hand side at the old state."""
    drive, recurrence, plain_rate, identity = VERSIONS[cell]
    p = {k: v.detach().double().numpy() for k, v in model.org.named_parameters()}
    W_zx, W_r = (m.eval().weight.detach().numpy() for m in (model.org.Wzx, model.org.Wr))  # divided by spectral norms
    W_r = W_r + np.eye(N) if identity else W_r
    W, h = np.exp(p["log_Way"]), {"y": 0.3, "a": 0.2, "b0": 0.4, "b1": 0.4}
    W = np.minimum(W, 1) if limit else W
    h = {k: maximum * sigmoid(p[f"param_dt_tau{k}"]) for k, maximum in h.items()}
    y, a, b0, b = (np.tile(getattr(model, k).numpy(), (x.shape[1], 1)) for k in ("y0", "a0", "b00", "b10"))
    trace = {"y": [], "a": [], "b0": [], "b": []}
    for now in x:
        gains = [sigmoid(now @ p[f"Wbx{k}"].T + y @ p[f"Wby{k}"].T + a @ p[f"Wba{k}"].T) for k in (0, 1)]
        rate = y**2 if plain_rate else relu(y) ** 2
        y, a, b0, b = (
            y + h["y"] * (-y + b * drive(now @ W_zx.T) + (1 - np.sqrt(relu(a))) * recurrence(y, W_r)),
            a + h["a"] * (-a + b0**2 + (rate * relu(a)) @ W.T),
            b0 + h["b0"] * (gains[0] - b0),
            b + h["b1"] * (gains[1] - b),
        )
        for name, value in zip(trace, (y, a, b0, b), strict=True):
            trace[name].append(value)
    return trace


def same(x):
    return x


RECURRENCES = {
    "gated": (relu, lambda y, W_r: relu(y @ W_r.T), False),
    "gated_rectified": (relu, lambda y, W_r: relu(y) @ W_r.T, False),
    "gated_released": (same, lambda y, W_r: relu(y) @ W_r.T, False),
    "gated_unrectified_recurrence": (relu, lambda y, W_r: y @ W_r.T, True),
    "gated_unrectified": (same, lambda y, W_r: y @ W_r.T, True),
}
#: By the name of the cell: drive, recurrence, whether the pool is of y^2, and whether the identity is added to W_r.
VERSIONS = {name: (*parts, name == "gated_released") for name, parts in RECURRENCES.items()}
VERSIONS |= {f"{k}_with_identity": (*v[:3], True) for k, v in VERSIONS.items() if k != "gated_released"}
VERSIONS["gated_released_without_identity"] = (*RECURRENCES["gated_released"], False)


@pytest.mark.parametrize("spectral", [False, True, "both"])
@pytest.mark.parametrize("cell", VERSIONS)
def test_recurrent_cell(tmp_path, cell, spectral):
    """Every version of the public code that the package can express, with and without spectral norms."""
    model, x = Classifier(spectral), np.random.default_rng(0).normal(size=(STEPS, 2, INPUTS))
    path = save(tmp_path, {"state_dict": model.state_dict()})
    found = import_checkpoint(path, cell, dt=DT, limit_pool=True, **MAX_STEPS)
    circuit = found.parts["org"]
    states = simulate_reference(circuit, x, duration=STEPS * DT, dt=DT)
    for name, expected in published_trace(model, cell, x).items():
        np.testing.assert_allclose(states[name][1:], expected, rtol=0, atol=1e-12, err_msg=name)
    assert circuit.model.outputs["rate_y"].source == (
        "y**2" if VERSIONS[cell][2] else "relu(y)**2"
    )  # what the pool sees
    assert found.unmapped.keys() == {"fc.weight", "fc.bias", *({"org.B0_const"} if spectral is True else ())}
    circuit.save(tmp_path / "circuit.safetensors")
    assert on.load(tmp_path / "circuit.safetensors") == circuit


def test_cells_are_those_that_can_be_imported():
    assert set(VERSIONS) == set(CELLS)


def test_the_limit_of_the_pool_is_said_or_given(tmp_path):
    """Some commits cut entries at 1: files do not tell."""
    model, x = Classifier(), np.random.default_rng(0).normal(size=(STEPS, 2, INPUTS))
    path = save(tmp_path, model.state_dict())
    for limit, noted in ((True, False), (False, False), (None, True)):
        found = import_checkpoint(path, "gated", dt=DT, limit_pool=limit, **MAX_STEPS)
        states = simulate_reference(found.parts["org"], x, duration=STEPS * DT, dt=DT)
        expected = published_trace(model, "gated", x, limit=limit is not False)["a"]
        np.testing.assert_allclose(states["a"][1:], expected, rtol=0, atol=1e-12)
        assert ("give limit_pool=False" in str(found)) == noted
    with pytest.raises(ValueError, match="limit_pool must be True, False or None, got 'no'"):
        import_checkpoint(path, "gated", limit_pool="no")


def test_diagonal_recurrence(tmp_path):
    """Branch feature_diagonal_recurrence: sigmoids of one number for each unit."""
    state = {**Classifier().state_dict(), "org.Wr.weight": torch.randn(N, dtype=torch.float64)}
    found = import_checkpoint(save(tmp_path, state), **GATED)
    expected = np.diag(sigmoid(state["org.Wr.weight"].numpy()))
    np.testing.assert_allclose(found.parts["org"].weights["W_r"].to_dense(), expected, rtol=1e-12)
    assert "org.Wr holds one number for each unit: W_r is diagonal, with sigmoids of them" in str(found)


def test_imported_circuits_know_their_step(tmp_path):
    circuit = import_checkpoint(save(tmp_path, Classifier().state_dict()), dt=2e-3, **GATED).parts["org"]
    with pytest.warns(UserWarning, match="was made for steps of 0.002 s, but is run with steps of 0.001 s"):
        simulate_reference(circuit, np.ones((2, 1, INPUTS)), duration=2e-3, dt=1e-3)


@pytest.mark.parametrize("spectral", [False, "both"])
def test_a_file_that_fits_several_cells_is_an_error(tmp_path, spectral):
    """They differ in what is rectified, which no weight tells. Those with a spectral norm of W_zx, too, were "released"."""
    path = save(tmp_path, Classifier(spectral).state_dict())
    with pytest.raises(
        FileFormatError, match="model.ckpt: org.Wr fits several cells, which .* tell apart; give cell="
    ) as e:
        import_checkpoint(path)
    for name in VERSIONS:
        assert f"'{name}': " in str(e.value)
    assert "'gated_with_identity': [W_zx x]+, [(I + W_r) y]+, pool of [y]+^2;" in str(e.value)
    assert "'gated_unrectified': W_zx x, W_r y, pool of y^2" in str(e.value)
    without = {k: v for k, v in Classifier(True).state_dict().items() if k != "org.B0_const"}
    with pytest.raises(FileFormatError, match="give cell="):
        import_checkpoint(save(tmp_path, without))
