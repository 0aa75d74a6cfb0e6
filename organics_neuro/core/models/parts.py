"""Terms that the families of normalization circuits share."""

from organics_neuro.core.model import Coupling
from organics_neuro.core.terms import Term

CITATION = (
    "S. Rawat, D. J. Heeger, S. Martiniani, Unconditional stability of a recurrent neural circuit "
    "implementing divisive normalization, NeurIPS 2024, arXiv:2409.18946"
)


def potentials(exponent="2", root="sqrt(relu(a))"):
    """Principal and normalizer potential, of activity that is raised to ``exponent``; ``root`` of the normalizer gates.

    The recurrence and the pool are terms of their own.
    """
    return Term(
        f"""
    dy/dt = (-y + b*z + (1 - {root})*recurrence)/tau_y : 1   # principal potential
    da/dt = (-a + (sigma*b0)**{exponent} + pool)/tau_a : 1                   # normalizer potential
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


def pool(rate, default=None, root="sqrt(relu(a))"):
    """A normalization pool of firing rates, which are ``rate``: "y**2" or "relu(y)**2"; ``root`` is that of normalizers."""
    return Term(
        "    pool : 1",
        couplings=(Coupling("pool", "W", f"relu(a)*{rate}", nonnegative=True, default=default),),
        outputs={"rate_y": rate, "rate_a": root},
    )


#: Firing rates: of both signs of the potential, or of positive potentials alone.
SIGNED, RECTIFIED = "y**2", "relu(y)**2"
