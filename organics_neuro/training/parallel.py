"""Several processes that train one model, each on its share of every batch, as ``torchrun`` starts them."""

import atexit
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch import distributed as dist

_T = TypeVar("_T")

#: Whether each process now looks at its own part of a common batch.
_parted = ContextVar("parted", default=False)


@dataclass(frozen=True)
class Team:
    """The processes that train together; a program that runs alone is a team of one.

    Attributes
    ----------
    rank : int
        Number of this process; the first, 0, is the one that writes files and shows progress.
    size : int
        Number of processes.
    """

    rank: int = 0
    size: int = 1

    @contextmanager
    def share(self, samples: Tensor) -> Iterator[tuple[Tensor, float]]:
        """This process's part of a batch of sample indices, and the weight of its mean in that of the batch.

        No part is a single sample, of which no standard deviation exists, unless the batch is: a batch too small for
        that is run whole by every process.
        """
        parted = 1 < self.size <= len(samples) // 2
        mine = samples[self.rank :: self.size] if parted else samples
        token = _parted.set(parted)
        try:
            yield mine, len(mine) / len(samples) if parted else 1 / self.size
        finally:
            _parted.reset(token)

    def sum(self, tensor: Tensor) -> Tensor:
        """Add up ``tensor`` over all processes, in place."""
        if self.size > 1:
            dist.all_reduce(tensor)
        return tensor

    def sum_gradients(self, parameters: Iterable[nn.Parameter], value: Tensor) -> float:
        """Add up the gradients and one more number over all processes; returns that number."""
        gradients = [p.grad for p in parameters if p.grad is not None]
        if self.size > 1:
            whole = self.sum(torch.cat([value.reshape(1), *(g.flatten() for g in gradients)]))
            value, *parts = whole.split([1, *(g.numel() for g in gradients)])
            for gradient, part in zip(gradients, parts, strict=True):
                gradient.copy_(part.view_as(gradient))
        return value.item()

    def from_first(self, function: Callable[[], _T]) -> _T:
        """What ``function`` returns in the first process; the others do not call it."""
        result: list[Any] = [function() if self.rank == 0 else None]
        if self.size > 1:
            dist.broadcast_object_list(result)
        return result[0]

    def equalize(self, model: nn.Module) -> None:
        """Give all processes the parameters and buffers of the first."""
        if self.size > 1:
            for tensor in model.state_dict().values():
                dist.broadcast(tensor, 0)


def team() -> Team:
    """The team of this process, which it joins if ``torchrun`` started it."""
    if not dist.is_available():
        return Team()
    if not dist.is_initialized() and dist.is_torchelastic_launched():
        # Optimizers import it, and a group made before that outlives its end: its threads may then still ask for
        # Python's lock when Python is gone, which aborts the process.
        import torch._dynamo  # noqa: F401

        dist.init_process_group()
        atexit.register(dist.destroy_process_group)
    return Team(dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else Team()


class _Sum(torch.autograd.Function):
    """The sum of a tensor over all processes: every summand has the gradients of all of them."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:
        return team().sum(tensor.clone())

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> Tensor:
        return team().sum(grad_outputs[0].clone())


class BatchNorm1d(nn.BatchNorm1d):
    """`torch.nn.BatchNorm1d` whose mean and variance are those of the whole batch where `fit` shares it among processes.

    `torch.nn.SyncBatchNorm`, which does that on a GPU, does not run on a CPU. Arguments and attributes are those of
    `torch.nn.BatchNorm1d`; the input has shape (batch, features), and any other is a `ValueError`.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Standardized ``input``, of the same shape."""
        if not (self.training and _parted.get()):
            return super().forward(input)
        self._check_input_dim(input)
        total, sums = _Sum.apply(torch.cat([input.new_tensor([len(input)]), input.sum(0)])).split([1, input.shape[1]])
        mean = sums / total
        variance = _Sum.apply((input - mean).square().sum(0)) / total
        self._track(mean, variance, total)
        scale = (variance + self.eps).rsqrt()
        scale = scale if self.weight is None else scale * self.weight
        return (input - mean) * scale + (0 if self.bias is None else self.bias)

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor, total: Tensor) -> None:
        if self.num_batches_tracked is None or self.running_mean is None or self.running_var is None:
            return  # as track_running_stats=False leaves them
        self.num_batches_tracked += 1
        share = 1 / self.num_batches_tracked.item() if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, share)
        self.running_var.lerp_(variance * total / (total - 1), share)

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() != 2 or input.shape[1] != self.num_features:
            raise ValueError(
                f"input has shape {tuple(input.shape)}, but must have (batch, {self.num_features} features)"
            )
