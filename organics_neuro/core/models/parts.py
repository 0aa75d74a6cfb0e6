"""Terms that the families of normalization circuits share."""

from organics_neuro.core.model import Coupling
from organics_neuro.core.terms import Term

CITATION = (
    "S. Rawat, D. J. Heeger, S. Martiniani, Unconditional stability of a recurrent neural circuit "
    "implementing divisive normalization, NeurIPS 2024, arXiv:2409.18946"
)

#: Principal and normalizer potential. The recurrence and the pool are terms of their own.
POTENTIALS = Term(
    """
    dy/dt = (-y + b*z + (1 - sqrt(relu(a)))*recurrence)/tau_y : 1   # principal potential
    da/dt = (-a + (sigma*b0)**2 + pool)/tau_a : 1                   # normalizer potential
    sigma : 1                                                       # semisaturation
    tau_y : second
    tau_a : second
    """,
    positive=("sigma",),
)


def recurrence(kind, default=None):
    """What recurs: "linear" W_r y, "activity" W_r [y]+, or "rectified" [W_r y]+."""
    text = "relu(recurrent)" if kind == "rectified" else "recurrent"
    source = "relu(y)" if kind == "activity" else "y"
    return Term(
        f"""
    recurrence = {text} : 1
    recurrent : 1
    """,
        couplings=(Coupling("recurrent", "W_r", source, default=default),),
    )


def pool(rate, default=None):
    """A normalization pool of firing rates, which are ``rate``: "y**2" or "relu(y)**2"."""
    return Term(
        "    pool : 1",
        couplings=(Coupling("pool", "W", f"relu(a)*{rate}", nonnegative=True, default=default),),
        outputs={"rate_y": rate, "rate_a": "sqrt(relu(a))"},
    )


#: Firing rates: of both signs of the potential, or of positive potentials alone.
SIGNED, RECTIFIED = "y**2", "relu(y)**2"
