"""Variants of the main circuit in which only positive activity recurs and normalizes."""

from dataclasses import replace

from organics_neuro.core.model import ClosedForm, Coupling
from organics_neuro.core.models.main import MAIN

_POOL = Coupling("pool", "W", "relu(a)*relu(y)**2", nonnegative=True, default="ones")
_RATES = {"y": "relu(y)**2", "a": "sqrt(relu(a))"}
_CLOSED_FORM = ClosedForm(
    identity=("W_r",),
    couplings=(Coupling("pool", "W", "relu(b*z)**2"),),
    states={"a": "(sigma*b0)**2 + pool", "y": "relu(b*z)/sqrt(a) - relu(-b*z)"},
)

#: Rectified activity recurs: W_r [y]+.
RECTIFIED = replace(
    MAIN,
    name="rectified",
    couplings=(Coupling("recurrent", "W_r", "relu(y)", default="identity"), _POOL),
    rates=_RATES,
    closed_form=_CLOSED_FORM,
)

#: The recurrent drive itself is rectified: [W_r y]+. Its steady state for W_r = I and z >= 0 is that of the others.
RECTIFIED_RECURRENCE = replace(
    MAIN,
    name="rectified_recurrence",
    equations=MAIN.equations.replace("*recurrent)", "*relu(recurrent))"),
    couplings=(Coupling("recurrent", "W_r", "y", default="identity"), _POOL),
    rates=_RATES,
    closed_form=_CLOSED_FORM,
)
