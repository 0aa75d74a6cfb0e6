"""Several processes that train one model, each on its share of every batch, as ``torchrun`` starts them."""

import atexit
from dataclasses import dataclass

import torch
from torch import distributed as dist


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

    def share(self, samples):
        """This process's part of a batch of sample indices, and the weight of its mean in that of the batch.

        No part is a single sample, of which no standard deviation exists, unless the batch is: of a small batch, some
        processes run two samples that do not count.
        """
        sharing = min(self.size, max(1, len(samples) // 2))
        if self.rank >= sharing:
            return samples[:2], 0.0
        mine = samples[self.rank :: sharing]
        return mine, len(mine) / len(samples)

    def sum(self, tensor):
        """Add up ``tensor`` over all processes, in place."""
        if self.size > 1:
            dist.all_reduce(tensor)
        return tensor

    def sum_gradients(self, parameters, value):
        """Add up the gradients and one more number over all processes; returns that number."""
        gradients = [p.grad for p in parameters if p.grad is not None]
        if self.size > 1:
            whole = self.sum(torch.cat([value.reshape(1), *(g.flatten() for g in gradients)]))
            value, *parts = whole.split([1, *(g.numel() for g in gradients)])
            for gradient, part in zip(gradients, parts, strict=True):
                gradient.copy_(part.view_as(gradient))
        return value.item()

    def from_first(self, function):
        """What ``function`` returns in the first process; the others do not call it."""
        result = [function() if self.rank == 0 else None]
        if self.size > 1:
            dist.broadcast_object_list(result)
        return result[0]

    def equalize(self, model):
        """Give all processes the parameters and buffers of the first."""
        if self.size > 1:
            for tensor in model.state_dict().values():
                dist.broadcast(tensor, 0)


def team():
    """The team of this process, which it joins if ``torchrun`` started it."""
    if not dist.is_available():
        return Team()
    if not dist.is_initialized() and dist.is_torchelastic_launched():
        dist.init_process_group()
        atexit.register(dist.destroy_process_group)
    return Team(dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else Team()
