"""The options of the recurrent layer: constraints, constant gains, dropout, sequences of different lengths."""

import copy
import math

import pytest

torch = pytest.importorskip("torch")

from torch.nn.utils import rnn as packing  # noqa: E402

from organics_neuro.core.models.gated import VARIANTS  # noqa: E402
from organics_neuro.nn import ORGaNICs, ORGaNICsCell, State  # noqa: E402
from organics_neuro.nn.constraints import SpectralBound, UnitNorm  # noqa: E402
from tests.nn.kernels.layers import largest_difference, make, needs_compiler, run  # noqa: E402

N, H, T, B = 3, 5, 7, 4  # inputs, units, steps, sequences
DOUBLE = {"dtype": torch.float64}


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


# --- recurrence, gains and steps --------------------------------------------------------------------------------------

HOLDS = {
    "identity": lambda w: torch.equal(w, torch.eye(H, **DOUBLE)),
    "orthogonal": lambda w: torch.allclose(w @ w.T, torch.eye(H, **DOUBLE), atol=1e-12),
    "spectral": lambda w: math.isclose(torch.linalg.matrix_norm(w.detach(), 2), 1, abs_tol=1e-12),
    "diagonal": lambda w: torch.equal(w, w.diagonal().diag()) and bool(((w.diagonal() > 0) & (w.diagonal() < 1)).all()),
}


@pytest.mark.parametrize("recurrence", HOLDS)
def test_recurrence_holds_whatever_the_optimizer_does(recurrence):
    cell = ORGaNICsCell(N, H, recurrence=recurrence, **DOUBLE)
    before = cell.W_r.detach().clone()
    assert HOLDS[recurrence](before)
    with torch.no_grad():
        for p in cell.parameters():
            p.add_(torch.randn_like(p))
    assert HOLDS[recurrence](cell.W_r)
    assert torch.equal(cell.W_r, cell.W_r), "the value depends on the parameter, not on how often it is asked for"
    assert torch.equal(cell.W_r, before) == (recurrence == "identity")


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        ({"recurrence": "identity"}, H * H),
        ({"recurrence": "diagonal"}, H * H - H),
        ({"recurrence": "orthogonal"}, 0),
        ({"recurrence": "spectral"}, 0),
        ({"model": "gated_unrectified"}, 0),
        ({"b": 1.0}, H * N + 2 * H * H + H),
        ({"b": 1.0, "b0": 1.0}, 2 * (H * N + 2 * H * H + H)),
        ({"learned_steps": False}, 4 * H),
    ],
    ids=str,
)
def test_number_of_learned_parameters(options, missing):
    def count(cell):
        return sum(p.numel() for p in cell.parameters() if p.requires_grad)

    assert count(ORGaNICsCell(N, H, **options)) == count(ORGaNICsCell(N, H)) - missing


@needs_compiler
@pytest.mark.parametrize("constant", [{}, {"b": 0.7}, {"b0": 0.4}, {"b": 0.7, "b0": 0.4}], ids=str)
@pytest.mark.parametrize("model", ["gated", "gated_unrectified"])
@pytest.mark.parametrize("recurrence", ["free", *HOLDS])
def test_kernel_equals_torch(recurrence, model, constant):
    given = make(recurrence=recurrence, model=model, **constant)
    assert largest_difference(run(*given, kernel="fused"), run(*given, kernel="torch")) < 1e-12


@needs_compiler
@pytest.mark.parametrize("model", ["gated_rectified", "gated_released", "gated_unrectified_recurrence"])
def test_a_circuit_the_kernel_does_not_know_runs_on_torch(model):
    given = make(model=model)
    assert largest_difference(run(*given), run(*given, kernel="torch")) == 0
    with pytest.raises(ValueError, match=f"kernel='fused' has no model '{model}'; use kernel='auto'"):
        run(*given, kernel="fused")


