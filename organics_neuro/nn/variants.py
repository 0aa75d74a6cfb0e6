"""The gated family under the names of `organics_neuro.MODELS`: one place that says how a variant is chosen."""

from organics_neuro.core.model import CircuitModel
from organics_neuro.core.models import MODELS
from organics_neuro.core.models.gated import VARIANTS, name_of

#: The members of the family in which both gains follow the input and the activity; the first is the default.
FAMILY = VARIANTS


def gated_model(name: str, constant: tuple[str, ...] = ()) -> CircuitModel:
    """The model ``name`` of `FAMILY`, with the gains ``constant``, of "b0" and "b", as parameters and not as states."""
    return MODELS[name_of(name, tuple(constant))]
