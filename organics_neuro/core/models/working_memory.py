"""The gated circuit of working memory: complex activity that recurrence holds, and gates that open and close.

With b and a large, y follows b/(1 + b) z: the input is encoded. With both closed, tau_y dy/dt = (W_r - I) y: patterns of
eigenvalue 1 are held, those of eigenvalue 1 + i omega tau_y go around at omega, and all others decay. A gate a that leaks
lets what is held decay at a/((1 + a) tau_y). `organics_neuro.weights.memory_recurrence` makes such weights.

The gates take time. Where a is still open while b is closed already, what was encoded decays: close a first, or give it
the shorter time constant.

Forward Euler makes an undamped rotation grow by abs(1 + i omega dt) in each step; the scheme "rk4" keeps it.
"""

from organics_neuro.core.complex_pairs import complex_pair
from organics_neuro.core.terms import Term, combine

_ACTIVITY = complex_pair(
    "y",
    "(-y + b/(1 + b)*z + recurrent/(1 + a))/tau_y",
    weights="W_r",
    target="recurrent",
    inputs=["z"],
)
_GATES = Term(
    """
    da/dt = (-a + c_a)/tau_a : 1                                    # closes the recurrence: what was held decays
    db/dt = (-b + c_b)/tau_b : 1                                    # opens the input
    c_a : 1                                                         # where the gates go
    c_b : 1
    tau_y : second
    tau_a : second
    tau_b : second
    """,
    parameters={"tau_y": 10e-3, "tau_a": 2e-3, "tau_b": 2e-3},
    initial={"a": "c_a", "b": "c_b"},
)
MODELS = (
    combine(
        "working_memory",
        _ACTIVITY,
        _GATES,
        citation=(
            "D. J. Heeger, W. E. Mackey, Oscillatory recurrent gated neural integrator circuits (ORGaNICs), a unifying "
            "theoretical framework for neural dynamics, PNAS 116 (2019) 22783-22794; equations after the authors' later code"
        ),
    ),
)
