"""Circuits: `Circuit`, a model with weights and parameters, and circuits joined by couplings."""

from organics_neuro.core.circuits.base import EXTRA, AnyCircuit, check_circuit
from organics_neuro.core.circuits.joined import JoinedCircuit, join
from organics_neuro.core.circuits.records import load
from organics_neuro.core.circuits.single import Circuit

__all__ = ["EXTRA", "AnyCircuit", "Circuit", "JoinedCircuit", "check_circuit", "join", "load"]
