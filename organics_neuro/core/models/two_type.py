"""The two-type circuit, principal units y and normalizer units a, and its rectified variants."""

from organics_neuro.core.model import CircuitModel, ClosedForm, Coupling
from organics_neuro.core.models.parts import CITATION, POTENTIALS, RECTIFIED, SIGNED, pool, recurrence
from organics_neuro.core.terms import Term, combine

#: The input and its gains, which are constant.
_INPUT = Term(
    """
    z : 1                                                           # input drive
    b : 1                                                           # input gain
    b0 : 1                                                          # gain of the constant in the pool
    """,
    parameters={"b": 0.5, "b0": 0.5, "sigma": 0.1, "tau_y": 2e-3, "tau_a": 1e-3},
    positive=("b0",),
    initial={"a": "(sigma*b0)**2"},
    encoders={"z": "W_zx"},
    relaxed=("a",),
)


def _two_type(suffix: str, kind: str, rate: str, power: str, y: str) -> CircuitModel:
    """A variant: what recurs, the firing rate, the power that it pools at the steady state, and y there."""
    form = ClosedForm(
        identity=("W_r",),
        couplings=(Coupling("pool", "W", power),),
        states={"a": "(sigma*b0)**2 + pool", "y": y},
    )
    terms = (POTENTIALS, _INPUT, recurrence(kind, default="identity"), pool(rate, default="ones"))
    return combine(f"two_type{suffix}", *terms, closed_form=form, citation=CITATION)


_POSITIVE = (RECTIFIED, "relu(b*z)**2", "relu(b*z)/sqrt(a) - relu(-b*z)")
MODELS = (
    _two_type("", "linear", SIGNED, "(b*z)**2", "b*z/sqrt(a)"),
    # only positive activity recurs and normalizes: W_r [y]+
    _two_type("_rectified", "activity", *_POSITIVE),
    # the recurrent drive itself is rectified: [W_r y]+; the steady state for W_r = I and z >= 0 is that of the others
    _two_type("_rectified_recurrence", "rectified", *_POSITIVE),
)
