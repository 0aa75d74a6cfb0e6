"""Trained feedback networks: a random bulk, and a loop of low rank through which what is read out comes back.

tau dv/dt = -v + W tanh(v) + M Nᵀ tanh(v) + drive + z. What is read out, Nᵀ tanh(v), is all that the loop carries: with one
pattern each, m and n/units, it is a number, and the network is trained by changing n alone. `organics_neuro.feedback` makes and
trains such networks, and `organics_neuro.theory.mean_field` says what becomes of them in the limit of many units.
"""

from organics_neuro.core.declaration import CONSTANT
from organics_neuro.core.model import CircuitModel, Coupling, Output

_RATE = "tanh(v)"
MODELS = (
    CircuitModel(
        "feedback",
        """
        dv/dt = (-v + bulk + loop + drive + z)/tau_v : 1
        bulk : 1
        loop : 1
        drive : 1                                                   # what the task holds constant
        z : 1                                                       # input beside it
        tau_v : second
        """,
        couplings=(Coupling("bulk", "W", _RATE), Coupling("loop", "W_loop", _RATE)),
        parameters={"drive": 0.0, "tau_v": 10e-3},
        encoders={"z": "W_zx"},
        outputs={"rate_v": _RATE, "readout": Output("W_out", _RATE)},
        parametrizations={"tau_v": CONSTANT},
        citation=(
            "F. Mastrogiuseppe, S. Ostojic, A geometrical analysis of global stability in trained feedback networks, Neural "
            "Computation 31 (2019) 1139-1182"
        ),
    ),
)
