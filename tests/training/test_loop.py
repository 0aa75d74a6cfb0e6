"""Training: it learns, the same each time, and says what cannot be trained."""

import csv
import sys
from dataclasses import asdict

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from organics_neuro import training  # noqa: E402  needs torch
from organics_neuro.nn import ORGaNICs, SequenceClassifier  # noqa: E402
from tests.training.models import Interrupt, X, fit, make_data, make_model, never  # noqa: E402


def test_it_learns_and_keeps_the_best_epoch():
    (x, y), model = make_data(), make_model()
    held_out = x[:30], y[:30]
    history = fit(model, x[30:], y[30:], validation=held_out, epochs=8)
    assert len(history.loss) == len(history.validation_accuracy) == len(history.seconds) == 8
    assert history.loss[-1] < history.loss[0]
    assert not model.training
    assert training.accuracy(model, *held_out) == max(history.validation_accuracy) > 0.9
    assert history.validation_accuracy[history.best_epoch] == max(history.validation_accuracy)


def test_settings_may_be_numbers_of_numpy(tmp_path):
    plain = {"epochs": 2, "lr": 0.5, "validation": 0.25, "seed": 3, "lr_factors": {"W_r": 0.5}}
    arrays = {
        "epochs": np.int64(2),
        "lr": np.float32(0.5),
        "validation": np.float32(0.25),
        "seed": np.int64(3),
        "lr_factors": {"W_r": np.float32(0.5)},
    }
    history = fit(make_model(), **arrays, checkpoint=tmp_path / "run.pt")
    assert history.loss == fit(make_model(), **plain).loss
    assert fit(make_model(), **plain, checkpoint=tmp_path / "run.pt", resume=True).loss == history.loss


def test_log_and_callback(tmp_path):
    """The log is whole after a resumption; the callback sees the model of each epoch and may draw random numbers."""
    seen, path, log = [], tmp_path / "run.pt", tmp_path / "log.csv"

    def look(model, history):
        torch.rand(3)
        seen.append((len(history), next(model.parameters()).sum().item()))

    with pytest.raises(KeyboardInterrupt):
        fit(Interrupt(make_model(), 20), checkpoint=path, log=log, callback=look)
    history = fit(Interrupt(make_model(), 1000), checkpoint=path, resume=True, log=log, callback=look)
    assert [epoch for epoch, _ in seen] == [1, 2, 3, 4]
    assert len({total for _, total in seen}) == 4
    assert history.loss == fit(make_model()).loss
    with log.open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["epoch", "loss", "validation_accuracy", "lr", "seconds"]
    assert [row[0] for row in rows] == ["1", "2", "3", "4"]
    columns = list(zip(*rows, strict=True))[1:]
    assert [[float(v) for v in column] for column in columns] == list(asdict(history).values())


def test_another_loss():
    """The loss function is what is minimized: with the labels exchanged, the accuracy falls below chance."""
    exchanged = lambda model, x, y: training.cross_entropy(model, x, 1 - y)  # noqa: E731
    assert fit(make_model(), loss=exchanged).validation_accuracy[-1] < 0.1


def test_seeds():
    model, other = make_model(), make_model()
    assert fit(model, seed=1).loss == fit(make_model(), seed=1).loss != fit(other, seed=2).loss


def test_the_global_random_state_and_denormals_are_left_alone():
    torch.manual_seed(7)
    expected = torch.rand(1)
    model = make_model()
    torch.manual_seed(7)
    fit(model, epochs=1)
    assert torch.rand(1) == expected
    assert sys.float_info.min / 2 > 0


def test_divergence_is_reported():
    with pytest.raises(FloatingPointError, match="the loss is no longer finite in epoch 1"):
        fit(make_model(), lr=1e38)


def test_a_gradient_that_is_not_finite_is_reported_and_not_used():
    """The loss may be finite where its gradient is not; the parameters then stay as they were."""

    def steep(model, x, y):
        loss = training.cross_entropy(model, x, y)
        return loss + torch.sqrt(loss - loss)

    model = make_model()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(FloatingPointError, match="the gradient is no longer finite in epoch 1; try a smaller lr"):
        fit(model, loss=steep)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def frozen():
    return make_model().requires_grad_(False)


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (ORGaNICs(3, 8, batch_first=True), ValueError, "but returned a tuple for .*; SequenceClassifier makes"),
        (torch.nn.LSTM(3, 8, batch_first=True), ValueError, "but returned a tuple for .*; SequenceClassifier makes"),
        (None, TypeError, "model must be a torch.nn.Module, got None"),
        (ORGaNICs, TypeError, "model must be a torch.nn.Module, got <class"),
        (torch.nn.Flatten(), ValueError, "model has no parameter that can be trained"),
        (frozen(), ValueError, "model has no parameter that can be trained"),
    ],
)
def test_what_cannot_be_trained(tmp_path, model, error, message):
    for files in ({}, {"checkpoint": tmp_path / "run.pt"}):
        with pytest.raises(error, match=message):
            fit(model, *make_data(), loss=never, **files)
    if "trained" not in message:
        with pytest.raises(error, match=message):
            training.predict(model, X)


@pytest.mark.parametrize(
    ("loss", "got"),
    [
        (lambda model, x, y: model(x)[:, 0], r"tensor\(\[[^\n]*\.\.\."),
        (lambda model, x, y: training.cross_entropy(model, x, y).item(), r"[0-9.]+$"),
        (lambda model, x, y: training.cross_entropy(model, x, y).detach(), r"tensor\([0-9.]+\)$"),
        (lambda model, x, y: None, "None$"),
    ],
)
def test_a_loss_is_one_number_with_a_gradient(loss, got):
    with pytest.raises(ValueError, match=f"loss must return one number, .*with a gradient, got {got}"):
        fit(make_model(), loss=loss)


@pytest.mark.parametrize(("samples", "batch_size"), [(120, 1), (2, 16)])
def test_batch_normalization_needs_two_samples(samples, batch_size):
    model = SequenceClassifier(ORGaNICs(3, 8, batch_first=True), 2, standardize=True)
    with pytest.raises(ValueError, match="batch normalization needs two samples or more; give a larger batch_size"):
        fit(model, *make_data(samples), validation=0.5, batch_size=batch_size)
