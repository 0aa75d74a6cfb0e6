"""The trainable recurrent network: a circuit with dynamic input gains, and its variants.

The gains b and b0 follow sigmoids of the input and of the circuit's own activity. One Euler step with the step
sizes h = dt/tau is one step of `organics_neuro.nn.ORGaNICs`; all right-hand sides use the old state.
"""

from organics_neuro.core.model import CircuitModel, Coupling
from organics_neuro.core.models.parts import CITATION, RECTIFIED, SIGNED, pool, potentials, recurrence
from organics_neuro.core.terms import Term, combine

#: How much time a step of `organics_neuro.nn.ORGaNICs` stands for, in seconds, unless one says otherwise.
STEP_TIME = 1e-3
#: The gains that may be constant.
GAINS = ("b0", "b")
#: What is rectified in each variant: the drive, the recurrence (see `parts.recurrence`), and the firing rate.
_PARTS = {
    "gated": ("relu(drive)", "rectified", RECTIFIED),
    "gated_rectified": ("relu(drive)", "activity", RECTIFIED),
    "gated_released": ("drive", "activity", RECTIFIED),  # as in the code released with the paper
    "gated_unrectified_recurrence": ("relu(drive)", "linear", SIGNED),
    "gated_unrectified": ("drive", "linear", SIGNED),
}
#: The members of the family in which both gains follow the input and the activity; the first is the default of layers.
VARIANTS = tuple(_PARTS)
_NORMALIZER = Term(parameters={"sigma": 1.0, "tau_y": 2e-3, "tau_a": 2e-3}, initial={"a": "sigma**2"})


def _drive(text: str) -> Term:
    return Term(
        f"""
    z = {text} : 1                                                  # input drive
    drive : 1
    """,
        couplings=(Coupling("drive", "W_zx", "x"),),
        external=("x",),
    )


def _gain(gain: str) -> Term:
    """A gain that follows the input and the activity."""
    return Term(
        f"""
    d{gain}/dt = (-{gain} + sigmoid({gain}_x + {gain}_y + {gain}_a))/tau_{gain} : 1
    {gain}_x : 1
    {gain}_y : 1
    {gain}_a : 1
    tau_{gain} : second
    """,
        parameters={f"tau_{gain}": 2e-3},
    )


def _signals(gains: tuple[str, ...]) -> Term:
    """What gains follow; those of b come first, as layers draw their weights in the order of the couplings."""
    return Term(
        couplings=tuple(
            Coupling(f"{gain}_{source}", f"W_{gain}{source}", source) for source in "xya" for gain in reversed(gains)
        )
    )


def _constant(gain: str) -> Term:
    return Term(f"    {gain} : 1", parameters={gain: 1.0}, positive=(gain,))


def name_of(variant: str, constant: tuple[str, ...] = ()) -> str:
    """The name of the model ``variant`` in which some gains, of "b0" and "b", are parameters and not states."""
    return variant + "".join(f"_constant_{gain}" for gain in GAINS if gain in constant)


def _gated(variant: str, constant: tuple[str, ...]) -> CircuitModel:
    drive, kind, rate = _PARTS[variant]
    gains = [_constant(gain) if gain in constant else _gain(gain) for gain in GAINS]
    signals = _signals(tuple(gain for gain in GAINS if gain not in constant))
    terms = (potentials(), _NORMALIZER, _drive(drive), recurrence(kind), *gains, signals, pool(rate))
    return combine(name_of(variant, constant), *terms, citation=f"{CITATION}; cell as in the authors' public code")


MODELS = tuple(_gated(variant, constant) for variant in VARIANTS for constant in ((), ("b0",), ("b",), GAINS))
