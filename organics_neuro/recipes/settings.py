"""The settings of every training run, in one table. The networks of a task share its budget: epochs and batches."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from organics_neuro import datasets
from organics_neuro.core.errors import unknown_name
from organics_neuro.nn import DivisiveNormalization, ORGaNICs, SequenceClassifier
from organics_neuro.nn.classifiers import AutoencoderClassifier
from organics_neuro.nn.training import cross_entropy

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
        As for `organics_neuro.nn.training.fit`.
    """

    name: str
    task: str
    network: str
    build: Callable
    epochs: int
    batch_size: int
    lr: float
    loss: Callable = cross_entropy

    @property
    def description(self):
        """One line: the network and what it is shown."""
        return f"{self.network}: {datasets.TASKS[self.task].description}; {self.epochs} epochs"

    def model(self, seed=0):
        """The untrained network; its parameters depend on ``seed`` alone."""
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return self.build()

    @property
    def fit_options(self):
        """What `organics_neuro.nn.training.fit` is told by the recipe."""
        return {name: getattr(self, name) for name in ("epochs", "batch_size", "lr", "loss")}

    def data(self, root=None):
        """The digits as the task presents them (see `organics_neuro.datasets.load`)."""
        return datasets.load(self.task, root)


def find(name):
    """The recipe called ``name``."""
    if name not in RECIPES:
        raise ValueError(unknown_name("recipe", name, RECIPES))
    return RECIPES[name]


# --- networks -------------------------------------------------------------------------------------------------------


def _recurrent(layer, *sizes, dropout=0.0, **options):
    return SequenceClassifier(layer(*sizes, batch_first=True, **options), CLASSES, dropout)


def _perceptron(*sizes, dropout=0.0):
    """Linear layers with rectification between them, on all that an image holds but the pixels dropped in training."""
    layers = [nn.Flatten(), nn.Dropout(dropout)]
    for before, after in zip(sizes, sizes[1:], strict=False):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], CLASSES))


def _normalization(*sizes, recurrence="identity", dropout=0.0):
    """Layers that are at the steady state of a normalization circuit, and a linear readout of their rates.

    ``dropout`` is the fraction of the input that is dropped in training.

    The rates of n units are about 1/n, because they normalize each other. They are standardized before they are read:
    trained, that is a scale and an offset for each unit.
    """
    layers = [nn.Dropout(dropout)]
    for before, after in zip(sizes, sizes[1:], strict=False):
        layers += [DivisiveNormalization(before, after, recurrence), nn.BatchNorm1d(after)]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], CLASSES))


def _autoencoder():
    """The front end of the published static networks, 784-360-120-40 and its mirror, before layers of 120 and 60."""
    return AutoencoderClassifier((784, 360, 120, 40), _normalization(40, 120, 60, recurrence="learned"))


# --- the table ------------------------------------------------------------------------------------------------------


def _static():
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
        make("static-mlp", network="MLP 120-60", build=partial(_perceptron, 784, 120, 60, **noisy), lr=0.005),
    ]


def _sequential(
    task, inputs, steps, *, epochs, batch_size, max_steps, lr, recurrence="free", precision=None, **options
):
    """ORGaNICs and the baselines, 128 units each, on sequences of ``steps`` with ``inputs`` values.

    ``max_steps`` are the largest step sizes of y, a and the gains; ``lr`` are the learning rates of the four;
    ``recurrence`` and ``precision`` are those of ORGaNICs; ``options`` are those of all four networks.
    """
    make = partial(Recipe, task=task, epochs=epochs, batch_size=batch_size)
    ours = dict(zip(("max_step_y", "max_step_a", "max_step_b"), max_steps, strict=True))
    ours |= {"recurrence": recurrence, "precision": precision}
    builds = {
        "ORGaNICs 128": partial(_recurrent, ORGaNICs, inputs, 128, **ours, **options),
        "LSTM 128": partial(_recurrent, nn.LSTM, inputs, 128, **options),
        "GRU 128": partial(_recurrent, nn.GRU, inputs, 128, **options),
        "MLP 128": partial(_perceptron, inputs * steps, 128, **options),
    }
    names = (task, f"{task}-lstm", f"{task}-gru", f"{task}-mlp")
    return [
        make(name, network=network, build=build, lr=rate)
        for name, (network, build), rate in zip(names, builds.items(), lr, strict=True)
    ]


_ALL = [
    Recipe(
        "demo",
        task="rows",
        network="ORGaNICs 64",
        build=partial(_recurrent, ORGaNICs, 28, 64, max_step_y=0.5, max_step_a=0.3, max_step_b=0.9),
        epochs=5,
        batch_size=128,
        lr=0.04,
    ),
    *_static(),
    *_sequential(
        "rows",
        28,
        28,
        epochs=10,
        batch_size=64,
        max_steps=(0.5, 0.3, 0.9),
        lr=(0.015, 0.005, 0.005, 0.003),
        dropout=0.1,
    ),
    *_sequential(
        "pixels-14", 1, 196, epochs=20, batch_size=128, max_steps=(0.2, 0.04, 0.4), lr=(0.01, 0.003, 0.003, 0.005)
    ),
    *(
        recipe
        for task in ("smnist", "psmnist")
        for recipe in _sequential(
            task,
            1,
            784,
            epochs=20,
            batch_size=64,
            max_steps=(0.03, 0.01, 0.1),
            lr=(0.02, 0.003, 0.003, 0.005),
            recurrence="spectral",
            precision="bf16",
        )
    ),
]
#: Every recipe by its name.
RECIPES = {recipe.name: recipe for recipe in _ALL}
