"""The gated family under the names of `organics_neuro.MODELS`: one place that says how a variant is made."""

from organics_neuro.core.model import CircuitModel
from organics_neuro.core.models.gated import GAINS, gated

_RECTIFICATIONS = {
    "gated": "recurrence",
    "gated_rectified": "activity",
    "gated_released": "released",
    "gated_unrectified_recurrence": "drive",
    "gated_unrectified": "none",
}
#: The members of the family in which both gains follow the input and the activity; the first is the default.
FAMILY = tuple(_RECTIFICATIONS)


def gated_model(name: str, constant: tuple[str, ...] = ()) -> CircuitModel:
    """The model ``name`` of `FAMILY`, with the gains ``constant``, of "b0" and "b", as parameters and not as states."""
    return gated(_RECTIFICATIONS[name], tuple(gain for gain in GAINS if gain in constant))
