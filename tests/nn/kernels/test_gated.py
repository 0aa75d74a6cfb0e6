"""The compiled kernel of the gated circuit equals torch's own operations."""

import copy

import pytest

torch = pytest.importorskip("torch")

from organics_neuro.nn import State, kernels  # noqa: E402  needs torch
from organics_neuro.nn.kernels import build, gated  # noqa: E402
from tests.nn.kernels.layers import largest_difference, make, needs_compiler, run  # noqa: E402


@needs_compiler
@pytest.mark.parametrize(
    "sizes",
    [
        {"batch": 1, "steps": 1},
        {"inputs": 1, "units": 16, "steps": 37},
        {"batch": 11, "steps": 9, "num_layers": 2},
        {"inputs": 40, "units": 33, "batch": 70},
    ],
    ids=str,
)
@pytest.mark.parametrize("checkpoint_every", [None, 1, 7, 8, 100])
def test_values_and_gradients_equal_those_of_torch(monkeypatch, sizes, checkpoint_every):
    monkeypatch.setattr(gated, "_ROWS", 4)  # blocks that do not divide the batch
    given = make(**sizes)
    found = run(*given, kernel="fused", checkpoint_every=checkpoint_every)
    assert largest_difference(found, run(*given, kernel="torch")) < 1e-12


def in_double(rnn, x, start):
    """The same layer, input and state in float64."""
    return copy.deepcopy(rnn).double(), x.double(), State(*(s.double() for s in start))


# From 64 units and 16 sequences on, products are made on AMX tiles where the processor has them.
@needs_compiler
@pytest.mark.parametrize(
    "sizes",
    [
        {"units": 32, "batch": 16, "steps": 100},
        {"units": 64, "batch": 16, "steps": 100},
        {"units": 70, "batch": 37, "inputs": 2, "checkpoint_every": 5},
        {"units": 300, "batch": 80, "steps": 4},
        {"units": 64, "batch": 70, "b0": 0.4},
        {"units": 64, "batch": 20, "b": 0.7, "num_layers": 2},
        {"units": 96, "batch": 33, "b": 0.7, "b0": 0.4},
    ],
    ids=str,
)
def test_float32_is_as_close_to_float64_as_torch(sizes):
    given = make(**sizes, dtype=torch.float32)
    exact = run(*in_double(*given), kernel="torch")
    fused, plain = (largest_difference(run(*given, kernel=k), exact) for k in ("fused", "torch"))
    assert fused < max(3 * plain, 1e-6)


@needs_compiler
@pytest.mark.parametrize("scale", [1e-30, 1e-18, 1e18])
def test_float32_is_as_close_for_gradients_of_any_size(scale):
    """Whatever the products make of numbers of different sizes, nothing may vanish or overflow."""
    rnn, x, start = make(units=64, batch=32, steps=10, dtype=torch.float32)
    factors = scale * torch.logspace(-3, 3, 32)  # of the sequences
    gradients = []
    for layer, input, state in ((rnn, x, start), in_double(rnn, x, start)):
        loss = (layer(input, state)[0].square() * factors[:, None]).sum()
        gradients.append(torch.autograd.grad(loss, tuple(layer.parameters())))
    for found, expected in zip(*gradients, strict=True):
        assert (found - expected).abs().max() < 1e-5 * expected.abs().max()


@needs_compiler
@pytest.mark.skipif(not kernels.available() or not build.operators().has_bfloat16(), reason="no products of bfloat16")
@pytest.mark.parametrize("constant", [{}, {"b0": 0.4}, {"b": 0.7, "b0": 0.4}], ids=str)
def test_bf16_is_close_but_not_exact(constant):
    """Of a circuit without kinks: at one, rounding may turn a gradient off."""
    rnn, x, start = make(units=32, batch=16, steps=50, dtype=torch.float32, model="gated_unrectified", **constant)
    given = rnn, x, start._replace(a=0.1 + start.a.abs())
    difference = largest_difference(run(*given, precision="bf16"), run(*given))
    assert 1e-5 < difference < 0.01
    given[0].eval()  # a trained network answers in full precision, as the circuit in Brian2 does
    assert largest_difference(run(*given, precision="bf16"), run(*given)) == 0
    in_double = make()
    assert largest_difference(run(*in_double, precision="bf16"), run(*in_double)) == 0


@needs_compiler
def test_gradcheck():
    rnn, x, start = make(inputs=2, units=3, batch=2, steps=4, kernel="fused")
    leaves = (x.requires_grad_(), *(s.requires_grad_() for s in start), *rnn.parameters())
    assert torch.autograd.gradcheck(lambda x, *rest: rnn(x, State(*rest[:4]))[0], leaves)


@needs_compiler
@pytest.mark.parametrize("kernel", ["fused", "torch"])
def test_no_gradient_where_the_normalizer_is_zero(kernel):
    """The slope of sqrt(a) at a = 0 counts as 0: neither infinite nor NaN."""
    rnn, x, start = make(kernel=kernel)
    values, gradients = run(rnn, x, start._replace(a=torch.zeros_like(start.a)))
    assert all(g.isfinite().all() for g in gradients.values())


