"""The trainable recurrent network: the rectified-recurrence circuit with dynamic input gains.

The gains b and b0 follow sigmoids of the input and of the circuit's own activity. One Euler step with the step
sizes h = dt/tau is one step of `organics_neuro.nn.ORGaNICs`; all right-hand sides use the old state.
"""

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
