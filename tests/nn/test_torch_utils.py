"""Hooks and torch.nn.utils act on layers as on torch.nn.LSTM: values are current, gradients reach what is learned."""

import copy
import pickle

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn.utils import parametrizations, parametrize, prune  # noqa: E402

import organics_neuro as on  # noqa: E402
from organics_neuro.nn import (  # noqa: E402
    CircuitLayer,
    DivisiveNormalization,
    DivisiveNormalization2d,
    ORGaNICs,
    SequenceClassifier,
)
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


#: What torch.nn.utils does to a parameter that is not one by itself: constrained, constant, or not there.
OLDER = {
    "spectral_norm": nn.utils.spectral_norm,
    "weight_norm": nn.utils.weight_norm,
    "prune": lambda module, name: prune.l1_unstructured(module, name, 0.5),
}
CONSTRAINED = {
    "organics": (lambda: ORGaNICs(N, H, recurrence="identity").cells[0], ("W", "W_r", "step_y")),
    "two_type": (lambda: CircuitLayer("two_type", N, H).cells[0], ("W", "b0")),
    "learned": (lambda: DivisiveNormalization(N, H, "learned"), ("W", "W_r", "b0")),
    "conv": (lambda: DivisiveNormalization2d(N, H, 3), ("W", "b0")),
}


@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")
@pytest.mark.parametrize("make", CONSTRAINED)
@pytest.mark.parametrize("utility", OLDER)
def test_utilities_that_know_parameters_alone_are_refused_elsewhere(utility, make):
    module, names = CONSTRAINED[make][0](), CONSTRAINED[make][1]
    before = {key: value.clone() for key, value in module.state_dict().items()}
    for name in names:
        with pytest.raises(ValueError, match=f"'{name}' is no parameter by itself .* use torch.nn.utils.parametrize$"):
            OLDER[utility](module, name)
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())


@pytest.mark.parametrize("utility", ["new weight_norm", "orthogonal"])
def test_parametrizations_that_cannot_follow_one_another(utility):
    cell = ORGaNICs(N, H, **DOUBLE).cells[0]
    {"new weight_norm": parametrizations.weight_norm, "orthogonal": parametrizations.orthogonal}[utility](cell, "W")
    with pytest.raises(ValueError, match=r"the parametrizations of 'W' \(Positive, \w+\) cannot follow one another: "):
        cell(torch.randn(B, N, **DOUBLE))


INITIALIZERS = [
    nn.init.uniform_,
    nn.init.normal_,
    nn.init.ones_,
    nn.init.eye_,
    nn.init.orthogonal_,
    nn.init.xavier_uniform_,
    nn.init.kaiming_normal_,
    nn.init.trunc_normal_,
    lambda W: nn.init.sparse_(W, 0.5),
    lambda W: W.data.fill_(0.3),
    lambda W: W.copy_(torch.ones_like(W)),
    lambda W: W.__setitem__(0, 0.3),
    lambda W: W.view(-1).zero_(),
    lambda W: W.T.mul_(2),
    lambda W: torch.mul(W, 2, out=W),
    lambda W: nn.functional.relu(W, inplace=True),
]


@pytest.mark.parametrize("make", ["organics", "two_type", "learned"])
def test_a_constrained_parameter_is_not_changed_in_place(make):
    """Such a change is of a value that is computed anew at the next call: it did nothing, without a word."""
    module = CONSTRAINED[make][0]()
    for initialize in INITIALIZERS:
        with (
            torch.no_grad(),
            pytest.raises(RuntimeError, match=r"^W is computed from what is learned, .* module.W = v"),
        ):
            initialize(module.W)
    expected = nn.init.uniform_(torch.empty(H, H), 0.1, 0.9)
    module.W = expected
    torch.testing.assert_close(module.W, expected)
    nn.init.zeros_(module.parametrizations.W.original)  # what is learned can be
    torch.testing.assert_close(module.W.detach(), torch.ones(H, H))


def test_values_of_constrained_parameters_are_plain_tensors_for_all_else(tmp_path):
    module = CircuitLayer("two_type", N, H, parametrizations={"W_r": ("low_rank", 2)}).cells[0]
    W = module.W
    assert type(W + 1) is type(W.clone()) is type(copy.deepcopy(W.detach())) is torch.Tensor
    own = nn.Parameter(W)
    torch.optim.SGD([own], 0.1).step()
    own.data.fill_(2)
    assert not torch.equal(own, module.W)
    assert type(copy.deepcopy(own)) is type(pickle.loads(pickle.dumps(own))) is nn.Parameter
    torch.save(W, tmp_path / "W.pt")
    assert type(torch.load(tmp_path / "W.pt", weights_only=True)) is torch.Tensor
    before = module.W_r.detach().clone()
    parametrize.remove_parametrizations(module, "W_r")
    assert type(module._parameters["W_r"]) is nn.Parameter
    torch.testing.assert_close(module.W_r, before)
    nn.init.ones_(module.W_r)  # now it is one
    assert bool((module.W_r == 1).all())


def test_a_transfer_leaves_spectral_norms_where_they_are():
    rnn = ORGaNICs(N, H, **DOUBLE)
    nn.utils.spectral_norm(rnn.cells[0], "W_r")
    before = rnn.cells[0].W_r_u.clone()
    on.transfer.to_circuit(rnn)
    torch.testing.assert_close(rnn.cells[0].W_r_u, before, rtol=0, atol=0)
