"""Training on labels or targets: one loop with progress, validation, checkpoints and exact resumption.

A script that calls `fit` runs unchanged under ``torchrun``: its processes share every batch.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.utils.data import DataLoader
from tqdm import tqdm

from organics_neuro.core.boundary import check_seed, number, positive_int, shown
from organics_neuro.core.files import check_writable
from organics_neuro.training import checkpoints, samples
from organics_neuro.training.history import History, is_log
from organics_neuro.training.predictions import accuracy, check_labels, explained
from organics_neuro.training.run import Loss, Metric, Run
from organics_neuro.training.schedule import one_cycle

#: Seconds between two states of the progress bar where they do not replace each other, as in a file.
_PAUSE = 2
#: Called after every epoch.
Callback = Callable[[nn.Module, History], object]


def cross_entropy(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """Mean cross entropy of a batch, the default loss of `fit` for labels."""
    return nn.functional.cross_entropy(model(x), y)


def squared_error(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """Mean squared error of a batch, the default loss of `fit` for targets that are floats."""
    return nn.functional.mse_loss(model(x), y)


def fit(
    model: nn.Module,
    x: ArrayLike | Tensor | DataLoader,
    y: ArrayLike | Tensor | None = None,
    *,
    epochs: int,
    lr: float,
    batch_size: int = 256,
    validation: samples.Validation = 0.05,
    seed: int = 0,
    loss: Loss | None = None,
    metric: Metric | None = None,
    optimizer: Callable[..., torch.optim.Optimizer] = torch.optim.Adam,
    schedule: Callable[[float], float] = one_cycle,
    patience: int | None = None,
    lr_factors: Mapping[str, float] | None = None,
    checkpoint: str | PathLike[str] | None = None,
    resume: bool = False,
    log: str | PathLike[str] | None = None,
    callback: Callback | None = None,
    progress: bool = True,
) -> History:
    """Train a module and keep the parameters of the epoch that was best on the validation data.

    By default by Adam, with a learning rate that rises to ``lr`` during the first fifth of the run and falls to 0 along
    a cosine. What torch draws
    in an epoch depends on ``seed`` and the epoch alone, so a run that was interrupted and resumed equals one that
    was not, bit for bit, unless a model or a loss of yours draws with other generators. Gradients are not clipped.

    Under ``torchrun`` the processes share every batch and add up their gradients: without dropout, and with batch
    normalization by `BatchNorm1d` of this package, the run is that of one process, up to rounding. All start with the
    parameters of the first, which alone reads and writes files.

    Parameters
    ----------
    model : Module
        Takes a batch of ``x`` and returns scores (batch, classes), or answers of the shape of the targets. It is trained in place, on its own device and all
        of it in training mode, and left in evaluation mode with the best parameters; an error leaves it as it is then.
    x : array_like, Tensor, shape (samples, ...), or DataLoader
        A `torch.utils.data.DataLoader` of pairs (x, y) is read once, into memory; batches are then drawn as of arrays.
    y : array_like or Tensor, of int, shape (samples,), or of float, shape (samples, ...)
        Labels, counted from 0, or targets of the shape that the model returns: numbers, or whole sequences.
    epochs, batch_size : int
    lr : float
        Largest learning rate.
    validation : float, pair of arrays, or DataLoader
        Fraction of the samples to set aside, or validation data: the pair (x, y), or a loader of such pairs.
    seed : int
    loss : callable, optional
        From ``(model, x, y)`` to the mean loss of a batch. Default: `cross_entropy` of labels, the mean squared error of
        targets.
    metric : callable, optional
        From ``(model, x, y)`` of the validation data to a number, larger for a better model; `History` keeps it as
        ``validation_accuracy``. Default: `accuracy` for labels; for targets the fraction of their variance that is
        explained, 1 - mean squared error / variance.
    optimizer : callable
        From groups of parameters and ``lr=`` to an optimizer, such as `torch.optim.SGD`, or
        ``functools.partial(torch.optim.AdamW, weight_decay=1e-3)``. Checkpoints are of Adam and AdamW only.
    schedule : callable
        From the fraction of the run that is done, 0 to 1, to a factor of ``lr``; ``lambda done: 1.0`` keeps it constant.
    patience : int, optional
        Stop early after so many epochs without a better one.
    lr_factors : dict of str to float, optional
        By what the learning rate is multiplied for some parameters: those whose name (``model.named_parameters()``)
        contains the key. Where several keys fit, the first one counts.
    checkpoint : path, optional
        File to write after every epoch; it appears whole or not at all.
    resume : bool
        Continue from ``checkpoint`` if that file exists. It must be of the same model, data and settings; the loss and
        the callback are not compared. Without ``resume`` the run starts anew and replaces a checkpoint of the same
        model, whatever its data and settings; any other file, also a damaged checkpoint, is not replaced.
    log : path, optional
        CSV file to write after every epoch: epoch, loss, validation_accuracy, lr, seconds. It replaces another log
        and no other file.
    callback : callable, optional
        Called after every epoch with ``(model, history)``, in the first process.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    History

    Raises
    ------
    ValueError
        For bad data (NaN, wrong shape), bad settings, a model or a loss that cannot be trained, or a checkpoint to
        resume that is damaged or of another run.
    TypeError
        If the model is no module.
    OSError
        If the checkpoint or the log cannot be written, or would replace a file that is not of such a run
        (`FileExistsError`); found before the first step.
    FloatingPointError
        If the loss or its gradient becomes NaN or infinite, or a score of the validation data NaN.
    """
    settings = _settings(epochs, batch_size, lr, seed, lr_factors)
    data, held_out = samples.split(x, y, validation, settings["seed"])
    settings["samples"] = [len(data[0]), len(held_out[0])]
    check_labels(model, "y", *data)
    check_labels(model, "validation y", *held_out)
    patience = None if patience is None else positive_int("patience", patience)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ValueError("model has no parameter that can be trained; set requires_grad of one at least")
    if checkpoint is not None:
        settings["checksum of the data"] = samples.checksum(*data, *held_out)
        settings["frozen"] = [name for name, parameter in model.named_parameters() if not parameter.requires_grad]
    floats = data[1].is_floating_point()
    run = Run(
        model,
        loss or (squared_error if floats else cross_entropy),
        settings,
        checkpoint,
        optimizer,
        schedule,
        metric or (explained if floats else accuracy),
    )
    if checkpoint is not None and not isinstance(run.optimizer, torch.optim.Adam):  # AdamW is one
        raise ValueError(f"checkpoints are of Adam only, not of {type(run.optimizer).__name__}; leave checkpoint out")
    first = run.team.rank == 0
    if first:
        _check_files(model, run.checkpoint, resume, None if log is None else Path(log))
    if resume and checkpoint is not None:
        run.restore()
    if first and log is not None and len(run.history):
        run.history.save(log)  # the program may have stopped between the checkpoint and the log
    _train(run, data, held_out, log, callback, progress, patience)
    model.load_state_dict(run.best)
    model.eval()
    return run.history


def _train(
    run: Run,
    data: samples.Labelled,
    held_out: samples.Labelled,
    log: str | PathLike[str] | None,
    callback: Callback | None,
    progress: bool,
    patience: int | None,
) -> None:
    """The epochs that are left; the first process writes files after each of them and shows progress."""
    epochs, first = run.settings["epochs"], run.team.rank == 0
    bar = tqdm(
        total=epochs * run.batches,
        initial=len(run.history) * run.batches,
        unit="batch",
        mininterval=0.1 if sys.stderr.isatty() else _PAUSE,
        disable=not (progress and first),
    )
    with bar, _flushed_denormals(), torch.random.fork_rng(), run.interruptible():
        for epoch in range(len(run.history), epochs):
            bar.set_description(f"epoch {epoch + 1}/{epochs}")
            run.train_epoch(*data, held_out, bar.update)
            bar.set_postfix(loss=f"{run.history.loss[-1]:.3f}", validation=f"{run.history.validation_accuracy[-1]:.2%}")
            if first:
                run.save()
                if log is not None:
                    run.history.save(log)
                if callback is not None:
                    callback(run.model, run.history)
            if run.patience_ended(patience):
                break


def _settings(
    epochs: int, batch_size: int, lr: float, seed: int, lr_factors: Mapping[str, float] | None
) -> dict[str, Any]:
    """Those that must be the same for a run to go on, checked."""
    if lr_factors is not None and not isinstance(lr_factors, Mapping):
        raise TypeError(f"lr_factors must be a dictionary of names and factors, got {shown(lr_factors)}")
    factors = {
        key: number(f"lr_factors[{key!r}]", factor, "0 or larger", lambda f: f >= 0)
        for key, factor in (lr_factors or {}).items()
    }
    return {
        "epochs": positive_int("epochs", epochs),
        "batch_size": positive_int("batch_size", batch_size),
        "lr": number("lr", lr, "a number larger than 0", lambda rate: 0 < rate < 3e38),
        "seed": check_seed(seed),
        "lr_factors": factors or None,
    }


def _check_files(model: nn.Module, checkpoint: Path | None, resume: bool, log: Path | None) -> None:
    """Raise an error if a file cannot be written, or would replace one that no run of this model has written."""
    for path in (checkpoint, log):
        if path is not None:
            check_writable(path)
    if checkpoint and log and checkpoint.resolve() == log.resolve():
        raise ValueError(f"checkpoint and log must be two files, got {log} for both; give one of them another path")
    foreign = "the {} {} exists and is not one of {}; delete it or give another path"
    if not resume and checkpoint and checkpoint.exists() and not checkpoints.is_of(checkpoint, model):
        raise FileExistsError(foreign.format("checkpoint", checkpoint, "this model, or is damaged"))
    if log and log.exists() and not is_log(log):
        raise FileExistsError(foreign.format("log", log, "fit"))


@contextmanager
def _flushed_denormals() -> Iterator[None]:
    """Numbers too small for full precision count as 0: in recurrent networks they slow the CPU down tenfold."""
    already = sys.float_info.min / 2 == 0.0
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(already)
