"""The settings of every training run, in one table. The networks of a task share epochs and batch size, but for the demo."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from os import PathLike
from typing import Any

import numpy as np
import torch
from torch import nn

from organics_neuro import datasets
from organics_neuro.core.boundary import check_seed, known_name, positive_int, shown
from organics_neuro.nn import (
    BatchNorm1d,
    CircuitLayer,
    DivisiveNormalization,
    ORGaNICs,
    SequenceClassifier,
    oscillators_,
)
from organics_neuro.nn.classifiers import AutoencoderClassifier
from organics_neuro.training import cross_entropy
from organics_neuro.training.run import Loss

CLASSES = 10


@dataclass(frozen=True)
class Recipe:
    """How a network is trained on a task.

    Attributes
    ----------
    name : str
    task : str
        See `organics_neuro.datasets.TASKS`.
    network : str
        What is trained, for readers of tables; no other recipe for the task has the same.
    build : callable
        Makes the untrained network.
    epochs, batch_size : int
    lr : float
        Largest learning rate.
    loss : callable
    lr_factors : mapping of str to float, optional
        As for `organics_neuro.training.fit`.
    ships : bool
        Whether a trained network comes with the package.
    """

    name: str
    task: str
    network: str
    build: Callable[[], nn.Module]
    epochs: int
    batch_size: int
    lr: float
    loss: Loss = cross_entropy
    lr_factors: Mapping[str, float] | None = None
    ships: bool = True

    @property
    def description(self) -> str:
        """One line: the network and what it is shown."""
        return f"{self.network}: {datasets.TASKS[self.task].description}; {self.epochs} epochs"

    def model(self, seed: int = 0) -> nn.Module:
        """The untrained network; its parameters depend on ``seed`` (0, 1, ...) alone."""
        seed = check_seed(seed)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return self.build()

    @property
    def fit_options(self) -> dict[str, Any]:
        """What `organics_neuro.training.fit` is told by the recipe."""
        return {name: getattr(self, name) for name in ("epochs", "batch_size", "lr", "loss", "lr_factors")}

    def lasting(self, epochs: int | None) -> "Recipe":
        """The recipe with that number of epochs; with its own if it is None."""
        return self if epochs is None else replace(self, epochs=positive_int("epochs", epochs))

    def data(self, root: str | PathLike[str] | None = None) -> datasets.Digits:
        """The digits as the task presents them (see `organics_neuro.datasets.load`)."""
        return datasets.load(self.task, root)


def check_recipe(recipe: Recipe) -> Recipe:
    """``recipe`` if it is one; raises `TypeError` otherwise."""
    if not isinstance(recipe, Recipe):
        raise TypeError(f"recipe must be a Recipe, got {shown(recipe)}; recipes.find(name) gives one")
    return recipe


def find(name: str) -> Recipe:
    """The recipe called ``name``."""
    return RECIPES[known_name("recipe", name, RECIPES)]


# --- networks -------------------------------------------------------------------------------------------------------


def _recurrent(layer: Callable[..., nn.Module], *sizes: int, dropout: float = 0.0, **options: Any) -> nn.Module:
    return SequenceClassifier(layer(*sizes, batch_first=True, **options), CLASSES, dropout)


def _remembering(layer: type[nn.LSTM] | type[nn.GRU], inputs: int, units: int, steps: int) -> nn.Module:
    """An LSTM or a GRU that starts with memories of up to ``steps`` steps, read as those of `_oscillating` are.

    The biases of its gates are those of Tallec & Ollivier (2018), "Can recurrent neural networks warp time?".
    """
    rnn = layer(inputs, units, batch_first=True)
    keep = torch.empty(units).uniform_(1, steps - 1).log()
    with torch.no_grad():
        bias = rnn.get_parameter("bias_ih_l0").zero_()
        rnn.get_parameter("bias_hh_l0").zero_()
        bias[units : 2 * units] = keep  # the forget gate of one, the update gate of the other
        if isinstance(rnn, nn.LSTM):
            bias[:units] = -keep
    return SequenceClassifier(rnn, CLASSES, standardize=True)


def _oscillating(inputs: int, units: int, width: int | None = None, **options: Any) -> nn.Module:
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


def _perceptron(*sizes: int, dropout: float = 0.0) -> nn.Module:
    """Linear layers with rectification between them, on all that an image holds but the pixels dropped in training."""
    layers: list[nn.Module] = [nn.Flatten(), nn.Dropout(dropout)]
    for before, after in zip(sizes, sizes[1:], strict=False):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], CLASSES))


def _normalization(*sizes: int, recurrence: str = "identity", dropout: float = 0.0) -> nn.Module:
    """Layers that are at the steady state of a normalization circuit, and a linear readout of their rates.

    ``dropout`` is the fraction of the input that is dropped in training.

    The rates of n units are about 1/n, because they normalize each other. They are standardized before they are read:
    trained, that is a scale and an offset for each unit.
    """
    layers: list[nn.Module] = [nn.Dropout(dropout)]
    for before, after in zip(sizes, sizes[1:], strict=False):
        layers += [DivisiveNormalization(before, after, recurrence), BatchNorm1d(after)]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], CLASSES))


class _Shown(nn.Module):
    """A sample as a sequence: it is shown at every step."""

    def __init__(self, steps: int):
        super().__init__()
        self.steps = steps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """From (batch, values) to (batch, steps, values)."""
        return x.unsqueeze(1).expand(-1, self.steps, -1)


def _supralinear(excite: int, inhibit: int, steps: int = 40, code: int = 50) -> AutoencoderClassifier:
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


def _autoencoder() -> AutoencoderClassifier:
    """The front end of the published static networks, 784-360-120-40 and its mirror, before layers of 120 and 60."""
    return AutoencoderClassifier((784, 360, 120, 40), _normalization(40, 120, 60, recurrence="learned"))


# --- the table ------------------------------------------------------------------------------------------------------


def _static() -> list[Recipe]:
    """The networks that see an image at once."""
    make = partial(Recipe, task="static", epochs=15, batch_size=256)
    noisy = {"dropout": 0.2}
    learned = {"recurrence": "learned"}
    return [
        make("static-80", network="normalization 80", build=partial(_normalization, 784, 80, **noisy), lr=0.005),
        make(
            "static-120-60",
            network="normalization 120-60",
            build=partial(_normalization, 784, 120, 60, **learned, **noisy),
            lr=0.005,
        ),
        make(
            "static-autoencoder",
            network="autoencoder, normalization 120-60",
            build=_autoencoder,
            lr=0.005,
            loss=AutoencoderClassifier.loss,
        ),
        make("static-mlp", network="MLP 120-60", build=partial(_perceptron, 784, 120, 60, **noisy), lr=0.015),
        *(
            make(
                f"static-ssn-{excite}-{inhibit}",
                network=f"autoencoder, SSN {excite} E {inhibit} I",
                build=partial(_supralinear, excite, inhibit),
                lr=0.01,
                loss=AutoencoderClassifier.loss,
                ships=False,
            )
            for excite, inhibit in ((50, 50), (80, 20))
        ),
    ]


def _sequential(
    task: str,
    inputs: int,
    steps: int,
    *,
    epochs: int,
    batch_size: int,
    circuit: Callable[..., nn.Module],
    gated: Callable[..., nn.Module],
    lr: tuple[float, float, float, float],
    lr_factors: Mapping[str, float] | None = None,
    **options: Any,
) -> list[Recipe]:
    """ORGaNICs and the baselines, 128 units each, on sequences of ``steps`` with ``inputs`` values.

    ``circuit`` builds the network of ORGaNICs and ``lr_factors`` are its own; ``gated`` builds LSTM and GRU; ``lr`` are
    the learning rates of the four; ``options`` are those of all four networks.
    """
    make = partial(Recipe, task=task, epochs=epochs, batch_size=batch_size)
    builds = {
        "LSTM 128": partial(gated, nn.LSTM, inputs, 128, **options),
        "GRU 128": partial(gated, nn.GRU, inputs, 128, **options),
        "MLP 128": partial(_perceptron, inputs * steps, 128, **options),
    }
    ours, *rates = lr
    return [
        make(
            task,
            network="ORGaNICs 128",
            build=partial(circuit, inputs, 128, **options),
            lr=ours,
            lr_factors=lr_factors,
        ),
        *(
            make(f"{task}-{network.split()[0].lower()}", network=network, build=build, lr=rate)
            for (network, build), rate in zip(builds.items(), rates, strict=True)
        ),
    ]


def _long(
    task: str, width: int, epochs: int, lr: tuple[float, float, float, float], permuted: bool = False
) -> list[Recipe]:
    """The networks of square images that are read pixel by pixel; ``lr`` are the learning rates of the four.

    ORGaNICs start as oscillators, whose phases add up over a sequence: they learn thousands of times slower than the
    readout.
    """
    return _sequential(
        task,
        1,
        width**2,
        epochs=epochs,
        batch_size=64,
        circuit=partial(_oscillating, width=None if permuted else width, precision="bf16"),
        gated=partial(_remembering, steps=width**2),
        lr=lr,
        lr_factors={"W_r": 3e-4, "step": 1e-3},
    )


def _declared(task: str, inputs: int, epochs: int, rates: Mapping[str, float]) -> list[Recipe]:
    """Declared models as layers of 128 units, as their papers have them; ``rates`` are learning rates by the model."""
    names = {"cornn": "coRNN", "lipschitz": "Lipschitz", "antisymmetric": "antisymmetric"}
    return [
        Recipe(
            f"{task}-{model}",
            task=task,
            network=f"{names[model]} 128",
            build=partial(_read_at_the_end, model, inputs, 128),
            epochs=epochs,
            batch_size=64,
            lr=rate,
            ships=False,
        )
        for model, rate in rates.items()
    ]


def _read_at_the_end(model: str, inputs: int, units: int) -> nn.Module:
    return SequenceClassifier(CircuitLayer(model, inputs, units, batch_first=True), CLASSES, standardize=True)


#: Largest step sizes of ORGaNICs that read an image in 28 steps.
_BY_ROW = {"max_step_y": 0.5, "max_step_a": 0.3, "max_step_b": 0.9}
_ALL = [
    Recipe(
        "demo",
        task="rows",
        network="ORGaNICs 64",
        build=partial(_recurrent, ORGaNICs, 28, 64, **_BY_ROW),
        epochs=5,
        batch_size=128,
        lr=0.04,
        ships=False,
    ),
    *_static(),
    *_sequential(
        "rows",
        28,
        28,
        epochs=10,
        batch_size=64,
        circuit=partial(_recurrent, ORGaNICs, **_BY_ROW),
        gated=_recurrent,
        lr=(0.015, 0.005, 0.005, 0.003),
        dropout=0.1,
    ),
    *_long("pixels-14", width=14, epochs=20, lr=(0.01, 0.01, 0.01, 0.005)),
    *_declared("pixels-14", 1, 20, {"cornn": 0.002, "lipschitz": 0.003, "antisymmetric": 0.003}),
    *_long("smnist", width=28, epochs=16, lr=(0.01, 0.003, 0.01, 0.015)),
    *_long("psmnist", width=28, epochs=16, lr=(0.01, 0.01, 0.01, 0.005), permuted=True),
]
#: Every recipe by its name.
RECIPES = {recipe.name: recipe for recipe in _ALL}
