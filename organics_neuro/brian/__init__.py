"""Circuits as Brian2 objects."""

from organics_neuro.brian.device import use_device
from organics_neuro.brian.group import CircuitGroup, groups
from organics_neuro.brian.projection import Projection
from organics_neuro.brian.simulate import convergence, simulate

__all__ = ["CircuitGroup", "Projection", "convergence", "groups", "simulate", "use_device"]
