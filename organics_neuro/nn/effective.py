"""What constrained parameters show: values that are computed, so that a change in place would be lost.

`Constrained` is the base of modules that have them: it says in a sentence what the older functions of `torch.nn.utils`
(spectral_norm, weight_norm, prune), which know parameters alone, would stumble over.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from organics_neuro.nn.transforms import Unscripted, has_numbers

#: Methods with the names of changes in place that leave the numbers as they are.
_HARMLESS = ("requires_grad_", "retain_grad", "share_memory_", "__get__")


class Effective(Tensor):
    """A value of which a change in place is refused, as that would change nothing; what is made of it is a plain tensor.

    Functions of torch (`torch.nn.init`, ``W.copy_``, ``W[0] = 0``, ``W.data.fill_``) would otherwise run on a value that
    is computed anew at the next call of the module.
    """

    _name: str

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        whole = args[0] if args else kwargs.get("tensor", kwargs.get("input"))
        changes = _changes(func) or kwargs.get("inplace", False)
        target = kwargs.get("out", whole if changes else None)
        if isinstance(target, Effective) and not isinstance(target, nn.Parameter):
            raise RuntimeError(
                f"{target._name} is computed from what is learned, so to change it in place ({_called(func)}) has no "
                f"effect; set it, module.{target._name} = value, which also checks its constraint"
            )
        with torch._C.DisableTorchFunctionSubclass():
            result = func(*args, **kwargs)
        computed = isinstance(whole, Effective) and not isinstance(whole, nn.Parameter)
        if computed and type(result) is Tensor and _shares(result, whole):
            return _named(result, whole._name)  # a view of it: `nn.init.orthogonal_` writes to one
        return result

    def __deepcopy__(self, memo):
        return _plain(self).__deepcopy__(memo)

    def __reduce_ex__(self, protocol):
        return _plain(self).__reduce_ex__(protocol)


def _plain(value):
    """As what torch itself has: a tensor, or a parameter where the user has made one of it."""
    with torch._C.DisableTorchFunctionSubclass():
        if isinstance(value, nn.Parameter):
            return nn.Parameter(value.detach().as_subclass(Tensor), value.requires_grad)
        return value.as_subclass(Tensor)


def _called(func):
    return getattr(func, "__name__", str(func))


def _changes(func):
    """Whether a function of torch changes its first argument."""
    name = _called(func)
    if name in _HARMLESS:
        return False
    return name in ("__setitem__", "__set__") or (name.endswith("_") and not name.endswith("__")) or name[:3] == "__i"


def _shares(result, whole):
    return result.untyped_storage().data_ptr() == whole.untyped_storage().data_ptr() != 0


def _named(value, name):
    shown = value.as_subclass(Effective)
    shown._name = name
    return shown


class Constrained(Unscripted, nn.Module):
    """A module some of whose parameters have a parametrization, or are constant."""

    def __init__(self):
        super().__init__()
        self._parameters = _Parameters()

    def register_parameter(self, name: str, param: nn.Parameter | None) -> None:
        """As that of every module."""
        if isinstance(param, Tensor) and not isinstance(param, nn.Parameter):
            raise _not_alone(name.removesuffix("_orig"))  # as pruning calls what it prunes
        super().register_parameter(name, _plain(param) if isinstance(param, Effective) else param)


class _Parameters(dict):
    """The parameters of a module by name."""

    def __missing__(self, name):
        raise _not_alone(name)

    def __delitem__(self, name):
        if name not in self:
            raise _not_alone(name)
        super().__delitem__(name)


def _not_alone(name):
    return ValueError(
        f"{name!r} is no parameter by itself (it has a parametrization, is constant, or does not exist), and spectral_norm, "
        "weight_norm and prune of torch.nn.utils change parameters alone; give parametrizations={...} when the layer is "
        "made, or use torch.nn.utils.parametrize"
    )


def guard(module: nn.Module, parameter: str) -> None:
    """Let ``module.parameter``, which has a parametrization, show an `Effective` value."""
    cls = type(module)  # torch gives every module with parametrizations a class of its own
    torchs: Any = cls.__dict__[parameter]

    def show(self):
        value = torchs.fget(self)
        learned = list(self.parametrizations[parameter].parameters(recurse=False))
        if not has_numbers() or torch.compiler.is_compiling() or any(value is original for original in learned):
            return value
        return _named(value, parameter)

    setattr(cls, parameter, property(show, torchs.fset))


def value_of(module: nn.Module, parameter: str) -> Any:
    """The value of a parameter, constrained or not, as a plain tensor.

    Raises
    ------
    ValueError
        If its parametrizations cannot follow one another.
    """
    try:
        value = getattr(module, parameter)
    except TypeError as error:
        if not is_parametrized(module, parameter):
            raise
        names = ", ".join(type(p).__name__ for p in module.parametrizations[parameter])  # pyright: ignore
        raise ValueError(
            f"the parametrizations of {parameter!r} ({names}) cannot follow one another: {str(error).splitlines()[0]}; "
            "give parametrizations={...} when the layer is made, or one that takes and returns one tensor"
        ) from None
    return value.as_subclass(Tensor) if isinstance(value, Effective) else value
