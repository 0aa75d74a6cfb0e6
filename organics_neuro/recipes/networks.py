"""The networks of the recipes, untrained. The table in `settings` names these functions, so that it needs no torch."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from organics_neuro.nn import (
    BatchNorm1d,
    CircuitLayer,
    DivisiveNormalization,
    ORGaNICs,
    SequenceClassifier,
    oscillators_,
)
from organics_neuro.nn.classifiers import AutoencoderClassifier
from organics_neuro.training import cross_entropy as cross_entropy

CLASSES = 10
#: Layers by the names that the table of recipes has for them.
LAYERS: dict[str, Callable[..., nn.Module]] = {"ORGaNICs": ORGaNICs, "LSTM": nn.LSTM, "GRU": nn.GRU}


def recurrent(layer: str, *sizes: int, dropout: float = 0.0, **options: Any) -> nn.Module:
    """A recurrent layer by its name in `LAYERS`, and a linear readout of its last state."""
    return SequenceClassifier(LAYERS[layer](*sizes, batch_first=True, **options), CLASSES, dropout)


def remembering(layer: str, inputs: int, units: int, steps: int) -> nn.Module:
    """An LSTM or a GRU that starts with memories of up to ``steps`` steps, read as those of `oscillating` are.

    The biases of its gates are those of Tallec & Ollivier (2018), "Can recurrent neural networks warp time?".
    """
    rnn = LAYERS[layer](inputs, units, batch_first=True)
    keep = torch.empty(units).uniform_(1, steps - 1).log()
    with torch.no_grad():
        bias = rnn.get_parameter("bias_ih_l0").zero_()
        rnn.get_parameter("bias_hh_l0").zero_()
        bias[units : 2 * units] = keep  # the forget gate of one, the update gate of the other
        if isinstance(rnn, nn.LSTM):
            bias[:units] = -keep
    return SequenceClassifier(rnn, CLASSES, standardize=True)


def oscillating(inputs: int, units: int, width: int | None = None, **options: Any) -> nn.Module:
    """ORGaNICs that start as oscillators, for sequences of many hundred steps.

    Their frequencies are the lowest spatial ones of an image of ``width`` columns that is read row by row; by default
    they are evenly spaced.
    """
    rnn = ORGaNICs(
        inputs,
        units,
        batch_first=True,
        recurrence="spectral",
        model="gated_unrectified",
        b0=0.003,
        max_step_y=1.0,
        max_step_a=0.2,
        max_step_b=0.5,
        **options,
    )
    # in the precision of the layer, as the shipped networks were trained
    angles = None if width is None else np.asarray(_image_angles(width, units // 2), np.float32)
    return SequenceClassifier(oscillators_(rnn, angles), CLASSES, standardize=True)


def _image_angles(width: int, count: int) -> list[float]:
    """The angles per pixel of the lowest spatial frequencies of a square image that is read row by row.

    One cycle in a row is ``width`` cycles in the image: near each multiple of it are those of few cycles from row to row.
    """
    cycles = {abs(u * width + v) for u in range(width // 2 + 1) for v in range(-4, 5)}
    return [2 * math.pi * c / width**2 for c in sorted(cycles)][:count]


def perceptron(*sizes: int, dropout: float = 0.0) -> nn.Module:
    """Linear layers with rectification between them, on all that an image holds but the pixels dropped in training."""
    layers: list[nn.Module] = [nn.Flatten(), nn.Dropout(dropout)]
    for before, after in zip(sizes, sizes[1:], strict=False):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], CLASSES))


def normalization(*sizes: int, recurrence: str = "identity", dropout: float = 0.0) -> nn.Module:
    """Layers that are at the steady state of a normalization circuit, and a linear readout of their rates.

    ``dropout`` is the fraction of the input that is dropped in training.

    The rates of n units are about 1/n, because they normalize each other. They are standardized before they are read:
    trained, that is a scale and an offset for each unit.
    """
    layers: list[nn.Module] = [nn.Dropout(dropout)]
    for before, after in zip(sizes, sizes[1:], strict=False):
        layers += [DivisiveNormalization(before, after, recurrence), BatchNorm1d(after)]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], CLASSES))


def read_at_the_end(model: str, inputs: int, units: int) -> nn.Module:
    """Any declared model as a layer, whose last state is standardized and read."""
    return SequenceClassifier(CircuitLayer(model, inputs, units, batch_first=True), CLASSES, standardize=True)


class _Shown(nn.Module):
    """A sample as a sequence: it is shown at every step."""

    def __init__(self, steps: int):
        super().__init__()
        self.steps = steps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """From (batch, values) to (batch, steps, values)."""
        return x.unsqueeze(1).expand(-1, self.steps, -1)


def supralinear(excite: int, inhibit: int, steps: int = 40, code: int = 50) -> AutoencoderClassifier:
    """A supralinear network that is shown the code of an autoencoder for 100 ms, and is read after them.

    It starts weak: a network of strong units runs away before it has learned.
    """
    n, signs = excite + inhibit, np.repeat([1.0, -1.0], [excite, inhibit])
    given = {"signs": signs, "tau_v": np.where(signs > 0, 20e-3, 10e-3)}
    rnn = CircuitLayer("ssn", code, n, batch_first=True, parameters=given, dt=2.5e-3, learned_steps=False)
    with torch.no_grad():
        strength = torch.as_tensor(np.where(signs > 0, 1.0, 1.5) / n, dtype=torch.float32)
        rnn.cells[0].W = rnn.cells[0].W * strength
    return AutoencoderClassifier(
        (784, 360, 120, code), nn.Sequential(_Shown(steps), SequenceClassifier(rnn, CLASSES, standardize=True))
    )


def autoencoder() -> AutoencoderClassifier:
    """The front end of the published static networks, 784-360-120-40 and its mirror, before layers of 120 and 60."""
    return AutoencoderClassifier((784, 360, 120, 40), normalization(40, 120, 60, recurrence="learned"))


def autoencoder_loss(model: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """The loss of `autoencoder`: of its classes and of the image that it makes."""
    return AutoencoderClassifier.loss(model, x, y)
