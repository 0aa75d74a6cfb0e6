"""Named parametrizations hold whatever the optimizer does, and give circuits weights of their structure."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from organics_neuro.core.model import CircuitModel, Coupling  # noqa: E402
from organics_neuro.nn import CircuitCell, CircuitLayer  # noqa: E402
from organics_neuro.nn.constraints import PARAMETRIZATIONS, Constraint  # noqa: E402
from tests.simulators import simulate_reference  # noqa: E402

N, H, T, B = 3, 6, 7, 4  # inputs, units, steps, sequences
DOUBLE = {"dtype": torch.float64}
SIGNS = [1, 1, -1, 1, -1, -1]
EYE = torch.eye(H, **DOUBLE)


def norm(w):
    return torch.linalg.matrix_norm(w, 2).item()


#: What is true of a matrix under each of the parametrizations.
HOLDS = {
    "positive": lambda w: (w > 0).all(),
    "bounded": lambda w: ((w > 0) & (w < 1)).all(),
    ("bounded", 0.5): lambda w: ((w > 0) & (w < 0.5)).all(),
    "dale": lambda w: (w[:, :5] >= 0).all() and (w[:, 5:] <= 0).all(),
    ("dale", tuple(SIGNS)): lambda w: (w * torch.tensor(SIGNS) >= 0).all(),
    ("dale", -1): lambda w: (w <= 0).all(),
    "antisymmetric": lambda w: torch.equal(w, -w.T),
    ("antisymmetric", 0.1): lambda w: torch.allclose(w + w.T, -0.2 * EYE, atol=1e-14),
    ("lipschitz", 0.75, 0.001): lambda w: w.isfinite().all(),  # it is another form of any matrix, not fewer of them
    "spectral": lambda w: norm(w) <= 1 + 1e-12,
    ("spectral", 0.5): lambda w: norm(w) <= 0.5 + 1e-12,
    "unit_norm": lambda w: abs(norm(w) - 1) < 1e-12,
    "orthogonal": lambda w: torch.allclose(w @ w.T, EYE, atol=1e-12),
    ("low_rank", 2): lambda w: torch.linalg.matrix_rank(w, rtol=1e-10) == 2,
    "diagonal": lambda w: torch.equal(w, w.diagonal().diag()) and ((w.diagonal() > 0) & (w.diagonal() < 1)).all(),
    "identity": lambda w: torch.equal(w, EYE),
}


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def test_every_parametrization_is_tested():
    assert PARAMETRIZATIONS.keys() == {key if isinstance(key, str) else key[0] for key in HOLDS}


@pytest.mark.parametrize("constraint", HOLDS, ids=str)
def test_it_holds_whatever_the_optimizer_does(constraint):
    cell = CircuitCell("two_type", N, H, parametrizations={"W_r": constraint}, **DOUBLE)
    start = cell.W_r.detach().clone()
    assert HOLDS[constraint](start)
    cell.reset_parameters()
    assert HOLDS[constraint](cell.W_r)
    with torch.no_grad():
        for p in cell.parameters():
            p.add_(torch.randn_like(p))
    changed = cell.W_r.detach()
    assert HOLDS[constraint](changed)
    assert torch.equal(start, changed) == (constraint == "identity")
    if constraint != "identity":
        cell.W_r = start  # what it shows it also takes
        torch.testing.assert_close(cell.W_r, start, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("constraint", HOLDS, ids=str)
def test_a_layer_with_it_is_trained_and_is_its_circuit(constraint):
    rnn = CircuitLayer("two_type", N, H, parametrizations={"W_r": constraint}, **DOUBLE)
    other = CircuitLayer("two_type", N, H, parametrizations={"W_r": constraint}, **DOUBLE)
    with torch.no_grad():
        for p in rnn.parameters():
            p.add_(0.3 * torch.randn_like(p))
    other.load_state_dict(rnn.state_dict())
    x = torch.randn(T, B, N, **DOUBLE)
    output, _ = rnn(x)
    assert torch.equal(other(x)[0], output)
    output.square().sum().backward()
    assert all(p.grad.isfinite().all() for p in rnn.parameters())
    circuit = rnn.to_circuit(dt=1e-3)
    trace = simulate_reference(circuit, x.numpy(), duration=T * 1e-3, dt=1e-3)
    np.testing.assert_allclose(output.detach(), trace["y"][1:], rtol=0, atol=1e-12)
    kind = {"low_rank": "low_rank", "diagonal": "sparse", "identity": "circulant"}
    name = constraint if isinstance(constraint, str) else constraint[0]
    assert circuit.weights["W_r"].kind == kind.get(name, "dense")


def test_what_a_model_declares_is_kept():
    """Weights that must not be negative, and parameters that must be larger than 0, unless one says otherwise."""
    cell = CircuitCell("two_type", N, H, parametrizations={"W": "bounded", "b": ("bounded", 2.0)}, **DOUBLE)
    with torch.no_grad():
        for p in cell.parameters():
            p.add_(5 * torch.randn_like(p))
    for value, largest in ((cell.sigma, np.inf), (cell.b0, np.inf), (cell.W, 1), (cell.b, 2)):
        assert ((value > 0) & (value <= largest)).all()
    cell.to_circuit()


def test_inhibition_stays_inhibition():
    """A coupling may say the sign of its weights."""
    model = CircuitModel(
        "inhibited",
        "dy/dt = (-y + z + inhibition)/tau_y : 1\n z : 1\n inhibition : 1\n tau_y : second",
        couplings=[Coupling("inhibition", "W_i", "relu(y)", sign=-1)],
        parameters={"tau_y": 0.01},
    )
    cell = CircuitCell(model, N, H)
    assert (cell.W_i <= 0).all()
    assert (cell.W_i < 0).any()


class Halved(Constraint):
    """A constraint of one's own."""

    def forward(self, p):
        return p / 2

    def unconstrained(self, value):
        return 2 * value


