"""Commands that train networks by recipes and keep the results."""

import os
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from organics_neuro.cli.commands import argument, command

_NAME = argument("name", metavar="NAME", help="a recipe; `organics recipes` lists them")
_FILE = argument(
    "file", metavar="FILE", help="a .safetensors file of a run, or the name of a network that comes with the package"
)
_MNIST = argument("--mnist", metavar="DIR", help="folder of the digits (default: those of the package)")
_DATA = argument("--data", default="data", metavar="DIR", help="where results are kept (default: data)")
_EPOCHS = argument("--epochs", type=int, help="default: those of the recipe")
_NO_RESUME = argument("--no-resume", action="store_true", help="start anew, even if there is a checkpoint")


@command("list the recipes")
def recipes(options: Namespace) -> None:
    from organics_neuro.recipes import RECIPES

    for recipe in RECIPES.values():
        print(f"{recipe.name:20} {recipe.description}")


@command(
    "train a network by its recipe, or go on with a run that was interrupted",
    _NAME,
    argument("--seed", type=int, default=0),
    argument("--output", metavar="DIR", help="folder of the run (default: runs/NAME-seedN)"),
    argument("--threads", type=int, help="processor threads of torch"),
    _EPOCHS,
    _NO_RESUME,
    _MNIST,
)
def train(options: Namespace) -> None:
    from organics_neuro import recipes

    if options.threads is not None:
        _use_threads(options.threads)
    card = recipes.train(
        recipes.find(options.name),
        options.seed,
        options.output,
        epochs=options.epochs,
        mnist=options.mnist,
        resume=not options.no_resume,
    ).card
    if card is not None:
        print(f"validation accuracy {card.validation_accuracy:.2%}, test accuracy {card.test_accuracy:.2%}")


@command(
    "train with several learning rates, keep how each did on the validation data, or go on with it",
    _NAME,
    argument("--lr", type=float, nargs="+", required=True, help="learning rates to try"),
    _EPOCHS,
    _NO_RESUME,
    _MNIST,
    _DATA,
)
def tune(options: Namespace) -> None:
    from organics_neuro import recipes
    from organics_neuro.core.files import make_folder

    recipe = recipes.find(options.name).lasting(options.epochs)
    folder = Path("runs") / "tuning"
    make_folder(folder)
    for lr in options.lr:
        try:
            history = recipes.tune(
                replace(recipe, lr=lr),
                options.data,
                mnist=options.mnist,
                checkpoint=folder / f"{recipe.name}-lr{lr}-epochs{recipe.epochs}.pt",
                resume=not options.no_resume,
            )
            print(f"lr {lr:g}: validation accuracy {max(history.validation_accuracy):.2%}")
        except FloatingPointError as error:  # that is an answer, too
            print(f"lr {lr:g}: {error}")


@command("accuracy of a trained network on the test data, in torch", _FILE, _MNIST)
def evaluate(options: Namespace) -> None:
    from organics_neuro import recipes

    trained = recipes.load(options.file)
    from organics_neuro.training import accuracy

    digits = trained.recipe.data(options.mnist)
    print(f"{trained.recipe.name}: test accuracy {accuracy(trained.model, digits.x_test, digits.y_test):.2%}")


@command("classify the test data in torch and in Brian2 (C++), and compare", _FILE, _MNIST, _DATA)
def transfer(options: Namespace) -> None:
    from organics_neuro import recipes

    print(recipes.transfer(options.file, options.data, options.mnist))


@command(
    "keep the result of a run: its line in the results and, for seed 0 and the epochs of the recipe, its network",
    argument("folder", metavar="DIR", help="folder of a finished run"),
    _DATA,
)
def publish(options: Namespace) -> None:
    from organics_neuro import recipes

    for path in recipes.publish(options.folder, options.data):
        print(path)


@command(
    "print all results as a Markdown table",
    argument("--data", metavar="DIR", help="folder of the results (default: those of the package)"),
)
def table(options: Namespace) -> None:
    from organics_neuro import recipes

    print(recipes.table(options.data))


def _use_threads(number: int) -> None:
    import torch

    most = os.cpu_count() or 1
    if not 1 <= number <= most:
        raise ValueError(f"--threads must be from 1 to {most}, the processors of this machine, got {number}")
    torch.set_num_threads(number)
