"""The two-type circuit, principal units y and normalizer units a: its rectified variants, and any exponent.

With the exponent p the steady state for W_r = I is y = b z/((sigma b0)^p + W |b z|^p)^(1/p). As for p = 2, it is stable
for all weights W >= 0, inputs and time constants: perturbations q = p a tau_y dy/(s y), with s = a^(1/p), are coupled
damped oscillators, q'' + B q' + K q = 0, with K = D[s/(tau_y tau_a)] and B = D[s/tau_y] + D[1/tau_a](I - W D[|y|^p]), an
M-matrix, since (I - W D[|y|^p]) a = (sigma b0)^p > 0.
"""

from organics_neuro.core.model import CircuitModel, ClosedForm, Coupling
from organics_neuro.core.models.parts import CITATION, RECTIFIED, SIGNED, pool, potentials, recurrence
from organics_neuro.core.terms import Term, combine

#: The input and its gains, which are constant.
INPUT = Term(
    """
    z : 1                                                           # input drive
    b : 1                                                           # input gain
    b0 : 1                                                          # gain of the constant in the pool
    """,
    parameters={"b": 0.5, "b0": 0.5, "sigma": 0.1, "tau_y": 2e-3, "tau_a": 1e-3},
    positive=("b0",),
    encoders={"z": "W_zx"},
)
#: The exponent of activity in the pool, whose normalizers gate by the root of that degree.
_EXPONENT = Term("    p : 1", parameters={"p": 2.0}, positive=("p",))


def _two_type(
    name: str,
    kind: str,
    rate: str,
    power: str,
    y: str,
    exponent: str = "2",
    root: str = "sqrt(relu(a))",
    more: tuple[Term, ...] = (),
) -> CircuitModel:
    """A variant: what recurs, the firing rate, the power that it pools at the steady state, and y there."""
    constant = f"(sigma*b0)**{exponent}"
    form = ClosedForm(
        identity=("W_r",),
        couplings=(Coupling("pool", "W", power),),
        states={"a": f"{constant} + pool", "y": y},
    )
    start = Term(initial={"a": constant}, relaxed=("a",))
    units = (recurrence(kind, default="identity"), pool(rate, default="ones", root=root))
    terms = (potentials(exponent, root), INPUT, *more, start, *units)
    return combine(name, *terms, closed_form=form, citation=CITATION)


_POSITIVE = (RECTIFIED, "relu(b*z)**2", "relu(b*z)/sqrt(a) - relu(-b*z)")
MODELS = (
    _two_type("two_type", "linear", SIGNED, "(b*z)**2", "b*z/sqrt(a)"),
    # only positive activity recurs and normalizes: W_r [y]+
    _two_type("two_type_rectified", "activity", *_POSITIVE),
    # the recurrent drive itself is rectified: [W_r y]+; the steady state for W_r = I and z >= 0 is that of the others
    _two_type("two_type_rectified_recurrence", "rectified", *_POSITIVE),
    # p = 2 is the two-type circuit, p = 1 divides by the summed magnitude
    _two_type(
        "normalization",
        "linear",
        "abs(y)**p",
        "abs(b*z)**p",
        "b*z/a**(1/p)",
        exponent="p",
        root="relu(a)**(1/p)",
        more=(_EXPONENT,),
    ),
)
