"""The two-type circuit: principal units y and normalizer units a."""

from organics_neuro.core.model import CircuitModel, ClosedForm, Coupling

MAIN = CircuitModel(
    name="main",
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
