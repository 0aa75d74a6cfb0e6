"""Hooks and torch.nn.utils act on layers as on torch.nn.LSTM: values are current, gradients reach what is learned."""

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn.utils import parametrizations, prune  # noqa: E402

import organics_neuro as on  # noqa: E402
from organics_neuro.nn import CircuitLayer, ORGaNICs, SequenceClassifier  # noqa: E402
from tests.simulators import simulate_reference  # noqa: E402

N, H, T, B = 3, 6, 7, 4  # inputs, units, steps, sequences
DOUBLE = {"dtype": torch.float64}
MAKE = {
    "fused": lambda: ORGaNICs(N, H, batch_first=True, **DOUBLE),
    "torch": lambda: ORGaNICs(N, H, batch_first=True, kernel="torch", **DOUBLE),
    "two_type": lambda: CircuitLayer("two_type", N, H, batch_first=True, **DOUBLE),
}
UTILITIES = {
    "spectral_norm": lambda cell: nn.utils.spectral_norm(cell, "W_r"),
    "weight_norm": lambda cell: nn.utils.weight_norm(cell, "W_r"),
    "new spectral_norm": lambda cell: parametrizations.spectral_norm(cell, "W_r"),
    "new weight_norm": lambda cell: parametrizations.weight_norm(cell, "W_r"),
    "orthogonal": lambda cell: parametrizations.orthogonal(cell, "W_r"),
    "prune": lambda cell: prune.random_unstructured(cell, "W_r", 0.5),
}


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")
@pytest.mark.parametrize("make", MAKE)
@pytest.mark.parametrize("utility", UTILITIES)
def test_utilities_of_torch_train_and_transfer(utility, make):
    """Each step of an optimizer changes the weights that are used; the circuit has those of the last one."""
    rnn, x = MAKE[make](), torch.randn(B, T, N, **DOUBLE)
    cell = rnn.cells[0]
    UTILITIES[utility](cell)
    optimizer, seen = torch.optim.SGD(rnn.parameters(), lr=0.1), []
    for _ in range(3):
        optimizer.zero_grad()
        rnn(x)[0].square().sum().backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in rnn.parameters())
        seen.append(cell.W_r.detach().clone())
        optimizer.step()
    assert not torch.equal(seen[0], seen[2])
    rnn.eval()  # spectral norms then stay as they are
    circuit = on.transfer.to_circuit(rnn)
    output, state = rnn(x)
    trace = simulate_reference(circuit, x.transpose(0, 1).numpy(), duration=T * 1e-3, dt=1e-3)
    torch.testing.assert_close(state.y[0].detach(), torch.from_numpy(trace["y"][-1].copy()), rtol=0, atol=1e-12)
    assert not torch.equal(cell.W_r, seen[2])
    output.sum().backward()  # the copy that became a circuit left the module as it was


@pytest.mark.parametrize("make", MAKE)
def test_hooks_are_called(make):
    rnn, calls = MAKE[make](), []
    rnn.register_forward_pre_hook(lambda module, args: calls.append("before"))
    rnn.register_forward_hook(lambda module, args, result: calls.append("after"))
    rnn.cells[0].register_forward_hook(lambda module, args, result: calls.append(tuple(args[0].shape)))
    x = torch.randn(B, T, N, **DOUBLE)
    rnn(x)
    assert calls == ["before", (T, B, N), "after"]
    calls.clear()
    SequenceClassifier(rnn, 2)(x)  # also where the output is not wanted
    assert calls == ["before", (T, B, N), "after"]
    calls.clear()
    on.transfer.to_circuit(rnn)  # hooks of the user are not for copies
    assert calls == []


@pytest.mark.parametrize("make", MAKE)
def test_input_with_nan_shows(make):
    """As in torch, where it is."""
    x = torch.randn(B, T, N, **DOUBLE)
    x[1, 3, 0] = torch.nan
    output, _ = MAKE[make]()(x)
    assert output[1, 5:].isnan().any(-1).all()
    assert output[[0, 2, 3]].isfinite().all()
    assert output[:, :3].isfinite().all()


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
@pytest.mark.parametrize("make", MAKE)
def test_traces_are_refused(make):
    """A trace would hold the steps of this input, and cut longer sequences without a word."""
    rnn = MAKE[make]()
    with pytest.raises(RuntimeError, match="cannot be traced by torch.jit or for ONNX: the trace would hold"):
        torch.jit.trace(rnn, torch.randn(B, T, N, **DOUBLE))


@pytest.mark.parametrize("make", MAKE)
def test_exported_programs_are_the_layer(make):
    """torch.export checks the shape of what it is given, and cuts nothing."""
    rnn, x = MAKE[make](), torch.randn(B, T, N, **DOUBLE)
    program = torch.export.export(rnn, (x,)).module()
    torch.testing.assert_close(program(x)[0], rnn(x)[0])
    with pytest.raises((RuntimeError, AssertionError)):
        program(torch.randn(B, T + 2, N, **DOUBLE))
