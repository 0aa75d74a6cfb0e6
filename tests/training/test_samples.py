"""Bad data are found before the first step, and the layout of good data does not matter."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from organics_neuro import training  # noqa: E402  needs torch
from tests.training.models import NAN, X, Y, fit, make_data, make_model, never  # noqa: E402


@pytest.mark.parametrize(
    ("x", "y", "changed", "message"),
    [
        (NAN, Y, {}, "x must be finite, but sample 17 holds NaN"),
        (X.astype(int), Y, {}, "x must be an array of floats"),
        (X, Y[:-1], {}, r"one label .* for each of the 120 samples, got torch.int64 of shape \(119,\)"),
        (X, Y.astype(float), {}, "y must hold one label"),
        (X, Y - 1, {}, "with the label -1"),
        (X, Y + 0j, {}, "y must hold one label .* got torch.complex128"),
        (X, Y.astype(np.uint16) + np.uint16(7), {}, "y holds the label 8, but the model has scores for 2 classes"),
        (X, Y + 7, {}, "y holds the label 8, but the model has scores for 2 classes"),
        (None, Y, {}, "x must be one array of numbers, samples of equal shape on its first axis, got NoneType"),
        ("digits", Y, {}, "x must be one array of numbers, .* got str"),
        ([*map(torch.as_tensor, X)], Y, {}, "x must be one array of numbers, .* got list"),
        (
            X[:, 0],
            Y,
            {},
            r"the model must return scores \(samples, classes\), but returned shape \(2,\) for x of shape",
        ),
        (X, Y, {"validation": (X, Y + 7)}, "validation y holds the label 8, but the model has scores for 2 classes"),
        (X, Y, {"validation": (X[..., :2], Y)}, "input_size=3"),
        (X, Y, {"validation": (X.astype(float), Y)}, "input is torch.float64, but the parameters are torch.float32"),
        (X, Y, {"seed": None}, "seed must be an integer, 0 or larger, got None"),
        (X, Y, {"seed": 1.5}, "seed must be an integer, 0 or larger, got 1.5"),
        (X, Y, {"seed": 2**64}, r"seed must be smaller than 2\*\*64, got 18446744073709551616"),
        (X, Y, {"lr": None}, "lr must be a number larger than 0, got None"),
        (X, Y, {"lr": "a"}, "lr must be a number larger than 0, got 'a'"),
        (X, Y, {"lr": float("inf")}, "lr must be a number larger than 0, got inf"),
        (X, Y, {"lr": True}, "lr must be a number larger than 0, got True"),
        (X, Y, {"validation": 0.001}, "sets 0 of 120 samples aside"),
        (X, Y, {"validation": float("nan")}, "validation must be a fraction between 0 and 1, or a pair"),
        (X, Y, {"validation": (X, Y, Y)}, "validation must be a fraction between 0 and 1, or a pair"),
        (X, Y, {"validation": X}, r"or a pair \(x, y\), got array\(\[\[\[[^\n]{1,100}\.\.\.$"),
        (X.astype(object), Y, {}, "x must be one array of numbers, .* got ndarray of object"),
        (X, Y, {"validation": (NAN, Y)}, "validation x must be finite"),
        (X[..., :2], Y, {}, "input_size=3"),
        (X, Y, {"lr_factors": {"W_br": 1}}, "lr_factors: no parameter is called 'W_br'"),
        (X, Y, {"lr_factors": {"W_by": -1}}, r"lr_factors\['W_by'\] must be 0 or larger, got -1"),
        (X, Y, {"lr_factors": {"W_by": "slow"}}, r"lr_factors\['W_by'\] must be 0 or larger, got 'slow'"),
        (X, Y, {"epochs": 0}, "epochs must be a positive integer, got 0"),
        (X, Y, {"batch_size": 0}, "batch_size must be a positive integer, got 0"),
        (X, Y, {"batch_size": 2.5}, "batch_size must be a positive integer, got 2.5"),
    ],
)
def test_bad_data(x, y, changed, message):
    """Before the first step."""
    with pytest.raises(ValueError, match=message):
        training.fit(make_model(), x, y, **{"epochs": 4, "lr": 0.05, "loss": never, **changed}, progress=False)


def test_the_layout_of_the_data_does_not_matter():
    """Whatever can be copied to an array of torch is; parameters alone are trained."""
    (x, y), fields = make_data(), np.zeros((120, 6, 3), [("x", "f4"), ("one byte", "i1")])
    fields["x"] = x
    graph = 1 * torch.tensor(x, requires_grad=True)
    expected = fit(make_model(), x, y, epochs=2).loss
    for same_x, same_y in [
        (x[::-1].copy()[::-1], y),
        (x.astype(">f4"), y.astype(">i8")),
        (fields["x"], y[::-1].copy()[::-1]),
        (graph, y),
    ]:
        assert fit(make_model(), same_x, same_y, epochs=2).loss == expected
