"""The two-type circuit, principal units y and normalizer units a, and its rectified variants."""

from dataclasses import replace

from organics_neuro.core.model import CircuitModel, ClosedForm, Coupling

TWO_TYPE = CircuitModel(
    name="two_type",
    equations="""
    dy/dt = (-y + b*z + (1 - sqrt(relu(a)))*recurrent)/tau_y : 1   # principal potential
    da/dt = (-a + (sigma*b0)**2 + pool)/tau_a : 1                  # normalizer potential
    z : 1                                                          # input drive
    recurrent : 1
    pool : 1
    b : 1                                                          # input gain
    b0 : 1                                                         # gain of the constant in the pool
    sigma : 1                                                      # semisaturation
    tau_y : second
    tau_a : second
    """,
    couplings=[
        Coupling("recurrent", "W_r", "y", default="identity"),
        Coupling("pool", "W", "relu(a)*y**2", nonnegative=True, default="ones"),
    ],
    parameters={"b": 0.5, "b0": 0.5, "sigma": 0.1, "tau_y": 2e-3, "tau_a": 1e-3},
    positive=("b0", "sigma"),
    initial={"a": "(sigma*b0)**2"},
    rates={"y": "y**2", "a": "sqrt(relu(a))"},
    encoders={"z": "W_zx"},
    relaxed=("a",),
    closed_form=ClosedForm(
        identity=("W_r",),
        couplings=(Coupling("pool", "W", "(b*z)**2"),),
        states={"a": "(sigma*b0)**2 + pool", "y": "b*z/sqrt(a)"},
    ),
    citation="S. Rawat, D. J. Heeger, S. Martiniani, Unconditional stability of a recurrent neural circuit "
    "implementing divisive normalization, NeurIPS 2024, arXiv:2409.18946",
)

_RECTIFIED_POOL = Coupling("pool", "W", "relu(a)*relu(y)**2", nonnegative=True, default="ones")
_RECTIFIED_RATES = {"y": "relu(y)**2", "a": "sqrt(relu(a))"}
_RECTIFIED_FORM = ClosedForm(
    identity=("W_r",),
    couplings=(Coupling("pool", "W", "relu(b*z)**2"),),
    states={"a": "(sigma*b0)**2 + pool", "y": "relu(b*z)/sqrt(a) - relu(-b*z)"},
)

#: Only positive activity recurs and normalizes: W_r [y]+.
TWO_TYPE_RECTIFIED = replace(
    TWO_TYPE,
    name="two_type_rectified",
    couplings=(Coupling("recurrent", "W_r", "relu(y)", default="identity"), _RECTIFIED_POOL),
    rates=_RECTIFIED_RATES,
    closed_form=_RECTIFIED_FORM,
)

#: The recurrent drive itself is rectified: [W_r y]+. Its steady state for W_r = I and z >= 0 is that of the others.
TWO_TYPE_RECTIFIED_RECURRENCE = replace(
    TWO_TYPE,
    name="two_type_rectified_recurrence",
    equations=TWO_TYPE.equations.replace("*recurrent)", "*relu(recurrent))"),
    couplings=(Coupling("recurrent", "W_r", "y", default="identity"), _RECTIFIED_POOL),
    rates=_RECTIFIED_RATES,
    closed_form=_RECTIFIED_FORM,
)
