"""The models that come with the package, one declaration a file."""

from organics_neuro.core.errors import unknown_name
from organics_neuro.core.model import CircuitModel
from organics_neuro.core.models.gated import GATED
from organics_neuro.core.models.two_type import TWO_TYPE, TWO_TYPE_RECTIFIED, TWO_TYPE_RECTIFIED_RECURRENCE

MODELS = {model.name: model for model in (TWO_TYPE, TWO_TYPE_RECTIFIED, TWO_TYPE_RECTIFIED_RECURRENCE, GATED)}


def get_model(model):
    """The model called ``model``, or ``model`` itself if it is a `CircuitModel`."""
    if isinstance(model, CircuitModel):
        return model
    if model not in tuple(MODELS):  # in a tuple, what cannot be hashed can be looked for too
        raise ValueError(f"{unknown_name('model', model, MODELS)}; a model of your own is a CircuitModel(...)")
    return MODELS[model]
