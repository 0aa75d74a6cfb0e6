"""The trainable recurrent network: a circuit with dynamic input gains, and the variants of it.

The gains b and b0 follow sigmoids of the input and of the circuit's own activity. One Euler step with the step
sizes h = dt/tau is one step of `organics_neuro.nn.ORGaNICs`; all right-hand sides use the old state.
"""

from dataclasses import replace
from functools import cache

from organics_neuro.core.model import CircuitModel, Coupling

GATED = CircuitModel(
    name="gated",
    equations="""
    dy/dt = (-y + b*z + (1 - sqrt(relu(a)))*relu(recurrent))/tau_y : 1   # principal potential
    da/dt = (-a + (sigma*b0)**2 + pool)/tau_a : 1                        # normalizer potential
    db0/dt = (-b0 + sigmoid(b0_x + b0_y + b0_a))/tau_b0 : 1              # gain of the constant in the pool
    db/dt = (-b + sigmoid(b_x + b_y + b_a))/tau_b : 1                    # input gain
    z = relu(drive) : 1                                                  # input drive
    drive : 1
    recurrent : 1
    pool : 1
    b_x : 1
    b_y : 1
    b_a : 1
    b0_x : 1
    b0_y : 1
    b0_a : 1
    sigma : 1
    tau_y : second
    tau_a : second
    tau_b0 : second
    tau_b : second
    """,
    couplings=[
        Coupling("drive", "W_zx", "x"),
        Coupling("b_x", "W_bx", "x"),
        Coupling("b0_x", "W_b0x", "x"),
        Coupling("recurrent", "W_r", "y"),
        Coupling("b_y", "W_by", "y"),
        Coupling("b0_y", "W_b0y", "y"),
        Coupling("b_a", "W_ba", "a"),
        Coupling("b0_a", "W_b0a", "a"),
        Coupling("pool", "W", "relu(a)*relu(y)**2", nonnegative=True),
    ],
    parameters={"sigma": 1.0, "tau_y": 2e-3, "tau_a": 2e-3, "tau_b0": 2e-3, "tau_b": 2e-3},
    positive=("sigma",),
    initial={"a": "sigma**2"},
    rates={"y": "relu(y)**2", "a": "sqrt(relu(a))"},
    external=("x",),
    citation="S. Rawat, D. J. Heeger, S. Martiniani, Unconditional stability of a recurrent neural circuit "
    "implementing divisive normalization, NeurIPS 2024, arXiv:2409.18946; cell as in the authors' public code",
)

#: How much time a step of `organics_neuro.nn.ORGaNICs` stands for, in seconds, unless one says otherwise.
STEP_TIME = 1e-3
#: The gains that may be constant.
GAINS = ("b0", "b")


@cache
def gated(rectification="recurrence", constant=()):
    """A variant of the gated model.

    Parameters
    ----------
    rectification : {"recurrence", "activity", "released", "drive", "none"}
        What is rectified. "recurrence": relu(W_r y), the drive relu(W_zx x) and the pool of relu(y)^2, the model "gated".
        "activity": W_r relu(y), with the same drive and pool. "released": W_r relu(y), with the same pool and the drive
        as it comes, as in the code released with the paper. "drive": the drive alone. "none": nothing.
    constant : tuple of str
        Gains, of "b0" and "b", that are parameters and not states.

    Returns
    -------
    CircuitModel
    """
    model = _VARIANTS[rectification]
    for gain in constant:
        model = _with_constant(model, gain)
    return model


def _not_rectified(name, *variables, sources=None, **changes):
    """The model "gated" with some of "recurrent" and "drive" taken as they come, and other source expressions by weights."""
    equations, sources = GATED.equations, sources or {}
    for variable in variables:
        equations = equations.replace(f"relu({variable})", variable)
    couplings = tuple(replace(c, source=sources.get(c.weights, c.source)) for c in GATED.couplings)
    return replace(GATED, name=name, equations=equations, couplings=couplings, **changes)


_ACTIVITY = {"sources": {"W_r": "relu(y)"}}
_SIGNED = {"sources": {"W": "relu(a)*y**2"}, "rates": {**GATED.rates, "y": "y**2"}}
_VARIANTS = {
    "recurrence": GATED,
    "activity": _not_rectified("gated_rectified", "recurrent", **_ACTIVITY),
    "released": _not_rectified("gated_released", "recurrent", "drive", **_ACTIVITY),
    "drive": _not_rectified("gated_unrectified_recurrence", "recurrent", **_SIGNED),
    "none": _not_rectified("gated_unrectified", "recurrent", "drive", **_SIGNED),
}
#: What may be rectified, see `gated`.
RECTIFICATIONS = tuple(_VARIANTS)


def _with_constant(model, gain):
    """``model`` with ``gain`` as a parameter: its equation, its couplings and its time constant are gone."""
    targets = tuple(f"{gain}_{source}" for source in "xya")
    gone = (f"d{gain}/dt", *targets, f"tau_{gain} ")
    lines = [line for line in model.equations.splitlines() if not line.strip().startswith(gone)]
    parameters = {name: value for name, value in model.parameters.items() if name != f"tau_{gain}"}
    return replace(
        model,
        name=f"{model.name}_constant_{gain}",
        equations="\n".join([*lines, f"    {gain} : 1"]),
        couplings=tuple(c for c in model.couplings if c.target not in targets),
        parameters={**parameters, gain: 1.0},
        positive=(*model.positive, gain),
    )
