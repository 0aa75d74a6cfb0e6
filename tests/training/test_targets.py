"""Training on targets that are floats: numbers and sequences, with any loss, optimizer and schedule."""

from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from organics_neuro import training  # noqa: E402  needs torch
from organics_neuro.nn import ORGaNICs  # noqa: E402

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 3)).astype(np.float32)
WEIGHTS = np.array([[1.0], [-2.0], [0.5]], np.float32)
Y = X @ WEIGHTS
SETTINGS = {"epochs": 30, "lr": 0.1, "batch_size": 20, "validation": 0.25, "progress": False}


def linear():
    torch.manual_seed(0)
    return torch.nn.Linear(3, 1)


def test_regression_finds_the_weights():
    model = linear()
    history = training.fit(model, X, Y, **SETTINGS)
    np.testing.assert_allclose(model.weight.detach().numpy(), WEIGHTS.T, atol=1e-3)
    assert max(history.validation_accuracy) > 0.99999
    assert history.validation_accuracy[0] < history.validation_accuracy[-1]


def test_explained_variance_is_that_of_its_definition():
    model = linear()
    with torch.no_grad():
        model.weight.zero_()
        model.bias.copy_(torch.tensor([Y[:50].mean()]))
    found = training.predictions.explained(model, torch.tensor(X[:50]), torch.tensor(Y[:50]))
    assert found == pytest.approx(0, abs=1e-6)  # as good as the mean


def test_sequences_to_sequences():
    """Each step answers with the sum of the inputs so far, leaking."""

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.readout = ORGaNICs(1, 12, batch_first=True), torch.nn.Linear(12, 1)

        def forward(self, x):
            return self.readout(self.rnn(x)[0])

    torch.manual_seed(0)
    x = RNG.uniform(size=(150, 8, 1)).astype(np.float32)
    y = np.stack([x[:, : k + 1].mean(1) for k in range(8)], 1)
    history = training.fit(Net(), x, y, **{**SETTINGS, "epochs": 8, "lr": 0.02})
    assert history.loss[-1] < history.loss[0] / 2


def test_any_loss_metric_optimizer_and_schedule():
    rates = []
    history = training.fit(
        linear(),
        X,
        Y,
        **{**SETTINGS, "epochs": 5, "lr": 0.01},
        loss=lambda model, x, y: (model(x) - y).abs().mean(),
        metric=lambda model, x, y: -float((model(x) - y).abs().mean()),
        optimizer=partial(torch.optim.SGD, momentum=0.5),
        schedule=lambda done: rates.append(done) or 1.0,
    )
    assert history.lr == [0.01] * 5
    assert max(history.validation_accuracy) < 0
    assert rates[0] == 0
    assert 0.9 < rates[-1] < 1


def test_it_stops_early():
    history = training.fit(linear(), X, RNG.normal(size=(200, 1)).astype(np.float32), **SETTINGS, patience=2)
    assert len(history) == history.best_epoch + 3 < 30


def test_a_data_loader_is_the_same_as_its_arrays():
    data = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y))
    loader = torch.utils.data.DataLoader(data, batch_size=32)
    short = {**SETTINGS, "epochs": 2}
    assert training.fit(linear(), loader, **short).loss == training.fit(linear(), X, Y, **short).loss
    held_out = torch.utils.data.DataLoader(torch.utils.data.Subset(data, range(20)))
    assert len(training.fit(linear(), X, Y, **{**short, "validation": held_out})) == 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"y": Y[:, 0]}, "one target of the shape that the model returns, .* got torch.float32 of shape \\(200,\\)"),
        ({"y": np.tile(Y, 2)}, "y must have targets of the shape that the model returns, \\(1,\\), got \\(2,\\)"),
        ({"y": Y * np.nan}, "y must be finite"),
        ({}, "y is missing"),
        ({"y": Y, "patience": 0}, "patience must be a positive integer"),
        ({"y": Y, "optimizer": torch.optim.SGD, "checkpoint": "run.pt"}, "checkpoints are of Adam only, not of SGD"),
    ],
)
def test_what_cannot_be_trained_on(given, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        training.fit(linear(), X, **{**SETTINGS, **given})
