"""What changes while `fit` runs, and what is kept of it: the model, the optimizer, the history."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from organics_neuro.core.boundary import shown
from organics_neuro.training import checkpoints, parallel
from organics_neuro.training.history import History
from organics_neuro.training.predictions import accuracy, device_of
from organics_neuro.training.schedule import batches, by_factor, one_cycle

#: From model, x and y of a batch to its mean loss.
Loss = Callable[[Any, Tensor, Tensor], Tensor]
#: From model, x and y of the validation data to a number that is larger the better the model is.
Metric = Callable[[nn.Module, Tensor, Tensor], float]


class Run:
    """What changes during `fit`: the model, the optimizer, the history and the best parameters so far."""

    def __init__(
        self,
        model: nn.Module,
        loss: Loss,
        settings: Mapping[str, Any],
        checkpoint: str | PathLike[str] | None,
        optimizer: Callable[..., torch.optim.Optimizer] = torch.optim.Adam,
        schedule: Callable[[float], float] = one_cycle,
        metric: Metric = accuracy,
    ) -> None:
        self.model, self.loss, self.settings = model, loss, settings
        self.schedule, self.metric = schedule, metric
        self.checkpoint = None if checkpoint is None else Path(checkpoint)
        self.batches = len(batches(torch.arange(settings["samples"][0]), settings["batch_size"]))
        self.team = parallel.team()
        self.team.equalize(model)
        self.factors, groups = by_factor(model, settings["lr_factors"] or {})
        self.optimizer = optimizer([{"params": group} for group in groups], lr=settings["lr"])
        self.history = History()
        self.best: dict[str, Tensor] = {}

    def train_epoch(
        self, x: Tensor, y: Tensor, held_out: tuple[Tensor, Tensor], after_batch: Callable[[], object]
    ) -> None:
        """One pass over the data, and what it achieved."""
        start, epoch, total = time.perf_counter(), len(self.history), 0.0
        self._seed(epoch)
        order = torch.randperm(len(x))
        if self.team.rank:  # the order is common; what else is random, such as dropout, is not
            self._seed(epoch, self.team.rank)
        lr = 0.0
        for k, chosen in enumerate(batches(order, self.settings["batch_size"])):
            done = (epoch * self.batches + k) / (self.settings["epochs"] * self.batches)
            lr = self._set_learning_rate(self.schedule(done))
            total += len(chosen) * self._learn(x, y, chosen)
            after_batch()
        self.history.loss.append(total / len(x))
        self.history.validation_accuracy.append(self._validate(*held_out))
        self.history.lr.append(lr)
        self.history.seconds.append(time.perf_counter() - start)
        if self.history.best_epoch == epoch:
            self.best = {name: value.detach().clone() for name, value in self.model.state_dict().items()}

    def _learn(self, x: Tensor, y: Tensor, chosen: Tensor) -> float:
        """One step of the optimizer; the loss before it."""
        self.model.train()
        device = device_of(self.model)
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

    def _loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Of a batch, if it can be minimized."""
        try:
            loss = self.loss(self.model, x, y)
        except ValueError as error:
            if "Expected more than 1 value per channel" not in str(error):  # of a batch that torch cannot normalize
                raise
            message = "batch normalization needs two samples or more; give a larger batch_size, or more samples"
            raise ValueError(message) from error
        if not (isinstance(loss, Tensor) and loss.numel() == 1 and loss.requires_grad):
            raise ValueError(f"loss must return one number, the mean as a tensor with a gradient, got {shown(loss)}")
        return loss

    def _validate(self, x: Tensor, y: Tensor) -> float:
        """What the metric says of the validation data; each process looks at its share."""
        with self.team.share(torch.arange(len(x))) as (mine, weight):
            share = weight * self._metric(x[mine], y[mine])
        return self.team.sum(torch.tensor(share, dtype=torch.float64)).item()

    def _metric(self, x: Tensor, y: Tensor) -> float:
        training = self.model.training
        self.model.eval()
        with torch.no_grad():
            value = float(self.metric(self.model, x, y))
        self.model.train(training)
        if not np.isfinite(value):
            raise FloatingPointError(f"the metric of the validation data is {value} in epoch {len(self.history) + 1}")
        return value

    def patience_ended(self, patience: int | None) -> bool:
        """Whether so many epochs have passed since the best one."""
        return patience is not None and len(self.history) - 1 - self.history.best_epoch >= patience

    def _set_learning_rate(self, fraction: float) -> float:
        lr = self.settings["lr"] * fraction
        for group, factor in zip(self.optimizer.param_groups, self.factors, strict=True):
            group["lr"] = lr * factor
        return lr

    def _seed(self, *epoch_and_rank: int) -> None:
        sequence = np.random.SeedSequence([self.settings["seed"], *epoch_and_rank])
        torch.manual_seed(int(sequence.generate_state(1)[0]))

    def save(self) -> None:
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

    def restore(self) -> None:
        """Put the run back where `save` left it, if it did."""
        content = self.team.from_first(self._read)
        if content is not None:
            try:
                checkpoints.check_optimizer(content["optimizer"], self.optimizer)
                self.model.load_state_dict(content["model"])
                self.optimizer.load_state_dict(content["optimizer"])
                self.history, self.best = History(**content["history"]), content["best"]
            except (KeyError, TypeError, ValueError) as error:
                raise checkpoints.not_one(str(self.checkpoint), error) from error

    def _read(self) -> dict[str, Any] | None:
        if self.checkpoint is None or not self.checkpoint.exists():
            return None
        return checkpoints.load(self.checkpoint, self.settings, self.model)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """An interruption says what is kept, and how to go on."""
        try:
            yield
        except KeyboardInterrupt as stop:
            if self.checkpoint is not None and len(self.history):
                stop.add_note(f"{self.checkpoint} holds every epoch that was finished; resume to go on from there")
            raise
