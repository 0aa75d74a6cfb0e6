"""Training of classifiers: one loop with progress, validation, checkpoints and exact resumption."""

import sys
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from math import cos, pi
from pathlib import Path

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from organics_neuro.core.files import replacing

#: The learning rate rises during this fraction of a run and falls during the rest.
_RISE = 0.2


class SequenceClassifier(nn.Module):
    """A recurrent network whose last output is read by a linear layer.

    Parameters
    ----------
    rnn : ORGaNICs or torch.nn.LSTM, GRU, RNN
    classes : int

    Examples
    --------
    >>> from organics_neuro.nn import ORGaNICs
    >>> model = SequenceClassifier(ORGaNICs(28, 16, batch_first=True), classes=10)
    >>> model(torch.zeros(2, 28, 28)).shape
    torch.Size([2, 10])
    """

    def __init__(self, rnn, classes):
        super().__init__()
        self.rnn = rnn
        like = next(rnn.parameters())
        self.readout = nn.Linear(rnn.hidden_size, classes, device=like.device, dtype=like.dtype)

    def forward(self, x):
        """Scores of the classes, (batch, classes), for input as the recurrent network takes it."""
        output, _ = self.rnn(x)
        return self.readout(output[:, -1] if self.rnn.batch_first and x.dim() == 3 else output[-1])


@dataclass
class History:
    """What happened in each epoch of `fit`.

    Attributes
    ----------
    loss : list of float
        Mean training loss.
    validation_accuracy : list of float
        Fraction of the validation data classified correctly.
    seconds : list of float
        Wall-clock time.
    """

    loss: list = field(default_factory=list)
    validation_accuracy: list = field(default_factory=list)
    seconds: list = field(default_factory=list)

    @property
    def best_epoch(self):
        """Index of the epoch with the highest validation accuracy, the first one if several share it."""
        return int(np.argmax(self.validation_accuracy))


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
    checkpoint=None,
    resume=False,
    progress=True,
):
    """Train a classifier with Adam and keep the parameters of the epoch that was best on the validation data.

    The learning rate rises to ``lr`` during the first fifth of the run and falls to 0 along a cosine. What is random
    in an epoch depends on ``seed`` and the epoch alone, so a run that was interrupted and resumed equals one that
    was not, bit for bit. Gradients are not clipped.

    Parameters
    ----------
    model : Module
        Takes a batch of ``x`` and returns scores (batch, classes). It is trained in place, on its own device.
    x : array_like or Tensor, shape (samples, ...)
    y : array_like or Tensor of int, shape (samples,)
        Labels, counted from 0.
    epochs, batch_size : int
    lr : float
        Largest learning rate.
    validation : float or (x, y)
        Fraction of the samples to set aside, or validation data.
    seed : int
    checkpoint : path, optional
        File to write after every epoch; it appears whole or not at all.
    resume : bool
        Continue from ``checkpoint`` if that file exists.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    History

    Raises
    ------
    ValueError
        For bad data (NaN, wrong shape) or a checkpoint of another run.
    FloatingPointError
        If the loss becomes NaN or infinite.
    """
    if epochs < 1:
        raise ValueError(f"epochs must be at least 1, got {epochs}")
    (x, y), held_out = _split(x, y, validation, seed)
    settings = {
        "epochs": epochs,
        "batch_size": batch_size,
        "lr": lr,
        "seed": seed,
        "samples": [len(x), len(held_out[0])],
    }
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    history, best = History(), None
    if resume and checkpoint is not None and Path(checkpoint).exists():
        history, best = _restore(checkpoint, settings, model, optimizer)
    batches = -(-len(x) // batch_size)
    bar = tqdm(total=epochs * batches, initial=len(history.loss) * batches, unit="batch", disable=not progress)
    with bar, _flushed_denormals(), torch.random.fork_rng():
        for epoch in range(len(history.loss), epochs):
            start = time.perf_counter()
            torch.manual_seed(int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0]))
            bar.set_description(f"epoch {epoch + 1}/{epochs}")
            total = 0.0
            for k, chosen in enumerate(torch.randperm(len(x)).split(batch_size)):
                _set_learning_rate(optimizer, lr * _one_cycle((epoch * batches + k) / (epochs * batches)))
                total += len(chosen) * _learn(model, optimizer, x[chosen], y[chosen], epoch)
                bar.update()
            history.loss.append(total / len(x))
            history.validation_accuracy.append(accuracy(model, *held_out))
            history.seconds.append(time.perf_counter() - start)
            bar.set_postfix(loss=f"{history.loss[-1]:.3f}", validation=f"{history.validation_accuracy[-1]:.2%}")
            if history.best_epoch == epoch:
                best = {name: value.detach().clone() for name, value in model.state_dict().items()}
            if checkpoint is not None:
                _save(checkpoint, settings, model, optimizer, history, best)
    model.load_state_dict(best)
    return history


