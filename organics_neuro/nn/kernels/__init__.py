"""Compiled operators for layers on the CPU. They are an optimization: torch's own operations give the same numbers."""

from organics_neuro.nn.kernels.build import available

__all__ = ["available"]
