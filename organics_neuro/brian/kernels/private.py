"""What the rest of the package needs of Brian2 beyond its public names, and the name of the device in use."""

import brian2 as b2
from brian2.core.variables import ArrayVariable
from brian2.devices.device import reset_device
from brian2.units.fundamentalunits import DIMENSIONLESS
from brian2.utils.stringtools import word_substitute

#: Brian2's names of the devices, by ours.
DEVICES = {"runtime": "runtime", "cpp": "cpp_standalone", "cuda": "cuda_standalone"}


def current_device() -> str:
    """The name, as `use_device` takes it, of the device in use; "runtime" for one that it does not know."""
    return next((name for name, key in DEVICES.items() if b2.get_device() is b2.all_devices.get(key)), "runtime")


def declare_sum(group: b2.Group, name: str, like: str) -> None:
    """Give a group a variable that is the sum of none so far, of the unit of its variable ``like``."""
    group.variables.add_subexpression(name, dimensions=group.variables[like].dim, expr="0.0")


def grow_sum(group: b2.Group, name: str) -> str:
    """Add one more term, a new variable, to a sum; returns the name of the variable. Brian2 reads the sum before a run."""
    total = group.variables[name]
    terms = sorted(total.identifiers, key=lambda term: int(term.rpartition("_")[2]))
    new = f"{name}_{len(terms) + 1}"
    group.variables.add_array(new, size=len(group), dimensions=total.dim, dtype=total.dtype)
    total.expr, total.identifiers = " + ".join([*terms, new]), {*terms, new}
    return new


__all__ = [
    "DEVICES",
    "DIMENSIONLESS",
    "ArrayVariable",
    "current_device",
    "declare_sum",
    "grow_sum",
    "reset_device",
    "word_substitute",
]
