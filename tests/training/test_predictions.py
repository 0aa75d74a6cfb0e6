"""What a model says of samples: labels, and one clear sentence where there are none."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from organics_neuro import training  # noqa: E402  needs torch
from tests.training.models import NAN, X, Y, fit, make_data, make_model  # noqa: E402


def test_accuracy_leaves_the_mode_of_every_part():
    """Some may be frozen while others are trained."""
    (x, y), model = make_data(), make_model()
    model.train()
    model[1].eval()
    before = [module.training for module in model.modules()]
    assert len(set(before)) == 2
    training.accuracy(model, x, y)
    assert [module.training for module in model.modules()] == before


class Merged(torch.nn.Linear):
    """Does more than note its mode, as adapters do."""

    merged = False

    def train(self, mode=True):
        self.merged = not mode
        return super().train(mode)


def test_accuracy_puts_the_model_back_into_training_by_its_own_method():
    model = Merged(3, 2)
    training.predict(model, np.zeros((4, 3), dtype=np.float32))
    assert model.training
    assert not model.merged


def test_predictions_are_labels():
    x, _ = make_data()
    labels = training.predict(make_model(), x, batch_size=50)
    assert labels.shape == (120,)
    assert labels.dtype == torch.int64


class Undefined(torch.nn.Module):
    """A model whose scores are NaN in evaluation, of some samples or all."""

    def __init__(self, model, samples):
        super().__init__()
        self.model, self.samples = model, samples

    def forward(self, x):
        scores = self.model(x)
        if not self.training and len(x) > 1:
            scores[: self.samples] = torch.nan
        return scores


@pytest.mark.parametrize(
    ("samples", "message"), [(1, "scores are NaN for 1 of 30 samples"), (1000, "scores are NaN for 30 of 30 samples")]
)
def test_scores_that_are_not_numbers_are_reported(samples, message):
    (x, y), model = make_data(), Undefined(make_model(), samples)
    for call in (
        lambda: fit(model, epochs=1),
        lambda: training.predict(model, x[:30]),
        lambda: training.accuracy(model, x[:30], y[:30]),
    ):
        with pytest.raises(FloatingPointError, match=message):
            call()


def test_what_is_predicted_is_checked():
    model = make_model()
    for call, message in (
        (lambda: training.predict(model, NAN), "x must be finite, but sample 17 holds NaN"),
        (lambda: training.predict(model, X[:, 0]), r"the model must return scores \(samples, classes\)"),
        (lambda: training.predict(model, X, batch_size=0), "batch_size must be a positive integer, got 0"),
        (lambda: training.accuracy(model, NAN, Y), "x must be finite, but sample 17 holds NaN"),
        (lambda: training.accuracy(model, X, Y[:, None]), r"one label .* got torch.int64 of shape \(120, 1\)"),
        (lambda: training.accuracy(model, X, [1]), r"one label .* got torch.int64 of shape \(1,\)"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_a_model_without_parameters_predicts():
    assert training.predict(torch.nn.Flatten(), X).tolist() == X.reshape(len(X), -1).argmax(1).tolist()