@torch.no_grad()
def predict(model, x, batch_size=1000):
    """The class with the highest score for each sample of ``x``, an int64 tensor of shape (samples,) on the CPU."""
    device, training = _device(model), model.training
    model.eval()
    try:
        return torch.cat([model(part.to(device)).argmax(-1).cpu() for part in torch.as_tensor(x).split(batch_size)])
    finally:
        model.train(training)


def accuracy(model, x, y, batch_size=1000):
    """Fraction of the samples of ``x`` for which `predict` gives the label in ``y``."""
    return float((predict(model, x, batch_size) == torch.as_tensor(y)).double().mean())


# --- one step -------------------------------------------------------------------------------------------------------


def _learn(model, optimizer, x, y, epoch):
    """One step of the optimizer; the loss before it."""
    model.train()
    device = _device(model)
    loss = nn.functional.cross_entropy(model(x.to(device)), y.to(device))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    value = loss.item()
    if not np.isfinite(value):
        raise FloatingPointError(
            f"the loss became {value} in epoch {epoch + 1}; try a smaller lr or smaller step sizes"
        )
    return value


def _one_cycle(t):
    """Learning rate at the fraction ``t`` of a run, as a fraction of the largest."""
    return max(t, 1e-3) / _RISE if t < _RISE else (1 + cos(pi * (t - _RISE) / (1 - _RISE))) / 2


def _set_learning_rate(optimizer, lr):
    for group in optimizer.param_groups:
        group["lr"] = lr


def _device(model):
    return next(model.parameters()).device


@contextmanager
def _flushed_denormals():
    """Numbers too small for full precision count as 0: in recurrent networks they slow the CPU down tenfold."""
    already = sys.float_info.min / 2 == 0.0
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(already)


# --- data -----------------------------------------------------------------------------------------------------------


def _split(x, y, validation, seed):
    """Training and validation data as two pairs of tensors, checked."""
    x, y = _check_data("x", x, "y", y)
    if isinstance(validation, (tuple, list)):
        return (x, y), _check_data("validation x", validation[0], "validation y", validation[1])
    count = round(validation * len(x))
    if not 0 < count < len(x):
        raise ValueError(
            f"validation={validation!r} sets {count} of {len(x)} samples aside; give a fraction between 0 and 1 that leaves some on both sides"
        )
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))
    return (x[order[count:]], y[order[count:]]), (x[order[:count]], y[order[:count]])


def _check_data(x_name, x, y_name, y):
    x, y = torch.as_tensor(x), torch.as_tensor(y)
    if not x.is_floating_point() or x.dim() < 2 or not len(x):
        raise ValueError(
            f"{x_name} must be an array of floats with samples on its first axis, got {x.dtype} of shape {tuple(x.shape)}"
        )
    if y.is_floating_point() or y.shape != x.shape[:1] or y.min() < 0:
        raise ValueError(
            f"{y_name} must hold one label (0, 1, ...) for each of the {len(x)} samples, got {y.dtype} of shape {tuple(y.shape)}"
            + (f" with the label {y.min()}" if y.numel() and y.min() < 0 else "")
        )
    if not torch.isfinite(x).all():
        raise ValueError(
            f"{x_name} must be finite, but sample {int((~x.isfinite()).nonzero()[0, 0])} holds NaN or infinity"
        )
    return x, y.long()


# --- checkpoints ----------------------------------------------------------------------------------------------------


def _save(path, settings, model, optimizer, history, best):
    content = {
        "settings": settings,
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "history": asdict(history),
        "best": best,
    }
    with replacing(path) as temporary:
        torch.save(content, temporary)


def _restore(path, settings, model, optimizer):
    """Put a run back where `_save` left it; its history and best parameters."""
    try:
        content = torch.load(path, map_location=_device(model), weights_only=True)
        saved = content["settings"]
    except Exception as error:  # torch.load raises many kinds
        raise ValueError(f"{path} is not a checkpoint of fit ({error}); delete it or give another path") from error
    for name, value in settings.items():
        if saved.get(name) != value:
            raise ValueError(
                f"the checkpoint {path} was made with {name}={saved.get(name)}, not {value}; use the same settings or another path"
            )
    shapes = {name: value.shape for name, value in model.state_dict().items()}
    if {name: value.shape for name, value in content["model"].items()} != shapes:
        raise ValueError(f"the checkpoint {path} is of another model; make the same one, or give another path")
    model.load_state_dict(content["model"])
    optimizer.load_state_dict(content["optimizer"])
    return History(**content["history"]), content["best"]
