"""The models that come with the package, one family a file. A file of this folder that declares ``MODELS`` is found."""

from importlib import import_module
from pkgutil import iter_modules

from organics_neuro.core.errors import unknown_name
from organics_neuro.core.model import CircuitModel


def _find() -> dict[str, CircuitModel]:
    modules = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]
    return {model.name: model for module in modules for model in getattr(module, "MODELS", ())}


#: Every model by its name.
MODELS: dict[str, CircuitModel] = _find()


def get_model(model: str | CircuitModel) -> CircuitModel:
    """The model called ``model``, or ``model`` itself if it is a `CircuitModel`."""
    if isinstance(model, CircuitModel):
        return model
    if not isinstance(model, str) or model not in MODELS:
        raise ValueError(f"{unknown_name('model', model, MODELS)}; a model of your own is a CircuitModel(...)")
    return MODELS[model]