@pytest.mark.parametrize("model", VARIANTS)
def test_what_is_rectified(model):
    """One step written out by hand, from states of both signs."""
    cell = ORGaNICsCell(N, H, model=model, **DOUBLE)
    x, (y, a, b0, b) = torch.randn(B, N, **DOUBLE), torch.randn(4, B, H, **DOUBLE)
    z, recurrent, pooled = x @ cell.W_zx.T, y @ cell.W_r.T, y**2
    if model not in ("gated_released", "gated_unrectified"):
        z = z.relu()
    if model == "gated":
        recurrent = recurrent.relu()
    if model in ("gated_rectified", "gated_released"):
        recurrent = y.relu() @ cell.W_r.T
    if model not in ("gated_unrectified_recurrence", "gated_unrectified"):
        pooled = y.relu() ** 2
    found = cell(x, State(y, a, b0, b))
    expected_y = y + cell.step_y * (-y + b * z + (1 - a.relu().sqrt()) * recurrent)
    expected_a = a + cell.step_a * (-a + b0**2 + (a.relu() * pooled) @ cell.W.T)
    torch.testing.assert_close(found.y, expected_y, rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(found.a, expected_a, rtol=1e-13, atol=1e-13)


def test_constant_gains_and_steps_do_not_change():
    rnn = ORGaNICs(N, H, b=0.7, b0=0.4, learned_steps=False, max_step_y=0.5)
    _, state = rnn(torch.randn(T, B, N))
    torch.testing.assert_close(state.b, torch.full((1, B, H), 0.7))
    torch.testing.assert_close(state.b0, torch.full((1, B, H), 0.4))
    torch.testing.assert_close(rnn.cells[0].step_y, torch.full((H,), 0.5 / (1 + math.exp(-1))))


@pytest.mark.parametrize("constraint", [UnitNorm, SpectralBound])
def test_derivatives_of_a_spectral_constraint(constraint):
    """First and second; and the first also where all singular values are the largest, which is where training starts."""
    matrix = torch.randn(H, H, requires_grad=True, **DOUBLE)
    assert torch.linalg.matrix_norm(matrix, 2) > 1
    assert torch.autograd.gradcheck(constraint(), (matrix,))
    assert torch.autograd.gradgradcheck(constraint(), (matrix,))
    rotation = torch.linalg.qr(matrix.detach())[0].requires_grad_()
    assert torch.autograd.grad(constraint()(rotation).sum(), rotation)[0].isfinite().all()
    zero = torch.zeros(H, H, requires_grad=True, **DOUBLE)
    assert torch.autograd.grad(constraint()(zero).sum(), zero)[0].isfinite().all()


def test_values_outside_a_constraint_are_refused():
    cell = ORGaNICsCell(N, H, recurrence="spectral")
    with pytest.raises(ValueError, match="largest singular value must be 1, but is 2"):
        cell.W_r = 2 * torch.eye(H)
    cell = ORGaNICsCell(N, H, recurrence="diagonal")
    cell.W_r = torch.eye(H) / 4
    torch.testing.assert_close(cell.W_r, torch.eye(H) / 4)
    for bad in (torch.eye(H), torch.full((H, H), 0.5)):
        with pytest.raises(ValueError, match="must be diagonal, with entries between 0 and 1"):
            cell.W_r = bad


@pytest.mark.parametrize("recurrence", ["orthogonal", "spectral", "diagonal"])
def test_values_of_another_shape_are_refused(recurrence):
    """torch takes any, and a pool of one column would be repeated or read beyond its end."""
    cell = copy.deepcopy(ORGaNICsCell(N, H, recurrence=recurrence))
    for name in ("W", "W_r", "step_y"):
        kept = getattr(cell, name)
        with pytest.raises(ValueError, match="shape"):
            setattr(cell, name, kept[:1])
        assert torch.equal(getattr(cell, name), kept)
    with pytest.raises(TypeError, match="values must be a tensor, got float; make one with torch.as_tensor"):
        cell.W = 0.5


def test_repr_says_what_is_not_the_default():
    options = {"recurrence": "spectral", "model": "gated_unrectified", "b": 0.5, "learned_steps": False}
    text = "3, 5, model='gated_unrectified', recurrence='spectral', b=0.5, learned_steps=False"
    assert text in repr(ORGaNICsCell(N, H, **options))
    options = {"num_layers": 2, "batch_first": True, "dropout": 0.5, "precision": "bf16"}
    text = "3, 5, num_layers=2, batch_first=True, dropout=0.5, precision='bf16'"
    assert text in repr(ORGaNICs(N, H, **options))


@pytest.mark.parametrize(
    "options", [{"recurrence": r} for r in HOLDS] + [{"b": 0.5}, {"learned_steps": False}], ids=str
)
def test_state_dict_restores_the_layer(options):
    rnn, other, x = ORGaNICs(N, H, **options), ORGaNICs(N, H, **options), torch.randn(T, B, N)
    assert not torch.equal(other(x)[0], rnn(x)[0])
    other.load_state_dict(rnn.state_dict())
    assert torch.equal(other(x)[0], rnn(x)[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"recurrence": "ring"}, "unknown recurrence 'ring'; known: 'free', 'identity', "),
        (
            {"model": "two_type"},
            "unknown model 'two_type'; known: 'gated', 'gated_rectified', 'gated_released', 'gated_unrectified_recurrence', ",
        ),
        ({"b": -1.0}, "b must be a number larger than 0, or None for a gain that is learned, got -1.0"),
        ({"b0": True}, "b0 must be a number larger than 0"),
        ({"dropout": 1.5}, "dropout must be a probability between 0 and 1, got 1.5"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        ORGaNICs(N, H, 2, **options)


# --- dropout ---------------------------------------------------------------------------------------------------------


def test_dropout_acts_between_layers_in_training():
    rnn, x = ORGaNICs(N, H, 2, dropout=1.0), torch.randn(T, B, N)
    plain = ORGaNICs(N, H, 2)
    plain.load_state_dict(rnn.state_dict())
    dropped, state = rnn(x)
    expected, expected_state = plain(x)
    torch.testing.assert_close(state.y[0], expected_state.y[0])  # nothing is lost within a layer or at the input
    silent, _ = plain.cells[1].unroll(torch.zeros(T, B, H), plain.cells[1].initial_state((B,)))
    torch.testing.assert_close(dropped, silent)
    assert torch.equal(rnn.eval()(x)[0], expected)


def test_dropout_of_one_layer_warns():
    with pytest.warns(UserWarning, match="dropout=0.5 acts between layers, and there is one layer"):
        ORGaNICs(N, H, dropout=0.5)


# --- sequences of different lengths ----------------------------------------------------------------------------------


@pytest.mark.parametrize("lengths", [[7, 7, 7, 7], [7, 5, 5, 1], [2, 7, 1, 4]], ids=str)
@pytest.mark.parametrize("given_state", [False, True])
@pytest.mark.parametrize("num_layers", [1, 2])
def test_packed_sequences(lengths, given_state, num_layers):
    """Each sequence runs as if it were alone, and the result is packed as that of torch.nn.LSTM is."""
    rnn = ORGaNICs(N, H, num_layers, **DOUBLE)
    x = torch.randn(T, B, N, requires_grad=True, **DOUBLE)
    start = State(*torch.rand(4, num_layers, B, H, **DOUBLE)) if given_state else None
    packed = packing.pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=False)
    output, state = rnn(packed, start)
    like, _ = torch.nn.LSTM(N, H, num_layers, **DOUBLE)(packed)
    assert isinstance(output, packing.PackedSequence)
    assert output.data.shape == like.data.shape
    assert torch.equal(output.batch_sizes, like.batch_sizes)
    padded, found = packing.pad_packed_sequence(output)
    assert found.tolist() == lengths
    for k, length in enumerate(lengths):
        alone = None if start is None else State(*(s[:, k] for s in start))
        expected, last = rnn(x[:length, k], alone)
        torch.testing.assert_close(padded[:length, k], expected, rtol=1e-12, atol=1e-13)
        for a, b in zip(state, last, strict=True):
            torch.testing.assert_close(a[:, k], b, rtol=1e-12, atol=1e-13)
    (gradient,) = torch.autograd.grad(sum(s.sum() for s in state), x)
    assert gradient[0].abs().min() > 0
    for k, length in enumerate(lengths):
        assert (gradient[length:, k] == 0).all()


def test_packed_sequences_sorted_by_the_user():
    rnn, x = ORGaNICs(N, H), torch.randn(T, B, N)
    packed = packing.pack_padded_sequence(x, [7, 5, 5, 1])  # without indices to restore an order
    output, state = rnn(packed)
    torch.testing.assert_close(state.y[0, 0], packing.pad_packed_sequence(output)[0][6, 0])
    torch.testing.assert_close(state.y[0, 3], packing.pad_packed_sequence(output)[0][0, 3])


def test_packed_sequences_of_another_size():
    packed = packing.pack_sequence([torch.zeros(2, N + 1)])
    with pytest.raises(ValueError, match=r"input has shape \(2, 4\).* input_size=3"):
        ORGaNICs(N, H)(packed)
