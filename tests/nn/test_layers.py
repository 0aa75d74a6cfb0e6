"""The layers follow the calling convention of torch.nn.LSTM and LSTMCell, and the equations of the circuit."""

import copy
from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.nn.utils.rnn import pack_padded_sequence  # noqa: E402  needs torch

from organics_neuro.nn import CircuitLayer, ORGaNICs, ORGaNICsCell, State  # noqa: E402

N, H, T, B = 3, 5, 7, 4  # inputs, units, steps, sequences


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.mark.parametrize("num_layers", [1, 2, 3])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("batched", [False, True])
def test_shapes_are_those_of_lstm(num_layers, batch_first, batched):
    x = torch.randn(*((B, T) if batch_first else (T, B)), N) if batched else torch.randn(T, N)
    expected, (hidden, _) = torch.nn.LSTM(N, H, num_layers, batch_first=batch_first)(x)
    output, state = ORGaNICs(N, H, num_layers, batch_first)(x)
    assert isinstance(state, State)
    assert state._fields == ("y", "a", "b0", "b")
    assert output.shape == expected.shape
    assert all(s.shape == hidden.shape for s in state)


@pytest.mark.parametrize("shape", [(B, N), (N,)])
def test_cell_shapes_are_those_of_lstm_cell(shape):
    x, cell = torch.randn(shape), ORGaNICsCell(N, H)
    hidden, _ = torch.nn.LSTMCell(N, H)(x)
    state = cell(x)
    assert all(s.shape == hidden.shape for s in state)
    assert all(s.shape == hidden.shape for s in cell(x, state))


def test_batch_first_unbatched_and_time_first_agree():
    x = torch.randn(T, B, N)
    rnn = ORGaNICs(N, H, num_layers=2)
    other = ORGaNICs(N, H, num_layers=2, batch_first=True)
    other.load_state_dict(rnn.state_dict())
    output, state = rnn(x)
    transposed, same = other(x.transpose(0, 1))
    assert torch.equal(output, transposed.transpose(0, 1))
    assert all(map(torch.equal, state, same))
    alone, alone_state = rnn(x[:, 1])
    torch.testing.assert_close(alone, output[:, 1])
    torch.testing.assert_close(alone_state.a, state.a[:, 1])


@pytest.mark.parametrize("num_layers", [1, 3])
@pytest.mark.parametrize("batch", [(), (B,)])
def test_two_halves_equal_the_whole(num_layers, batch):
    x, rnn = torch.randn(T, *batch, N), ORGaNICs(N, H, num_layers, kernel="torch")
    output, state = rnn(x)
    first, middle = rnn(x[:3])
    second, end = rnn(x[3:], middle)
    assert torch.equal(output, torch.cat([first, second]))
    assert all(map(torch.equal, state, end))


def test_cell_equals_layer():
    x, rnn = torch.randn(T, B, N), ORGaNICs(N, H)
    output, _ = rnn(x)
    state = None
    for t in range(T):
        state = rnn.cells[0](x[t], state)
        torch.testing.assert_close(state.y, output[t])


@pytest.mark.parametrize("model", ["gated", "gated_rectified"])  # with the compiled kernel and without
@pytest.mark.parametrize("batch", [(), (1,), (B,)], ids=str)
def test_states_of_a_cell_may_be_changed_in_place(model, batch):
    """As those of torch.nn.LSTMCell: neither the cell nor the state before shares their memory."""
    cell, x = ORGaNICsCell(N, H, model=model, b0=0.5), torch.randn(*batch, N)
    start = cell.initial_state(batch)
    expected = cell(x, start)
    for values in (start, cell(x), cell(x, start)):
        for value in values:
            value[..., 0] = 7.0
    assert cell.initial_b0.tolist() == [0.5] * H
    for found, wanted in zip(cell(x), expected, strict=True):
        assert torch.equal(found, wanted)
    for before, after in zip(start, cell(x, start), strict=True):
        assert before.data_ptr() != after.data_ptr()


