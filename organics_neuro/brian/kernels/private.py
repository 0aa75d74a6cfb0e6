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


__all__ = ["DEVICES", "DIMENSIONLESS", "ArrayVariable", "current_device", "reset_device", "word_substitute"]
