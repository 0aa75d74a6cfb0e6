"""Theory of a circuit, without a simulator: steady states, their stability and energy, noise, and mean fields of many units."""

from organics_neuro.core.theory import mean_field
from organics_neuro.core.theory.continuation import Bifurcation, Branch, bifurcation
from organics_neuro.core.theory.fixed_point import FixedPoint, fixed_point
from organics_neuro.core.theory.fixed_points import FixedPoints, fixed_points
from organics_neuro.core.theory.iteration import Iteration, iteration
from organics_neuro.core.theory.oscillators import Oscillators, energy, oscillators
from organics_neuro.core.theory.perturbation import response
from organics_neuro.core.theory.spectrum import Spectrum, coherence, covariance, power_spectrum
from organics_neuro.core.theory.stability import eigenvalues, is_stable, jacobian, largest_stable_dt

__all__ = [
    "Bifurcation",
    "Branch",
    "FixedPoint",
    "FixedPoints",
    "Iteration",
    "Oscillators",
    "Spectrum",
    "bifurcation",
    "coherence",
    "covariance",
    "energy",
    "eigenvalues",
    "fixed_point",
    "fixed_points",
    "is_stable",
    "iteration",
    "jacobian",
    "mean_field",
    "oscillators",
    "power_spectrum",
    "response",
    "largest_stable_dt",
]


def __dir__() -> list[str]:
    return __all__  # completion shows nothing else
