"""Layers refuse what they cannot be made of, and what they cannot read, in one sentence."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from organics_neuro import nn, training  # noqa: E402

MAKE = {
    "ORGaNICs": lambda **given: nn.ORGaNICs(3, 4, **given),
    "CircuitLayer": lambda **given: nn.CircuitLayer("two_type", 3, 4, **given),
    "DivisiveNormalization": lambda **given: nn.DivisiveNormalization(3, 4, **given),
    "DivisiveNormalization2d": lambda **given: nn.DivisiveNormalization2d(3, 4, 3, **given),
}


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"device": "1"}, "device must be one that is there, such as 'cpu', got '1' "),
        ({"device": 10**400}, "device must be one that is there, such as 'cpu', got 1000"),
        ({"device": [1]}, r"device must be one that is there, such as 'cpu', got \[1\]"),
        ({"dtype": torch.int32}, "dtype must be one of torch.float32, .*, got torch.int32"),
        ({"dtype": torch.complex64}, "dtype must be one of torch.float32, .*, got torch.complex64"),
        ({"dtype": np.ones(3)}, r"dtype must be one of torch.float32, .*, got array\("),
    ],
)
def test_devices_and_types(make, given, message):
    with pytest.raises(ValueError, match=message) as caught:
        make(**given)
    assert "\n" not in str(caught.value)


def test_half_precision_has_no_singular_values():
    with pytest.raises(ValueError, match="ORGaNICs takes float32 or float64, got dtype=torch.float16"):
        nn.ORGaNICs(3, 4, dtype=torch.float16)


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.ORGaNICs(3, 10**7),
        lambda: nn.ORGaNICs(10**13, 3),
        lambda: nn.ORGaNICs(3, 4, num_layers=10**9),
        lambda: nn.CircuitLayer("two_type", 3, 10**7),
        lambda: nn.DivisiveNormalization(3, 10**7),
        lambda: nn.SequenceClassifier(nn.ORGaNICs(3, 4, batch_first=True), 10**13),
    ],
)
def test_more_memory_than_there_is(make):
    with pytest.raises(MemoryError, match=r"takes .* GB, but .* GB are free; use fewer units"):
        make()


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
def test_input_without_numbers_in_memory(make):
    layer, x = make(), torch.ones(2, 3, 5, 5) if make is MAKE["DivisiveNormalization2d"] else torch.ones(2, 4, 3)
    with pytest.raises(
        TypeError, match="input is a tensor with the layout torch.sparse_coo; give one as tensor.to_dense"
    ):
        layer(x.to_sparse())
    with pytest.raises(
        ValueError, match="input is on the device meta, but the parameters are on cpu; move one of them"
    ):
        layer(x.to("meta"))


def test_state_on_another_device():
    layer, x = MAKE["CircuitLayer"](), torch.ones(2, 4, 3)
    state = layer(x)[1]
    with pytest.raises(ValueError, match="state 'y' is torch.float32 .* on meta, but must be .* on cpu"):
        layer(x, state._replace(y=state.y.to("meta")))


def test_flags_are_true_or_false():
    with pytest.raises(TypeError, match="batch_first must be True or False, got 'no'"):
        nn.ORGaNICs(3, 4, batch_first="no")


@pytest.mark.parametrize("x", [torch.ones(8, 3).to_sparse(), torch.ones(8, 3, device="meta")], ids=["sparse", "meta"])
def test_samples_without_numbers_in_memory(x):
    model, y = torch.nn.Linear(3, 2), [0, 1] * 4
    for call in (lambda: training.predict(model, x), lambda: training.fit(model, x, y, epochs=1, lr=0.1)):
        with pytest.raises(ValueError, match="x must be one array of numbers, .* got Tensor of torch.float32 of torch"):
            call()