@needs_compiler
def test_two_parts_equal_the_whole():
    rnn, x, start = make(num_layers=2, kernel="fused")
    output, last = rnn(x, start)
    first, middle = rnn(x[:5], start)
    second, end = rnn(x[5:], middle)
    torch.testing.assert_close(torch.cat([first, second]), output, rtol=1e-14, atol=1e-14)
    for found, expected in zip(end, last, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-14, atol=1e-14)


@needs_compiler
@pytest.mark.parametrize("stretch", [lambda x: x.mT.contiguous().mT, lambda x: x.repeat(2, 2, 1)[::2, ::2]])
def test_input_that_is_not_contiguous(stretch):
    rnn, x, start = make(kernel="fused")
    other = stretch(x)
    assert not other.is_contiguous()
    rnn.zero_grad()
    a, b = (rnn(v, start)[0] for v in (other.detach(), other.contiguous()))
    assert torch.equal(a, b)
    weights = torch.randn(*a.shape[:2][::-1], a.shape[2], dtype=a.dtype).transpose(0, 1)  # nor is the gradient
    (g1,) = torch.autograd.grad((a * weights).sum(), rnn.cells[0].W_r)
    (g2,) = torch.autograd.grad((b * weights.contiguous()).sum(), rnn.cells[0].W_r)
    torch.testing.assert_close(g1, g2)


@needs_compiler
def test_memory_is_kept_only_as_asked(monkeypatch):
    rnn, x, start = make(units=8, batch=4, steps=64, kernel="fused")
    kept = []
    operators = build.operators()

    class Spy:
        has_bfloat16, gated_backward = operators.has_bfloat16, operators.gated_backward

        @staticmethod
        def gated_forward(*args):
            results = operators.gated_forward(*args)
            kept.append(results[-1].numel() / (4 * 8))
            return results

    monkeypatch.setattr(build, "operators", Spy)
    with torch.no_grad():
        assert not rnn(x, start)[0].requires_grad
    rnn(x, start)
    rnn.checkpoint_every = 16
    rnn(x, start)
    rnn.requires_grad_(False)(x, start)
    assert kept == [0, 2 * 65 + 3 * 64 + 2 * 16, 4 * 4, 0]  # numbers for each unit and sequence


@needs_compiler
def test_memory_that_is_used_again_is_not_shared():
    """Traces of two layers, of two calls before their gradients, and of calls whose gradient is never asked for."""
    rnn, x, start = make(num_layers=2, kernel="fused")
    fresh = run(rnn, x, start)
    rnn(x, start)
    first, second = rnn(x, start)[0], rnn(2 * x, start)[0]
    g2 = torch.autograd.grad(second.sum(), rnn.cells[0].W_r)[0]
    g1 = torch.autograd.grad(first.sum(), rnn.cells[0].W_r)[0]
    for input, found in ((x, g1), (2 * x, g2)):
        alone = torch.autograd.grad(rnn(input, start)[0].sum(), rnn.cells[0].W_r)[0]
        assert torch.equal(found, alone)
    assert largest_difference(run(rnn, x, start), fresh) == 0


@needs_compiler
def test_gradients_nobody_wants_are_not_computed(monkeypatch):
    """Those of the input; the others are right, here without any from the output."""
    rnn, x, start = make()
    wanted, backward = [], torch.ops.organics_neuro.gated_backward
    spy = lambda *args: wanted.append(args[-1]) or backward(*args)  # noqa: E731  its last argument: input wanted?
    monkeypatch.setattr(torch.ops.organics_neuro, "gated_backward", spy)

    def gradients(kernel, leaves):
        rnn.kernel = kernel
        return torch.autograd.grad(rnn(x, start)[1].y.sum(), leaves)

    leaves = list(rnn.parameters())
    torch.testing.assert_close(gradients("fused", leaves), gradients("torch", leaves))
    leaves.append(x.requires_grad_())
    torch.testing.assert_close(gradients("fused", leaves), gradients("torch", leaves))
    assert wanted == [False, True]


@needs_compiler
def test_the_second_derivative_is_refused_clearly():
    rnn, x, start = make(kernel="fused")
    (first,) = torch.autograd.grad(rnn(x, start)[0].sum(), rnn.cells[0].W_r, create_graph=True)
    with pytest.raises(RuntimeError, match=r"no second derivatives; use ORGaNICs\(\.\.\., kernel='torch'\)"):
        first.square().sum().backward()


@needs_compiler
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("segment", [4, 20])
def test_torch_knows_the_operators(whole, segment):
    """Shapes, gradients and that nothing shares memory, as torch.compile takes them to be."""
    B, T, N, H = 5, 20, 3, 6
    shapes = [(T, B, N), (3 * H, N), (H, H), (2 * H, 2 * H), (H, H), (4, H), (B, 2 * H), (B, 2 * H)]
    tensors = [(0.2 * torch.rand(s, dtype=torch.float64)).requires_grad_() for s in shapes]
    forward, options = build.operators().gated_forward, (4, segment, 0, 2 * H, True, False)
    torch.library.opcheck(forward, (*tensors, *options, whole, True))
    output, last, gains, saved = (t.detach() for t in forward(*tensors, *options, whole, True))
    tensors = [t.detach() for t in (output, last, gains, *tensors[:6], saved)]
    for wants_x in (True, False):
        torch.library.opcheck(build.operators().gated_backward, (*tensors, *options, wants_x))


