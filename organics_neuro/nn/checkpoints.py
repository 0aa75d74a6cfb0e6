"""Checkpoints of a training run: files that appear whole or not at all, and are refused by another run."""

import torch

from organics_neuro.core.files import replacing


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
        If the file is no checkpoint, or one of other settings or of another model.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        saved, architecture, tensors = (content[name] for name in ("settings", "architecture", "model"))
    except Exception as error:  # torch.load raises many kinds
        reason = str(error).partition("\n")[0]
        raise ValueError(f"{path} is not a checkpoint of fit ({reason}); delete it or give another path") from error
    for name, value in settings.items():
        if saved.get(name) != value:
            raise ValueError(
                f"the checkpoint {path} was made with {name}={saved.get(name)}, not {value}; use the same settings or another path"
            )
    if architecture != str(model) or _shapes(tensors) != _shapes(model.state_dict()):
        raise ValueError(f"the checkpoint {path} is of another model; make the same one, or give another path")
    return content


def _shapes(tensors):
    return {name: value.shape for name, value in tensors.items()}