def test_a_parametrization_of_ones_own():
    rnn = CircuitLayer("two_type", N, H, 2, parametrizations={"W_r": Halved()})
    torch.testing.assert_close(rnn.cells[0].W_r, torch.eye(H))
    torch.testing.assert_close(rnn.cells[0].parametrizations.W_r.original, 2 * torch.eye(H))
    assert rnn.cells[0].parametrizations.W_r[0] is not rnn.cells[1].parametrizations.W_r[0]


@pytest.mark.parametrize(
    ("constraint", "message"),
    [
        ("negative", "unknown parametrization of 'W_r' 'negative'; known: 'positive', "),
        (3, "unknown parametrization of 'W_r' 3"),
        ("low_rank", r"parametrization 'low_rank' of 'W_r': .*missing 1 required positional argument: 'rank'"),
        (("low_rank", 0), r"parametrization \('low_rank', 0\) of 'W_r': rank must be a positive integer, got 0"),
        (("dale", [1, 0]), r"signs must be \+1 or -1, got \[1, 0\]"),
        (("dale", [1, -1]), r"signs must be one number, or one for each of 6 sources, got \(2,\)"),
    ],
    ids=str,
)
def test_bad_parametrizations(constraint, message):
    with pytest.raises(ValueError, match=message):
        CircuitCell("two_type", N, H, parametrizations={"W_r": constraint})


@pytest.mark.parametrize(
    ("constraint", "value", "message"),
    [
        (("dale", 1), -EYE, "weights must have the sign of their source"),
        ("antisymmetric", EYE, "the matrix must be antisymmetric"),
        (("low_rank", 2), EYE, "the matrix must have at most the rank 2"),
        ("positive", EYE, "values must be larger than 0, but the smallest is 0"),
    ],
    ids=str,
)
def test_values_outside_a_constraint_are_refused(constraint, value, message):
    cell = CircuitCell("two_type", N, H, parametrizations={"W_r": constraint}, **DOUBLE)
    with pytest.raises(ValueError, match=message):
        cell.W_r = value
