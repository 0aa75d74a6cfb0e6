"""Neurophysiology on any circuit: each protocol returns a labelled `xarray.Dataset`."""

from organics_neuro.experiments.contrast_response import contrast_response
from organics_neuro.experiments.naka_rushton import fit_naka_rushton, naka_rushton
from organics_neuro.experiments.power_spectrum import power_spectrum
from organics_neuro.experiments.results import load, save
from organics_neuro.experiments.stability import stability, trajectories

__all__ = [
    "contrast_response",
    "fit_naka_rushton",
    "load",
    "naka_rushton",
    "power_spectrum",
    "save",
    "stability",
    "trajectories",
]
