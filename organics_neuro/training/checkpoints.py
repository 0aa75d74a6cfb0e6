"""Checkpoints of a training run: files that appear whole or not at all, and are refused by another run."""

import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from io import BytesIO
from math import isfinite
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from organics_neuro.core.errors import shown
from organics_neuro.core.files import replacing
from organics_neuro.training.history import History

#: What a checkpoint holds.
_CONTENT = {"settings": dict, "architecture": str, "model": dict, "optimizer": dict, "history": dict, "best": dict}


#: What the optimizer keeps of each parameter.
_ADAM = {"exp_avg", "exp_avg_sq", "step"}


def save(
    path: str | PathLike[str],
    settings: Mapping[str, Any],
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    **more: Any,
) -> None:
    """Write the state of a run.

    Parameters
    ----------
    path : path
    settings : dict
        What must be the same for the run to go on.
    model : Module
    optimizer : Optimizer
    **more
        Tensors, numbers, texts, and lists and dictionaries of these.
    """
    content = {"settings": dict(settings), "architecture": str(model), "model": model.state_dict(), **more}
    content["optimizer"] = optimizer.state_dict()
    file = BytesIO()
    torch.save(content, file)
    with replacing(path) as temporary:
        temporary.write_bytes(file.getvalue())  # torch would not say what a failed write failed of


def load(path: str | PathLike[str], settings: Mapping[str, Any], model: nn.Module) -> dict[str, Any]:
    """The content of a checkpoint, a dictionary, checked against the run that is to go on.

    Raises
    ------
    ValueError
        If the file is no checkpoint, is damaged, or is one of other settings or of another model. A setting that an
        older version did not write is not compared.
    """
    try:
        content = _content(path)
    except ValueError as error:
        raise not_one(path, error) from error
    saved = content["settings"]
    for name, value in settings.items():
        if not _equal(saved.get(name, value), value):
            raise ValueError(
                f"the checkpoint {path} was made with {name}={shown(saved[name])}, not {value}; use the same settings or another path, or start anew (without resume; --no-resume)"
            )
    shapes = _shapes(model.state_dict())
    if content["architecture"] != str(model) or any(_shapes(content[name]) != shapes for name in ("model", "best")):
        raise ValueError(f"the checkpoint {path} is of another model; make the same one, or give another path")
    try:
        for name in ("model", "best"):
            _check_finite(name, content[name])
        _check_history(content["history"], settings.get("epochs"))
    except ValueError as error:
        raise not_one(path, error) from error
    return content


def check_optimizer(saved: Any, optimizer: torch.optim.Optimizer) -> None:
    """Raise `ValueError` unless what a checkpoint has of an optimizer, which may be anything, is of one like this."""
    own = optimizer.state_dict()
    groups, state = (saved.get(name) for name in ("param_groups", "state"))
    if not isinstance(groups, list) or not isinstance(state, dict):
        raise ValueError("its optimizer has no param_groups, or no state")
    if len(groups) != len(own["param_groups"]):
        raise ValueError(f"its optimizer has {len(groups)} groups, not {len(own['param_groups'])}")
    for k, (given, group) in enumerate(zip(groups, own["param_groups"], strict=True)):
        if not isinstance(given, dict) or not _equal({**given, "lr": 0}, {**group, "lr": 0}):
            raise ValueError(f"the group {k} of its optimizer is another one")
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for k, values in state.items():
        if k not in range(len(parameters)) or not isinstance(values, dict) or set(values) != _ADAM:
            raise ValueError(f"its optimizer has not {', '.join(sorted(_ADAM))} of a parameter {shown(k)}")
        for name, value in values.items():
            shape = () if name == "step" else parameters[k].shape
            if getattr(value, "shape", None) != shape:
                raise ValueError(f"{shown(name)} of its optimizer has another shape than the parameter {k}")
        _check_finite("optimizer", values)


def is_of(path: str | PathLike[str], model: nn.Module) -> bool:
    """Whether a file is a checkpoint of this model, whatever the settings."""
    try:
        return bool(load(path, {}, model))
    except ValueError:
        return False


def not_one(path: str | PathLike[str], error: Exception) -> ValueError:
    """The `ValueError` for a file that is no checkpoint, or a damaged one."""
    reason = f"it has no {error}" if isinstance(error, KeyError) else str(error).partition("\n")[0]
    return ValueError(f"{path} is not a checkpoint of fit ({reason}); delete it or give another path")


def read(path: str | PathLike[str]) -> Any:
    """What `torch.save` wrote to a file, if that is tensors, plain values, and lists and dictionaries of these.

    Raises
    ------
    OSError
    ValueError
        If the file is none of torch, is damaged, or holds objects, which are never made. The message is the reason
        alone, "it ...": what is to be done, the caller knows.
    """
    file = BytesIO(Path(path).read_bytes())
    try:
        if zipfile.is_zipfile(file):  # old files are no archives, and have no checksums
            file = _verified(file)
        file.seek(0)
        return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            "it is no file of torch.save, or holds more than tensors and plain values, which could run code when read"
        ) from error
    except Exception as error:  # torch and zipfile raise many kinds
        raise ValueError("it is damaged, or no file of torch.save") from error


def _verified(file: BytesIO) -> BytesIO:
    """A copy of an archive, of the parts that agree with their checksums and nothing else; raises if one does not.

    `torch.load` does not always notice a changed bit. In the headers, which have no checksum, one bit can make a folder
    of a tensor, and torch then reads memory that nobody wrote.
    """
    copy = BytesIO()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(copy, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    return copy


def _content(path: str | PathLike[str]) -> dict[str, Any]:
    content = read(path)
    for name, kind in _CONTENT.items():
        if not isinstance(content, dict) or not isinstance(content.get(name), kind):
            raise ValueError(f"it has no {name}")
    return content


def _shapes(tensors: Mapping[str, Any]) -> dict[str, Any]:
    return {name: (getattr(value, "shape", None), getattr(value, "dtype", None)) for name, value in tensors.items()}


def _equal(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except RuntimeError:  # tensors, where there is none in a checkpoint of ours
        return False


def _check_finite(what: str, tensors: Mapping[str, Any]) -> None:
    for name, value in tensors.items():
        if isinstance(value, Tensor) and (value.layout != torch.strided or not bool(torch.isfinite(value).all())):
            raise ValueError(f"{name!r} of its {what} is not finite")


def _check_history(history: Mapping[str, Any], epochs: int | None) -> None:
    """Raise `ValueError` unless there is a number of each kind for every epoch, and not more epochs than there can be."""
    lengths = {len(history[name]) if isinstance(history.get(name), list) else -1 for name in asdict(History())}
    done = lengths.pop()
    if lengths or set(history) != set(asdict(History())) or done < 1:
        raise ValueError("its history has not one number of each kind for every epoch")
    if epochs is not None and done > epochs:
        raise ValueError(f"its history has {done} epochs, more than the {epochs} of the run")
    for name, values in history.items():
        if not all(type(value) in (int, float) and isfinite(value) for value in values):
            raise ValueError(f"{name!r} of its history holds what is no finite number")
