"""Small data, models and settings that the tests of training share."""

import numpy as np
import torch

from organics_neuro import training
from organics_neuro.nn import ORGaNICs, SequenceClassifier


def make_data(samples=120, steps=6):
    """Two classes: the sign of the mean of a noisy sequence."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, samples)
    x = rng.normal(size=(samples, steps, 3)) + 2 * (2 * y - 1)[:, None, None]
    return x.astype(np.float32), y


def make_model():
    torch.manual_seed(0)
    rnn = ORGaNICs(3, 8, batch_first=True)
    classifier = SequenceClassifier(rnn, 2)
    return torch.nn.Sequential(torch.nn.Dropout(0.2), classifier)  # dropout: randomness besides the order of samples


def fit(model, x=None, y=None, **changed):
    if x is None:
        x, y = make_data()
    settings = {"epochs": 4, "lr": 0.05, "batch_size": 16, "validation": 0.25, "progress": False, **changed}
    return training.fit(model, x, y, **settings)


class Interrupt(torch.nn.Module):
    """A model that stops after so many training batches."""

    def __init__(self, model, batches):
        super().__init__()
        self.model = model
        self.batches = batches

    def forward(self, x):
        if self.training:
            self.batches -= 1
        if self.batches < 0:
            raise KeyboardInterrupt
        return self.model(x)


def never(model, x, y):
    raise AssertionError("a step was taken")


X, Y = make_data()
NAN = X.copy()
NAN[17, 2, 1] = np.nan