@pytest.mark.parametrize("kernel", ["auto", "torch"])
@pytest.mark.parametrize("packed", [False, True])
def test_under_autocast_a_layer_keeps_its_precision(kernel, packed):
    """Like torch.nn.LSTM it takes what other layers give there, in bfloat16."""
    rnn, before = ORGaNICs(N, H, 2, kernel=kernel), torch.nn.Linear(N, N)
    x = torch.randn(T, B, N)
    with torch.autocast("cpu", torch.bfloat16):
        z = before(x)
        assert z.dtype == torch.bfloat16
        lengths = [T, *[4] * (B - 1)]
        output, state = rnn(pack_padded_sequence(z, lengths) if packed else z)
        cell = rnn.cells[0](z[0])
    expected, last = rnn(pack_padded_sequence(z.float(), lengths) if packed else z.float())
    assert torch.equal(output.data, expected.data)
    assert all(map(torch.equal, state, last))
    assert all(map(torch.equal, cell, rnn.cells[0](z[0].float())))
    start = torch.rand(4, 2, B, H, dtype=torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        found = rnn.final_state(z, State(*start)), rnn(z, state=tuple(start))[1]
        with pytest.raises(ValueError, match="input is torch.float64, but the parameters are torch.float32"):
            rnn(z.double())
    for state in found:
        assert all(map(torch.equal, state, rnn(z.float(), State(*start.float()))[1]))


def test_layers_run_where_there_is_no_autocast():
    """On the device "meta", which has shapes and no numbers."""
    rnn = ORGaNICs(N, H, kernel="torch").to("meta")
    assert rnn(torch.zeros(T, B, N, device="meta"))[0].shape == (T, B, H)


def test_equations():
    """One step written out by hand."""
    cell, x = ORGaNICsCell(N, H, dtype=torch.float64), torch.randn(B, N, dtype=torch.float64)
    y, a, b0, b = start = cell(x, cell(x))
    relu, sigmoid = torch.relu, torch.sigmoid
    target = State(
        b * relu(x @ cell.W_zx.T) + (1 - relu(a) ** 0.5) * relu(y @ cell.W_r.T),
        b0**2 + (relu(a) * relu(y) ** 2) @ cell.W.T,
        sigmoid(x @ cell.W_b0x.T + y @ cell.W_b0y.T + a @ cell.W_b0a.T),
        sigmoid(x @ cell.W_bx.T + y @ cell.W_by.T + a @ cell.W_ba.T),
    )
    steps = State(cell.step_y, cell.step_a, cell.step_b0, cell.step_b)
    expected = [s + h * (g - s) for s, h, g in zip(start, steps, target, strict=True)]
    for found, wanted in zip(cell(x, start), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("kernel", ["auto", "torch"])
@pytest.mark.parametrize("checkpoint_every", [None, 3])
@pytest.mark.parametrize("shape", ["batch", "one", "packed"])
def test_final_state_is_that_of_the_whole_run(kernel, checkpoint_every, shape):
    options = {"kernel": kernel, "checkpoint_every": checkpoint_every, "dtype": torch.float64}
    rnn = ORGaNICs(N, H, 2, batch_first=True, **options)
    x = torch.randn(B, T, N, dtype=torch.float64)
    x = {"batch": x, "one": x[0], "packed": pack_padded_sequence(x, [T, *[4] * (B - 1)], batch_first=True)}[shape]
    grads = []
    for state in (rnn(x)[1], rnn.final_state(x)):
        grads.append([*state, *torch.autograd.grad(sum(s.sum() for s in state), rnn.parameters())])
    for found, wanted in zip(*grads, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-13, atol=1e-13)


def test_gradients():
    cell = ORGaNICsCell(N, H, dtype=torch.float64)
    x = torch.randn(3, 2, N, dtype=torch.float64, requires_grad=True)
    start = State(*(s.clone().requires_grad_() for s in cell.initial_state((2,))))
    assert torch.autograd.gradcheck(lambda x, *s: cell.unroll(x, State(*s))[0], (x, *start))


@pytest.mark.parametrize(("size", "published"), [(32, 6368), (64, 25024), (128, 99200)])
def test_number_of_parameters(reference, size, published):
    """Three weights of the input, six between units, four step sizes: 3HI + 6H^2 + 4H."""
    count = sum(p.numel() for p in ORGaNICs(1, size).parameters())
    assert count == 3 * size + 6 * size**2 + 4 * size == published == reference["param_counts"][str(size)]["cell"]


def test_constraints_hold_whatever_the_optimizer_does():
    cell = ORGaNICsCell(N, H, max_step_y=0.3, max_step_a=0.1, max_step_b=0.2)
    with torch.no_grad():
        for p in cell.parameters():
            p.add_(5 * torch.randn_like(p))
    assert (cell.W > 0).all()
    for name, maximum in {"y": 0.3, "a": 0.1, "b0": 0.2, "b": 0.2}.items():
        step = getattr(cell, f"step_{name}")
        assert ((step > 0) & (step < maximum)).all()


def test_effective_values_can_be_assigned():
    cell = ORGaNICsCell(N, H, max_step_a=0.5)
    cell.W = torch.full((H, H), 0.7)
    cell.step_a = torch.full((H,), 0.1)
    torch.testing.assert_close(cell.W, torch.full((H, H), 0.7))
    torch.testing.assert_close(cell.step_a, torch.full((H,), 0.1))
    with pytest.raises(ValueError, match="larger than 0, but the smallest is -1"):
        cell.W = -torch.ones(H, H)
    with pytest.raises(ValueError, match="between 0 and 0.5, but reach from 0.1 to 0.6"):
        cell.step_a = torch.tensor([0.1, 0.1, 0.6, 0.1, 0.1])


def test_initialisation():
    cell = ORGaNICsCell(N, H)
    torch.testing.assert_close(cell.W_r @ cell.W_r.T, torch.eye(H))
    assert torch.linalg.matrix_norm(cell.W_zx, 2).item() == pytest.approx(1)
    torch.testing.assert_close(cell.W.diag(), torch.ones(H))
    assert cell.W.min() > 0.3678
    assert torch.linalg.vector_norm(cell.initial_y).item() == pytest.approx(1)
    assert (cell.initial_b0 == 1).all()
    assert "initial_y" in dict(cell.named_buffers())


def test_reset_parameters_draws_anew_and_can_be_repeated():
    rnn = ORGaNICs(N, H, 2)
    before = copy.deepcopy(rnn.state_dict())
    rnn.reset_parameters()
    assert not torch.equal(rnn.cells[0].W_r, before["cells.0.W_r"])
    torch.manual_seed(0)
    ORGaNICs(N, H, 2)  # as many draws as above
    torch.manual_seed(0)
    rnn.reset_parameters()
    for name, value in ORGaNICs.state_dict(rnn).items():
        assert torch.equal(value, before[name]), name


def test_copies_and_conversion():
    rnn = ORGaNICs(N, H)
    double = copy.deepcopy(rnn).double()
    x = torch.randn(T, B, N)
    torch.testing.assert_close(double(x.double())[0].float(), rnn(x)[0])


def test_arguments_may_be_numbers_of_numpy():
    options = {"b0": np.float32(0.5), "max_step_y": np.float32(0.25), "dropout": np.float64(0.5)}
    rnn = ORGaNICs(np.int64(N), np.int32(H), np.int64(2), **options)
    assert rnn.hidden_size == H
    assert rnn.cells[0].constant == {"b0": 0.5}
    assert rnn.cells[0].parametrizations.step_y[0].maximum == 0.25
    assert rnn.dropout == 0.5


def test_repr():
    assert "3, 5, num_layers=2, batch_first=True" in repr(ORGaNICs(3, 5, 2, batch_first=True))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ORGaNICs(0, H), "input_size must be a positive integer, got 0"),
        (lambda: ORGaNICs(N, 2.5), "hidden_size must be a positive integer, got 2.5"),
        (lambda: ORGaNICs(N, H, 0), "num_layers must be a positive integer, got 0"),
        (lambda: ORGaNICs(N, H, max_step_y=1.5), "max_step_y must be above 0 and at most 1, got 1.5"),
        (lambda: ORGaNICs(N, H, max_step_b=0), "max_step_b must be above 0"),
        (lambda: ORGaNICs(N, H, max_step_a="small"), "max_step_a must be above 0 and at most 1, got 'small'"),
        (lambda: ORGaNICs(N, H, kernel="fast"), "unknown kernel 'fast'; known: 'auto', 'fused', 'torch'"),
        (lambda: ORGaNICs(N, H, precision="fp16"), "unknown precision 'fp16'; known: None, 'bf16'"),
        (lambda: ORGaNICs(N, H, checkpoint_every=0), "checkpoint_every must be a positive integer, got 0"),
        (
            lambda: ORGaNICs(N, H, kernel="fused").half()(torch.zeros(T, B, N).half()),
            "kernel='fused' takes float32 or float64 on the CPU, got torch.float16 on cpu",
        ),
        (lambda: ORGaNICs(N, H)(torch.zeros(T, B, 2)), r"input has shape \(7, 4, 2\).* input_size=3"),
        (lambda: ORGaNICs(N, H)(torch.zeros(N)), r"input has shape \(3,\).* 2 or 3 axes"),
        (lambda: ORGaNICs(N, H)(torch.zeros(0, B, N)), "no steps"),
        (lambda: ORGaNICs(N, H)(torch.zeros(T, N).double()), "input is torch.float64, but the parameters are"),
        (lambda: ORGaNICsCell(N, H)(torch.zeros(T, B, N)), "must have 1 or 2 axes"),
        (
            lambda: ORGaNICs(N, H)(torch.zeros(T, B, N), (torch.zeros(1, B, H), torch.zeros(1, B, H))),
            "state must be a State of y, a, b0, b, got 2 parts",
        ),
        (
            lambda: ORGaNICs(N, H)(torch.zeros(T, B, N), State(*torch.zeros(4, B, H))),
            r"state 'y' is torch.float32 of shape \(4, 5\) on cpu, but must be torch.float32 of shape \(1, 4, 5\) on cpu",
        ),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("make", [ORGaNICs, ORGaNICsCell])
def test_an_array_of_numpy_is_an_error(make):
    with pytest.raises(TypeError, match="input must be a tensor, got ndarray; make one with torch.as_tensor"):
        make(N, H)(torch.zeros(B, N).numpy())


@pytest.mark.parametrize("make", [ORGaNICs, partial(CircuitLayer, "cornn")])
def test_what_is_not_offered_is_said_of_the_layer(make):
    name = "ORGaNICs" if make is ORGaNICs else "CircuitLayer"
    with pytest.raises(TypeError, match=f"^{name} has no argument 'bidirectional': run a second layer on the reversed"):
        make(3, 5, bidirectional=True)
    with pytest.raises(TypeError, match=f"^{name}: unknown argument 'recurrencee'; known: "):
        make(3, 5, recurrencee="free")
