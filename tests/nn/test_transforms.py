"""What torch does with a layer besides calling it gives the layer, for other inputs too, or is refused in a sentence."""

import io

import pytest

torch = pytest.importorskip("torch")

from organics_neuro.nn import (  # noqa: E402
    CircuitCell,
    CircuitLayer,
    DivisiveNormalization,
    DivisiveNormalization2d,
    ORGaNICs,
    SequenceClassifier,
)

N, H, T, B = 3, 6, 7, 4  # inputs, units, steps, sequences
DOUBLE = {"dtype": torch.float64}
SEQUENCES, SAMPLES, IMAGES = (B, T, N), (B, N), (B, N, 5, 5)
#: Modules with the shape of their input.
LAYERS = {
    "fused": (lambda: ORGaNICs(N, H, batch_first=True, **DOUBLE), SEQUENCES),
    "two layers": (lambda: CircuitLayer("two_type", N, H, 2, batch_first=True, **DOUBLE), SEQUENCES),
    "classifier": (lambda: SequenceClassifier(ORGaNICs(N, H, batch_first=True, **DOUBLE), 2), SEQUENCES),
}
OTHERS = {
    "cell": (lambda: CircuitCell("two_type", N, H, **DOUBLE), SAMPLES),
    "identity": (lambda: DivisiveNormalization(N, H, **DOUBLE), SAMPLES),
    "legacy": (lambda: DivisiveNormalization(N, H, "learned", legacy=True, **DOUBLE), SAMPLES),
    "conv": (lambda: DivisiveNormalization2d(N, H, 3, padding=1, **DOUBLE), IMAGES),
    "local": (lambda: DivisiveNormalization2d(N, H, 3, pool="local", pool_size=3, **DOUBLE), IMAGES),
}
MAKE = {**LAYERS, **OTHERS}


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def make(name):
    module, shape = MAKE[name]
    return module(), torch.randn(shape, **DOUBLE), shape


def learned():
    return DivisiveNormalization(N, H, "learned", **DOUBLE), torch.randn(B, N, **DOUBLE)


def output(result):
    return result[0] if isinstance(result, tuple) else result


def onnx(module, x):
    torch.onnx.export(module, (x,), io.BytesIO(), dynamo=False)


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning", "ignore:.*legacy TorchScript:DeprecationWarning")
@pytest.mark.parametrize("record", [torch.jit.trace, onnx], ids=["jit", "onnx"])
@pytest.mark.parametrize("name", LAYERS)
def test_traces_of_sequences_are_refused(name, record):
    """A trace would hold the steps of this input, and cut longer sequences without a word."""
    module, x, _ = make(name)
    with pytest.raises(RuntimeError, match="cannot be traced by torch.jit or for ONNX: the trace would hold"):
        record(module, x)


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
@pytest.mark.parametrize("name", OTHERS)
def test_traces_of_all_else_are_the_module(name):
    """For any number of samples and any size of image."""
    module, x, shape = make(name)
    trace = torch.jit.trace(module, x)
    for other in {(9, *shape[1:]), (9, N, *(side + 3 for side in shape[2:]))}:
        y = torch.randn(other, **DOUBLE)
        torch.testing.assert_close(output(trace(y)), output(module(y)))


@pytest.mark.parametrize("name", MAKE)
def test_exported_programs_are_the_layer(name):
    """Of a batch of any size, if torch is told so; of other numbers of steps, they are refused by torch."""
    module, x, shape = make(name)
    batch = torch.export.Dim("batch", min=2, max=64)
    program = torch.export.export(module, (x,), dynamic_shapes=({0: batch},)).module()
    y = torch.randn(9, *shape[1:], **DOUBLE)
    torch.testing.assert_close(output(program(y)), output(module(y)))
    if name in LAYERS:
        with pytest.raises((RuntimeError, AssertionError)):
            program(torch.randn(B, T + 2, N, **DOUBLE))


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
@pytest.mark.parametrize("name", [*MAKE, "learned"])
def test_scripts_are_refused(name):
    module = learned()[0] if name == "learned" else make(name)[0]
    with pytest.raises(RuntimeError, match="^[A-Z][A-Za-z0-9]+ cannot be compiled by torch.jit.script; use torch.exp"):
        torch.jit.script(module)


@pytest.mark.parametrize("name", MAKE)
def test_transforms_of_functions(name):
    """Gradients by torch.func are those of autograd; vmap over samples is the batch."""
    module, x, _ = make(name)
    values = {key: value.detach() for key, value in module.named_parameters()}
    found = torch.func.grad(lambda p: output(torch.func.functional_call(module, p, (x,))).square().sum())(values)
    output(module(x)).square().sum().backward()
    for key, parameter in module.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(found[key], parameter.grad)
    each = torch.vmap(lambda sample: output(module(sample[None])), randomness="different")(x)
    torch.testing.assert_close(each[:, 0], output(module(x)))


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
@pytest.mark.parametrize(
    ("by", "transform"),
    [
        ("torch.func", lambda layer, x: torch.vmap(layer)(x)),
        ("torch.func", lambda layer, x: torch.func.jacrev(layer)(x)),
        ("torch.jit.trace or for ONNX", torch.jit.trace),
        ("torch.export", lambda layer, x: torch.export.export(layer, (x,))),
    ],
)
def test_a_search_cannot_be_repeated(by, transform):
    layer, x = learned()
    with pytest.raises(RuntimeError, match=f"a steady state that is searched for, .* cannot be taken by {by}: "):
        transform(layer, x)


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning", "ignore:.*legacy TorchScript:DeprecationWarning")
@pytest.mark.parametrize("layer", [lambda: make("legacy")[:2], learned], ids=["legacy", "learned"])
def test_onnx_has_no_eigenvalues(layer):
    with pytest.raises(RuntimeError, match="ONNX has no eigenvalues, which bound a singular value; make the weights p"):
        onnx(*layer())
