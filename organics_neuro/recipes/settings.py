"""The settings of every training run, in one table. The networks of a task share epochs and batch size, but for the demo.

The table can be read without torch, which is loaded when a network is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import import_module
from os import PathLike
from typing import TYPE_CHECKING, Any

from organics_neuro import datasets
from organics_neuro.core.boundary import check_seed, known_name, positive_int, shown

if TYPE_CHECKING:
    from torch import nn

    from organics_neuro.training.run import Loss


@dataclass(frozen=True)
class Named:
    """A function of the module ``networks`` by its name, with arguments: as `functools.partial`, but without torch."""

    func: str
    args: tuple = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)

    @property
    def __name__(self) -> str:
        return self.func

    def __call__(self, *more: Any) -> Any:
        """Load torch, and call the function."""
        function = getattr(import_module("organics_neuro.recipes.networks"), self.func)
        return function(*self.args, *more, **self.keywords)


def _network(function: str, *arguments: Any, **options: Any) -> Named:
    return Named(function, arguments, options)


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
    loss: Loss = Named("cross_entropy")
    lr_factors: Mapping[str, float] | None = None
    ships: bool = True

    @property
    def description(self) -> str:
        """One line: the network and what it is shown."""
        return f"{self.network}: {datasets.TASKS[self.task].description}; {self.epochs} epochs"

    def model(self, seed: int = 0) -> nn.Module:
        """The untrained network; its parameters depend on ``seed`` (0, 1, ...) alone."""
        import torch

        seed = check_seed(seed)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return self.build()

    @property
    def fit_options(self) -> dict[str, Any]:
        """What `organics_neuro.training.fit` is told by the recipe."""
        return {name: getattr(self, name) for name in ("epochs", "batch_size", "lr", "loss", "lr_factors")}

    def lasting(self, epochs: int | None) -> Recipe:
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


def _static() -> list[Recipe]:
    """The networks that see an image at once."""
    make = partial(Recipe, task="static", epochs=15, batch_size=256)
    noisy = {"dropout": 0.2}
    learned = {"recurrence": "learned"}
    return [
        make("static-80", network="normalization 80", build=_network("normalization", 784, 80, **noisy), lr=0.005),
        make(
            "static-120-60",
            network="normalization 120-60",
            build=_network("normalization", 784, 120, 60, **learned, **noisy),
            lr=0.005,
        ),
        make(
            "static-autoencoder",
            network="autoencoder, normalization 120-60",
            build=_network("autoencoder"),
            lr=0.005,
            loss=Named("autoencoder_loss"),
        ),
        make("static-mlp", network="MLP 120-60", build=_network("perceptron", 784, 120, 60, **noisy), lr=0.015),
        *(
            make(
                f"static-ssn-{excite}-{inhibit}",
                network=f"autoencoder, SSN {excite} E {inhibit} I",
                build=_network("supralinear", excite, inhibit),
                lr=0.01,
                loss=Named("autoencoder_loss"),
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
    circuit: Callable[..., Named],
    gated: Callable[..., Named],
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
        "LSTM 128": gated("LSTM", inputs, 128, **options),
        "GRU 128": gated("GRU", inputs, 128, **options),
        "MLP 128": _network("perceptron", inputs * steps, 128, **options),
    }
    ours, *rates = lr
    return [
        make(
            task,
            network="ORGaNICs 128",
            build=circuit(inputs, 128, **options),
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
        circuit=partial(_network, "oscillating", width=None if permuted else width, precision="bf16"),
        gated=partial(_network, "remembering", steps=width**2),
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
            build=_network("read_at_the_end", model, inputs, 128),
            epochs=epochs,
            batch_size=64,
            lr=rate,
            ships=False,
        )
        for model, rate in rates.items()
    ]


#: Largest step sizes of ORGaNICs that read an image in 28 steps.
_BY_ROW = {"max_step_y": 0.5, "max_step_a": 0.3, "max_step_b": 0.9}
_ALL = [
    Recipe(
        "demo",
        task="rows",
        network="ORGaNICs 64",
        build=_network("recurrent", "ORGaNICs", 28, 64, **_BY_ROW),
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
        circuit=partial(_network, "recurrent", "ORGaNICs", **_BY_ROW),
        gated=partial(_network, "recurrent"),
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
