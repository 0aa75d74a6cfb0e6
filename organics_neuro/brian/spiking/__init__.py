"""Circuits next to spiking and biophysical neurons: couplings in both directions, one a file."""

from organics_neuro.brian.spiking.connecting import within_trials
from organics_neuro.brian.spiking.currents import rate_to_conductance, rate_to_current
from organics_neuro.brian.spiking.filtered import spikes_to_rate
from organics_neuro.brian.spiking.poisson import rate_to_spikes
from organics_neuro.brian.spiking.potential import lfp

__all__ = [
    "lfp",
    "rate_to_conductance",
    "rate_to_current",
    "rate_to_spikes",
    "spikes_to_rate",
    "within_trials",
]


def __dir__() -> list[str]:
    return __all__  # completion shows nothing else
