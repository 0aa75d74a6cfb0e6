"""The command ``organics``: train networks by recipes, publish the results, and compare torch with Brian2."""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path


def main(arguments=None):
    """Run the command; returns the exit code: 0, 2 after an error, or 130 after an interruption."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except KeyboardInterrupt as stop:
        print(f"\norganics {options.command}: interrupted", *getattr(stop, "__notes__", ()), sep="; ", file=sys.stderr)
        return 130
    except (ValueError, OSError, ImportError, FloatingPointError, RuntimeError) as error:
        print(f"organics {options.command}: {error}", file=sys.stderr)
        return 2
    return 0


def _parser():
    parser = argparse.ArgumentParser(prog="organics", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(function, help):
        command = commands.add_parser(function.__name__.strip("_"), help=help, description=help)
        command.set_defaults(run=function)
        return command

    add(_recipes, "list the recipes")
    train = add(_train, "train a network by its recipe, or go on with a run that was interrupted")
    train.add_argument("name", metavar="NAME", help="a recipe; `organics recipes` lists them")
    train.add_argument("--seed", type=int, default=0)
    train.add_argument("--output", metavar="DIR", help="folder of the run (default: runs/NAME-seedN)")
    train.add_argument("--threads", type=int, help="processor threads of torch")
    tune = add(_tune, "train with several learning rates, keep how each did on the validation data, or go on with it")
    tune.add_argument("name", metavar="NAME", help="a recipe; `organics recipes` lists them")
    tune.add_argument("--lr", type=float, nargs="+", required=True, help="learning rates to try")
    evaluate = add(_evaluate, "accuracy of a trained network on the test data, in torch")
    evaluate.add_argument("file", metavar="FILE", help="a .safetensors file of a run")
    transfer = add(_transfer, "classify the test data in torch and in Brian2 (C++), and compare")
    transfer.add_argument("file", metavar="FILE", help="a .safetensors file of a run")
    publish = add(
        _publish,
        "keep the result of a run: its line in the results and, for seed 0 and the epochs of the recipe, its network",
    )
    publish.add_argument("folder", metavar="DIR", help="folder of a finished run")
    table = add(_table, "print all results as a Markdown table")
    for command in (train, tune):
        command.add_argument("--epochs", type=int, help="default: those of the recipe")
        command.add_argument("--no-resume", action="store_true", help="start anew, even if there is a checkpoint")
    for command in (train, tune, evaluate, transfer):
        command.add_argument("--mnist", metavar="DIR", help="folder of the digits (default: that of the checkout)")
    for command in (tune, transfer, publish, table):
        command.add_argument("--data", default="data", metavar="DIR", help="where results are kept (default: data)")
    return parser


# Each command imports what it needs: printing help should not wait for torch.


def _recipes(options):
    from organics_neuro.recipes import RECIPES

    for recipe in RECIPES.values():
        print(f"{recipe.name:20} {recipe.description}")


def _train(options):
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


def _tune(options):
    from organics_neuro import recipes
    from organics_neuro.core.files import make_folder

    recipe = recipes.find(options.name).lasting(options.epochs)
    folder = Path("runs") / "trials"
    make_folder(folder)
    for lr in options.lr:
        try:
            history = recipes.trial(
                replace(recipe, lr=lr),
                options.data,
                mnist=options.mnist,
                checkpoint=folder / f"{recipe.name}-lr{lr}-epochs{recipe.epochs}.pt",
                resume=not options.no_resume,
            )
            print(f"lr {lr:g}: validation accuracy {max(history.validation_accuracy):.2%}")
        except FloatingPointError as error:  # that is an answer, too
            print(f"lr {lr:g}: {error}")


def _use_threads(number):
    import torch

    if not 1 <= number <= os.cpu_count():
        raise ValueError(f"--threads must be from 1 to {os.cpu_count()}, the processors of this machine, got {number}")
    torch.set_num_threads(number)


def _evaluate(options):
    from organics_neuro import recipes
    from organics_neuro.training import accuracy

    trained = recipes.load(options.file)
    digits = trained.recipe.data(options.mnist)
    print(f"{trained.recipe.name}: test accuracy {accuracy(trained.model, digits.x_test, digits.y_test):.2%}")


def _transfer(options):
    from organics_neuro import recipes

    print(recipes.transfer(options.file, options.data, options.mnist))


def _publish(options):
    from organics_neuro import recipes

    for path in recipes.publish(options.folder, options.data):
        print(path)


def _table(options):
    from organics_neuro import recipes

    print(recipes.table(options.data))


if __name__ == "__main__":
    sys.exit(main())
