"""The three-type circuit: principal units y, normalizer units u, and modulator units a, through which u gates y.

For W_r = I the steady state is that of the two-type circuit: u = (sigma b0)^2 + W (b z)^2, y = b z/sqrt(u), as long as
u < 1, and a = sqrt(u)/(1 - sqrt(u)). Unlike there it may be unstable: then the circuit oscillates. One unit, with
s = sqrt(u), G = 1 - s and c = (sigma b0)^2/u, has the characteristic polynomial

    (tau_y l + s)(tau_a l + G)(tau_u l + c) + (1 - c) s G (1 + 2 alpha L s G tau_u l) = 0,

which the criterion of Routh and Hurwitz decides. A long tau_a destabilises, alpha stabilises.
"""

from organics_neuro.core.model import ClosedForm, Coupling
from organics_neuro.core.models.parts import recurrence
from organics_neuro.core.models.two_type import INPUT
from organics_neuro.core.terms import Term, combine

CITATION = (
    "D. J. Heeger, K. O. Zemlianova, A recurrent circuit implements normalization, simulating the dynamics of V1 "
    "activity, PNAS 117 (2020) 22494-22505; with sources of time constants and gains as in the authors' later public code"
)

_TIMES = Term(
    """
    sigma : 1                                                       # semisaturation
    alpha : 1                                                       # how much modulators anticipate the normalizer
    tau_y : second
    tau_u : second
    tau_a : second
    """,
    parameters={"alpha": 1.0, "tau_y": 1e-3, "tau_u": 1e-3, "tau_a": 1e-3, "sigma": 0.1, "b": 0.5, "b0": 0.5},
    positive=("sigma",),
    # at rest sqrt(u) = sigma b0; where that is 1 or more there is no rest, and the bound keeps the start finite
    initial={"u": "(sigma*b0)**2", "a": "sigma*b0/maximum(1 - sigma*b0, 0.001)"},
)
#: Gains and the input, which the two-type family declares too; its defaults are other ones.
_GAINS = Term(INPUT.equations, encoders=INPUT.encoders, positive=INPUT.positive)
_CLOSED = ClosedForm(
    identity=("W_r",),
    couplings=(Coupling("pool", "W", "(b*z)**2"),),
    states={"u": "(sigma*b0)**2 + pool", "y": "b*z/sqrt(u)", "a": "sqrt(u)/(1 - sqrt(u))"},
)


def _pool(source: str) -> Term:
    return Term(
        "    pool : 1",
        couplings=(Coupling("pool", "W", source, nonnegative=True, default="ones"),),
    )


def _states(slope: str) -> Term:
    """The three potentials; modulators anticipate the normalizer by its rate of change times ``slope``."""
    return Term(
        f"""
    dy/dt = (-y + b*z + recurrence/(1 + relu(a)))/tau_y : 1         # principal potential
    du/dt = change/tau_u : 1                                        # normalizer potential
    da/dt = (-a + (1 + a)*sqrt(relu(u)) + alpha*{slope}*change)/tau_a : 1
    change = -u + (sigma*b0)**2 + pool : 1
    """,
        outputs={"rate_y": "y**2", "rate_u": "sqrt(relu(u))", "rate_a": "relu(a)"},
        relaxed=("u",),
    )


def _plain(name: str, slope: str):
    terms = (_states(slope), _TIMES, _GAINS, recurrence("linear", default="identity"), _pool("relu(u)*y**2"))
    return combine(name, *terms, closed_form=_CLOSED, citation=CITATION)


def _rates(drive: str, feedback: str) -> Term:
    """The potentials, with firing rates as states of their own, as slow as synapses: everything that units send is a rate.

    As in the authors' public code the root of the rate has a floor, for its slope at 0 is infinite.
    """
    return Term(
        f"""
    dy/dt = (-y + b*z + ({drive})/(1 + r_a))/tau_y : 1              # principal potential
    du/dt = change/tau_u : 1                                        # normalizer potential
    da/dt = (-a + (1 + a)*r_u{feedback} + alpha*change)/tau_a : 1   # modulator potential
    dr_y/dt = (-r_y + relu(y)**2)/tau_s : 1                         # firing rates
    dr_u/dt = (-r_u + sqrt(maximum(u, floor_r)))/tau_s : 1
    dr_a/dt = (-r_a + relu(a))/tau_s : 1
    ds/dt = (-s + sqrt(maximum(r_y, floor_r)))/tau_s : 1            # what recurs
    change = -u + (sigma*b0)**2 + pool : 1
    recurrent : 1
    floor_r : 1
    tau_s : second
    """,
        couplings=(Coupling("recurrent", "W_r", "s", default="identity"),),
        parameters={"tau_s": 1e-3, "floor_r": 1e-6},
        positive=("floor_r",),
        initial={"r_u": "sigma*b0", "r_a": "sigma*b0/maximum(1 - sigma*b0, 0.001)", "s": "sqrt(floor_r)"},
        time_constants={"r_y": "tau_s", "r_u": "tau_s", "r_a": "tau_s", "s": "tau_s"},
        outputs={"rate_y": "r_y", "rate_u": "r_u", "rate_a": "r_a"},
    )


#: What a higher area sends back, in units of s.
_FEEDBACK = Term("    feedback : 1")


def _firing(name: str, rates: Term, *more: Term):
    return combine(name, rates, _TIMES, _GAINS, _pool("r_u**2*r_y"), *more, citation=CITATION)


MODELS = (
    _plain("three_type", "1"),
    # what the modulators anticipate is the firing rate of the normalizer, sqrt(u)
    _plain("three_type_rate_change", "0.5/sqrt(relu(u))"),
    _firing("three_type_rates", _rates("recurrent", "")),
    # an area of a hierarchy: feedback adds to what recurs, and modulators grow by as much, so that the steady state of
    # driven units stays what it is and feedback changes how the area gets there
    _firing("three_type_area", _rates("recurrent + feedback", " + feedback/s"), _FEEDBACK),
)
