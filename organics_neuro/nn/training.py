"""Training of classifiers: one loop with progress, validation, checkpoints and exact resumption.

A script that calls `fit` runs unchanged under ``torchrun``: its processes share every batch.
"""

import sys
import time
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import asdict
from math import cos, pi
from pathlib import Path

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from organics_neuro.core.arguments import check_seed, number, positive_int, shown
from organics_neuro.core.files import check_writable
from organics_neuro.nn import checkpoints, parallel, samples
from organics_neuro.nn.history import History, is_log

#: Samples that `predict` looks at together: networks may keep all steps of their states.
PREDICT_TOGETHER = 250
#: Seconds between two states of the progress bar where they do not replace each other, as in a file.
_PAUSE = 2
#: The learning rate rises during this fraction of a run and falls during the rest.
_RISE = 0.2


def cross_entropy(model, x, y):
    """Mean cross entropy of a batch, the default loss of `fit`."""
    return nn.functional.cross_entropy(model(x), y)


def fit(
    model,
    x,
    y,
    *,
    epochs,
    lr,
    batch_size=256,
    validation=0.05,
    seed=0,
    loss=cross_entropy,
    lr_factors=None,
    checkpoint=None,
    resume=False,
    log=None,
    callback=None,
    progress=True,
):
    """Train a classifier with Adam and keep the parameters of the epoch that was best on the validation data.

    The learning rate rises to ``lr`` during the first fifth of the run and falls to 0 along a cosine. What torch draws
    in an epoch depends on ``seed`` and the epoch alone, so a run that was interrupted and resumed equals one that
    was not, bit for bit, unless a model or a loss of yours draws with other generators. Gradients are not clipped.

    Under ``torchrun`` the processes share every batch and add up their gradients: without dropout, and with batch
    normalization by `BatchNorm1d` of this package, the run is that of one process, up to rounding. All start with the
    parameters of the first, which alone reads and writes files.

    Parameters
    ----------
    model : Module
        Takes a batch of ``x`` and returns scores (batch, classes). It is trained in place, on its own device and all
        of it in training mode, and left in evaluation mode with the best parameters; an error leaves it as it is then.
    x : array_like or Tensor, shape (samples, ...)
    y : array_like or Tensor of int, shape (samples,)
        Labels, counted from 0.
    epochs, batch_size : int
    lr : float
        Largest learning rate.
    validation : float or (x, y)
        Fraction of the samples to set aside, or validation data.
    seed : int
    loss : callable
        From ``(model, x, y)`` to the mean loss of a batch.
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
    _check_labels(model, "y", *data)
    _check_labels(model, "validation y", *held_out)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ValueError("model has no parameter that can be trained; set requires_grad of one at least")
    if checkpoint is not None:
        settings["checksum of the data"] = samples.checksum(*data, *held_out)
        settings["frozen"] = [name for name, parameter in model.named_parameters() if not parameter.requires_grad]
    run = _Run(model, loss, settings, checkpoint)
    first = run.team.rank == 0
    if first:
        _check_files(model, checkpoint, resume, log)
    if resume and checkpoint is not None:
        run.restore()
    if first and log is not None and len(run.history):
        run.history.save(log)  # the program may have stopped between the checkpoint and the log
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
                    callback(model, run.history)
    model.load_state_dict(run.best)
    model.eval()
    return run.history


def predict(model, x, batch_size=PREDICT_TOGETHER):
    """The class with the highest score for each sample.

    Parameters
    ----------
    model : Module
        Returns scores (samples, classes). It is put into evaluation mode, and back.
    x : array_like of float, shape (samples, ...)
        As the model takes them.
    batch_size : int
        Samples at once.

    Returns
    -------
    Tensor of int64, shape (samples,)
        On the CPU.

    Raises
    ------
    TypeError
        For what is no module.
    ValueError
        For ``x`` of another shape or type or that is not finite, and for a model that returns something else.
    FloatingPointError
        If a score is NaN.
    """
    return _scores(model, samples.check_inputs("x", x), batch_size).argmax(-1)


def accuracy(model, x, y, batch_size=PREDICT_TOGETHER):
    """Fraction of the samples of ``x`` for which `predict` gives the label in ``y``.

    Parameters
    ----------
    model, x, batch_size :
        As for `predict`, and so are the errors.
    y : array_like of int, shape (samples,)
        Labels, from 0 on.

    Returns
    -------
    float
    """
    x, y = samples.check("x", x, "y", y)
    return float((_scores(model, x, batch_size).argmax(-1) == y.cpu()).double().mean())


@torch.no_grad()
def _scores(model, x, batch_size=PREDICT_TOGETHER):
    """What the model returns where it is not trained, on the CPU: shape (samples, classes)."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, got {shown(model)}")
    parts = x.split(positive_int("batch_size", batch_size))
    device, modes = _device(model), [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        scores = torch.cat([_scores_of(part, model(part.to(device))).cpu() for part in parts])
    finally:
        model.train(modes[0][1])  # a module may do more than note its mode
        for module, training in modes:  # parts that were frozen
            module.training = training
    if undefined := int(scores.isnan().any(-1).sum()):
        raise FloatingPointError(
            f"the model's scores are NaN for {undefined} of {len(x)} samples; train it with a smaller lr or smaller step sizes"
        )
    return scores


def _scores_of(x, returned):
    """What a model returned for ``x``, if these are scores."""
    is_tensor = isinstance(returned, torch.Tensor)
    if not is_tensor or returned.dim() != 2 or len(returned) != len(x):
        got = f"shape {tuple(returned.shape)}" if is_tensor else f"a {type(returned).__name__}"
        raise ValueError(
            f"the model must return scores (samples, classes), but returned {got} for x of shape {tuple(x.shape)}; "
            "SequenceClassifier makes them of a recurrent network, which takes x of shape (samples, steps, features) "
            "with batch_first=True"
        )
    return returned


def _check_labels(model, name, x, y):
    """Try the model on one sample, and compare the labels with the number of its scores."""
    classes = _scores(model, x[:1]).shape[-1]
    if y.max() >= classes:
        raise ValueError(f"{name} holds the label {y.max()}, but the model has scores for {classes} classes")


def _settings(epochs, batch_size, lr, seed, lr_factors):
    """Those that must be the same for a run to go on, checked."""
    if lr_factors is not None and not isinstance(lr_factors, Mapping):
        raise TypeError(f"lr_factors must be a dictionary of names and factors, got {lr_factors!r}")
    factors = {
        key: number(f"lr_factors[{key!r}]", factor, "0 or larger", lambda f: f >= 0)
        for key, factor in (lr_factors or {}).items()
    }
    return {
        "epochs": positive_int("epochs", epochs),
        "batch_size": positive_int("batch_size", batch_size),
        "lr": number("lr", lr, "a number larger than 0", lambda rate: rate > 0),
        "seed": check_seed(seed),
        "lr_factors": factors or None,
    }


def _check_files(model, checkpoint, resume, log):
    """Raise an error if a file cannot be written, or would replace one that no run of this model has written."""
    checkpoint, log = (None if path is None else Path(path) for path in (checkpoint, log))
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


# --- one run --------------------------------------------------------------------------------------------------------


class _Run:
    """What changes during `fit`: the model, the optimizer, the history and the best parameters so far."""

    def __init__(self, model, loss, settings, checkpoint):
        self.model, self.loss, self.settings, self.checkpoint = model, loss, settings, checkpoint
        self.batches = len(_batches(torch.arange(settings["samples"][0]), settings["batch_size"]))
        self.team = parallel.team()
        self.team.equalize(model)
        self.factors, groups = _by_factor(model, settings["lr_factors"] or {})
        self.optimizer = torch.optim.Adam([{"params": group} for group in groups], lr=settings["lr"])
        self.history, self.best = History(), None

    def train_epoch(self, x, y, held_out, after_batch):
        """One pass over the data, and what it achieved."""
        start, epoch, total = time.perf_counter(), len(self.history), 0.0
        self._seed(epoch)
        order = torch.randperm(len(x))
        if self.team.rank:  # the order is common; what else is random, such as dropout, is not
            self._seed(epoch, self.team.rank)
        for k, chosen in enumerate(_batches(order, self.settings["batch_size"])):
            done = (epoch * self.batches + k) / (self.settings["epochs"] * self.batches)
            self._set_learning_rate(_one_cycle(done))
            total += len(chosen) * self._learn(x, y, chosen)
            after_batch()
        self.history.loss.append(total / len(x))
        self.history.validation_accuracy.append(self._validate(*held_out))
        self.history.lr.append(self.settings["lr"] * _one_cycle(done))
        self.history.seconds.append(time.perf_counter() - start)
        if self.history.best_epoch == epoch:
            self.best = {name: value.detach().clone() for name, value in self.model.state_dict().items()}

    def _learn(self, x, y, chosen):
        """One step of the optimizer; the loss before it."""
        self.model.train()
        device = _device(self.model)
        self.optimizer.zero_grad(set_to_none=True)
        with self.team.share(chosen) as (mine, weight):
            loss = weight * self._loss(x[mine].to(device), y[mine].to(device))
            loss.backward()
        value = self.team.sum_gradients(self.model.parameters(), loss.detach())
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        for what, numbers in (("loss", [torch.tensor(value)]), ("gradient", gradients)):
            if not all(bool(n.isfinite().all()) for n in numbers):
                raise FloatingPointError(
                    f"the {what} is no longer finite in epoch {len(self.history) + 1}; try a smaller lr or smaller step sizes"
                )
        self.optimizer.step()
        return value

    def _loss(self, x, y):
        """Of a batch, if it can be minimized."""
        try:
            loss = self.loss(self.model, x, y)
        except ValueError as error:
            if "Expected more than 1 value per channel" not in str(error):  # of a batch that torch cannot normalize
                raise
            message = "batch normalization needs two samples or more; give a larger batch_size, or more samples"
            raise ValueError(message) from error
        if not (isinstance(loss, torch.Tensor) and loss.numel() == 1 and loss.requires_grad):
            raise ValueError(f"loss must return one number, the mean as a tensor with a gradient, got {shown(loss)}")
        return loss

    def _validate(self, x, y):
        """Fraction of the validation data classified correctly; each process looks at its share."""
        with self.team.share(torch.arange(len(x))) as (mine, weight):
            share = weight * accuracy(self.model, x[mine], y[mine])
        return self.team.sum(torch.tensor(share, dtype=torch.float64)).item()

    def _set_learning_rate(self, fraction):
        for group, factor in zip(self.optimizer.param_groups, self.factors, strict=True):
            group["lr"] = self.settings["lr"] * fraction * factor

    def _seed(self, *epoch_and_rank):
        sequence = np.random.SeedSequence([self.settings["seed"], *epoch_and_rank])
        torch.manual_seed(int(sequence.generate_state(1)[0]))

    def save(self):
        """Write the checkpoint, if one is wanted."""
        if self.checkpoint is not None:
            checkpoints.save(
                self.checkpoint,
                self.settings,
                self.model,
                self.optimizer,
                history=asdict(self.history),
                best=self.best,
            )

    def restore(self):
        """Put the run back where `save` left it, if it did."""
        content = self.team.from_first(self._read)
        if content is not None:
            try:
                self.model.load_state_dict(content["model"])
                self.optimizer.load_state_dict(content["optimizer"])
                self.history, self.best = History(**content["history"]), content["best"]
            except (KeyError, TypeError, ValueError) as error:
                raise checkpoints.not_one(self.checkpoint, error) from error

    def _read(self):
        exists = Path(self.checkpoint).exists()
        return checkpoints.load(self.checkpoint, self.settings, self.model) if exists else None

    @contextmanager
    def interruptible(self):
        """An interruption says what is kept, and how to go on."""
        try:
            yield
        except KeyboardInterrupt as stop:
            if self.checkpoint is not None and len(self.history):
                stop.add_note(f"{self.checkpoint} holds every epoch that was finished; resume to go on from there")
            raise


def _one_cycle(t):
    """Learning rate at the fraction ``t`` of a run, as a fraction of the largest."""
    return max(t, 1e-3) / _RISE if t < _RISE else (1 + cos(pi * (t - _RISE) / (1 - _RISE))) / 2


def _batches(order, size):
    """``order`` in parts; a last one of a single sample, of which no standard deviation exists, joins the one before."""
    parts = order.split(size)
    if size > 1 and len(parts) > 1 and len(parts[-1]) == 1:
        parts = (*parts[:-2], torch.cat(parts[-2:]))
    return parts


def _by_factor(model, factors):
    """Factors of the learning rate, and for each of them the parameters that have it."""
    groups = {1.0: []}
    found = set()
    for name, parameter in model.named_parameters():
        key = next((key for key in factors if key in name), None)
        found.add(key)
        groups.setdefault(factors.get(key, 1.0), []).append(parameter)
    for key in factors:
        if key not in found:
            raise ValueError(f"lr_factors: no parameter is called {key!r} (nor is one left by the keys before it)")
    return list(groups), list(groups.values())


def _device(model):
    parameter = next(model.parameters(), None)
    return torch.device("cpu") if parameter is None else parameter.device


@contextmanager
def _flushed_denormals():
    """Numbers too small for full precision count as 0: in recurrent networks they slow the CPU down tenfold."""
    already = sys.float_info.min / 2 == 0.0
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(already)