@needs_compiler
def test_compiled_networks_run_the_kernel():
    rnn, x, start = make(kernel="fused")
    compiled = torch.compile(rnn, backend="aot_eager")
    pairs = []
    for network in (rnn, compiled):
        output, last = network(x, start)
        pairs.append((output, *torch.autograd.grad(output.sum() + last.b.sum(), tuple(rnn.parameters()))))
    for found, expected in zip(*pairs, strict=True):
        assert torch.equal(found, expected)


def test_transforms_of_torch_func_take_the_torch_path():
    rnn, x, start = make()
    values = {name: p.detach() for name, p in rnn.named_parameters()}

    def loss(values, x):
        return torch.func.functional_call(rnn, values, (x, start))[0].square().sum()

    expected = torch.autograd.grad(loss(dict(rnn.named_parameters()), x), tuple(rnn.parameters()))
    gradients = torch.func.grad(loss)(values, x)
    for found, wanted in zip(gradients.values(), expected, strict=True):
        torch.testing.assert_close(found, wanted)
    direction = torch.randn_like(x)
    _, slope = torch.func.jvp(lambda x: loss(values, x), (x,), (direction,))
    torch.testing.assert_close(slope, (torch.func.grad(loss, 1)(values, x) * direction).sum())
    many = torch.stack([x, 2 * x])
    both = torch.func.vmap(lambda x: torch.func.functional_call(rnn, values, (x, start))[0])(many)
    torch.testing.assert_close(both, torch.stack([rnn(x, start)[0], rnn(2 * x, start)[0]]))
    rnn.checkpoint_every = 3  # torch.func cannot compute again what was not kept
    for found, wanted in zip(torch.func.grad(loss)(values, x).values(), expected, strict=True):
        torch.testing.assert_close(found, wanted)
    rnn.kernel = "fused"
    with pytest.raises(ValueError, match="does not run in transforms of torch.func; use kernel='auto'"):
        torch.func.grad(loss)(values, x)


TILED = {"units": 64, "batch": 16, "dtype": torch.float32}  # products are made on AMX tiles, where there are any


@needs_compiler
@pytest.mark.parametrize("sizes", [{}, TILED], ids=["float64", "float32"])
def test_nan_shows(sizes):
    rnn, x, start = make(kernel="fused", **sizes)
    x[3, 2, 0] = float("nan")
    output, _ = rnn(x, start)
    assert output[5:, 2].isnan().all()
    assert output[:, :2].isfinite().all()
    assert output[:3].isfinite().all()


@needs_compiler
@pytest.mark.parametrize("odd", [float("nan"), float("inf")])
@pytest.mark.parametrize("sizes", [{}, TILED], ids=["float64", "float32"])
def test_a_state_that_is_not_finite_shows(sizes, odd):
    rnn, x, start = make(kernel="fused", **sizes)
    start.y[0, 2, 1] = odd
    output, _ = rnn(x, start)
    assert not output[2:, 2].isfinite().any()
    assert output[:, [0, 1, 3, 4]].isfinite().all()


@needs_compiler
@pytest.mark.parametrize(
    ("sizes", "tolerance"),
    [({"units": 16, "batch": 40}, 1e-13), (TILED | {"batch": 40}, 1e-5)],
    ids=["float64", "float32"],
)
def test_threads_give_the_same_numbers(sizes, tolerance):
    given, threads = make(**sizes), torch.get_num_threads()
    alone = run(*given, kernel="fused")
    try:
        torch.set_num_threads(2)
        together, again = run(*given, kernel="fused"), run(*given, kernel="fused")
    finally:
        torch.set_num_threads(threads)
    assert largest_difference(together, alone) < tolerance
    assert largest_difference(together, again) == 0


def test_checkpoints_on_the_torch_path():
    given = make(kernel="torch")
    assert largest_difference(run(*given, checkpoint_every=6), run(*given)) < 1e-14


@needs_compiler
@pytest.mark.parametrize("name", ["W_zx", "W_b0y"])
def test_weights_of_another_shape_are_refused(name):
    """Those without a constraint can be replaced; the kernel would read beyond their end."""
    rnn, x, start = make(kernel="fused")
    cell = rnn.cells[0]
    setattr(cell, name, torch.nn.Parameter(getattr(cell, name)[:, :-1]))
    with pytest.raises(ValueError, match=rf"{name} must have shape \(\d+, \d+\), got"):
        rnn(x, start)
    weights, steps = make(kernel="fused")[0].cells[0]._completed()
    with pytest.raises(ValueError, match="the fused kernel needs w_a of shape"):
        gated.unroll(x, [s[0] for s in start], weights | {"W": weights["W"][:, :1]}, steps, rectified=True)
