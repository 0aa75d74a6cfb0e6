"""Checkpoints of a training run: files that appear whole or not at all, and are refused by another run."""

import zipfile

import torch

from organics_neuro.core.files import replacing

#: What a checkpoint holds.
_CONTENT = {"settings": dict, "architecture": str, "model": dict, "optimizer": dict, "history": dict, "best": dict}


def save(path, settings, model, optimizer, **more):
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
    content = {"settings": settings, "architecture": str(model), "model": model.state_dict(), **more}
    content["optimizer"] = optimizer.state_dict()
    with replacing(path) as temporary:
        torch.save(content, temporary)


def load(path, settings, model):
    """The content of a checkpoint, a dictionary, checked against the run that is to go on.

    Raises
    ------
    ValueError
        If the file is no checkpoint, is damaged, or is one of other settings or of another model. A setting that an
        older version did not write is not compared.
    """
    try:
        content = _read(path)
    except Exception as error:  # torch.load raises many kinds
        raise not_one(path, error) from error
    saved = content["settings"]
    for name, value in settings.items():
        if saved.get(name, value) != value:
            raise ValueError(
                f"the checkpoint {path} was made with {name}={saved[name]}, not {value}; use the same settings or another path"
            )
    shapes = _shapes(model.state_dict())
    if content["architecture"] != str(model) or any(_shapes(content[name]) != shapes for name in ("model", "best")):
        raise ValueError(f"the checkpoint {path} is of another model; make the same one, or give another path")
    return content


def not_one(path, error):
    """The `ValueError` for a file that is no checkpoint, or a damaged one."""
    reason = str(error).partition("\n")[0]
    return ValueError(f"{path} is not a checkpoint of fit ({reason}); delete it or give another path")


def _read(path):
    with zipfile.ZipFile(path) as archive:  # torch.load itself does not always notice a changed bit
        if damaged := archive.testzip():
            raise ValueError(f"it is damaged: {damaged}")
    content = torch.load(path, map_location="cpu", weights_only=True)
    for name, kind in _CONTENT.items():
        if not isinstance(content[name], kind):
            raise ValueError(f"its {name} is no {kind.__name__}")
    return content


def _shapes(tensors):
    return {name: getattr(value, "shape", None) for name, value in tensors.items()}
