"""Recurrent networks that circuits are compared with: coRNN, Lipschitz, antisymmetric, Elman, GRU and LSTM.

The first three are differential equations, of which a forward Euler step is the published cell. The others are maps: a
parameter is the step itself, and at this step an Euler step is one step of the cell. So is coRNN, whose position moves
with the velocity at the end of the step.
"""

from organics_neuro.core.declaration import CONSTANT
from organics_neuro.core.model import CircuitModel, Coupling
from organics_neuro.core.models.gated import STEP_TIME
from organics_neuro.core.terms import Term, combine

#: The step sizes dt/tau of the published runs on sequences of pixels, at steps of `STEP_TIME`.
_CORNN_STEP, _LIPSCHITZ_STEP = 0.042, 0.03


CORNN = CircuitModel(
    "cornn",
    """
    dy/dt = (z + step/tau*acceleration)/tau : 1                     # position, by the velocity at the end of the step
    dz/dt = acceleration/tau : 1                                    # velocity
    acceleration = tanh(drive + b_d) - gamma*y - epsilon*z : 1
    drive : 1
    b_d : 1
    gamma : 1                                                       # stiffness
    epsilon : 1                                                     # damping
    tau : second
    step : second
    """,
    couplings=(Coupling("drive", "W_x", "x"), Coupling("drive", "W_y", "y"), Coupling("drive", "W_z", "z")),
    parameters={"b_d": 0.0, "gamma": 2.7, "epsilon": 4.7, "tau": STEP_TIME / _CORNN_STEP, "step": STEP_TIME},
    positive=("gamma", "epsilon"),
    external=("x",),
    time_constants={"y": "tau", "z": "tau"},
    step="step",
    parametrizations={name: CONSTANT for name in ("gamma", "epsilon", "tau")},
    citation="T. K. Rusch, S. Mishra, Coupled oscillatory recurrent neural network (coRNN), ICLR 2021",
)

_READ = Term(
    """
    recurrent : 1
    drive : 1
    b_h : 1
    tau : second
    """,
    couplings=(Coupling("recurrent", "W", "h"), Coupling("drive", "E", "x")),
    parameters={"b_h": 0.0, "tau": STEP_TIME / _LIPSCHITZ_STEP},
    external=("x",),
    time_constants={"h": "tau"},
)
_OPEN = Term("    gate = 1 : 1")
_GATED = Term(
    """
    gate = sigmoid(recurrent + drive_g + b_g) : 1                   # the same recurrent drive
    drive_g : 1
    b_g : 1
    """,
    couplings=(Coupling("drive_g", "E_g", "x"),),
    parameters={"b_g": 0.0},
)
_LIPSCHITZ = Term(
    """
    dh/dt = gate*(drift + tanh(recurrent + drive + b_h))/tau : 1
    drift : 1
    """,
    couplings=(Coupling("drift", "A", "h"),),
)
_ANTISYMMETRIC = Term("    dh/dt = gate*tanh(recurrent + drive + b_h)/tau : 1")
_LIPSCHITZ_PAPER = "N. B. Erichson et al., Lipschitz recurrent neural networks, ICLR 2021"
_ANTISYMMETRIC_PAPER = (
    "B. Chang et al., AntisymmetricRNN: a dynamical system view on recurrent neural networks, ICLR 2019"
)


def _dissipative(name: str, term: Term, gate: Term, kinds: dict, citation: str) -> CircuitModel:
    return combine(name, term, _READ, gate, parametrizations={**kinds, "tau": CONSTANT}, citation=citation)


def _lipschitz(name: str, gate: Term) -> CircuitModel:
    kinds = {weights: ("lipschitz", 0.75, 0.001) for weights in ("A", "W")}
    return _dissipative(name, _LIPSCHITZ, gate, kinds, _LIPSCHITZ_PAPER)


def _antisymmetric(name: str, gate: Term) -> CircuitModel:
    return _dissipative(name, _ANTISYMMETRIC, gate, {"W": ("antisymmetric", 0.01)}, _ANTISYMMETRIC_PAPER)


def _map(name: str, equations: str, gates: dict[str, tuple], biases: tuple[str, ...]) -> CircuitModel:
    """A cell of torch: h becomes ``h_new`` in one step. ``gates``: by the variable that receives, its weights and sources."""
    drives = "\n".join(f"    {variable} : 1" for variable in (*gates, *biases))
    return CircuitModel(
        name,
        f"    dh/dt = (-h + h_new)/step : 1\n{equations}\n{drives}\n    step : second",
        couplings=tuple(Coupling(target, *read) for target, reads in gates.items() for read in reads),
        parameters={**dict.fromkeys(biases, 0.0), "step": STEP_TIME},
        external=("x",),
        time_constants=dict.fromkeys(("h", "c") if "dc/dt" in equations else ("h",), "step"),
        step="step",
        citation="as in torch.nn",
    )


def _both(gate: str) -> tuple[tuple[str, str], ...]:
    """What a gate reads: the input and the output of the step before, by weights with the names that torch gives them."""
    return (f"W_i{gate}", "x"), (f"W_h{gate}", "h")


def _elman(name: str, function: str) -> CircuitModel:
    equations = f"    h_new = {function}(drive + b_h) : 1"
    return _map(name, equations, {"drive": (("W_ih", "x"), ("W_hh", "h"))}, ("b_h",))


LSTM = _map(
    "lstm",
    """
    dc/dt = (-c + c_new)/step : 1
    c_new = sigmoid(drive_f + b_f)*c + sigmoid(drive_i + b_i)*tanh(drive_g + b_g) : 1
    h_new = sigmoid(drive_o + b_o)*tanh(c_new) : 1
    """,
    {f"drive_{gate}": _both(gate) for gate in "ifgo"},
    ("b_i", "b_f", "b_g", "b_o"),
)
GRU = _map(
    "gru",
    """
    h_new = (1 - gate_z)*tanh(drive_n + b_n + sigmoid(drive_r + b_r)*(recurrent_n + b_hn)) + gate_z*h : 1
    gate_z = sigmoid(drive_z + b_z) : 1
    """,
    {
        "drive_r": _both("r"),
        "drive_z": _both("z"),
        "drive_n": (("W_in", "x"),),
        "recurrent_n": (("W_hn", "h"),),  # the reset gate scales what recurs alone
    },
    ("b_r", "b_z", "b_n", "b_hn"),
)
MODELS = (
    CORNN,
    _lipschitz("lipschitz", _OPEN),
    _lipschitz("lipschitz_gated", _GATED),
    _antisymmetric("antisymmetric", _OPEN),
    _antisymmetric("antisymmetric_gated", _GATED),
    _elman("elman", "tanh"),
    _elman("elman_relu", "relu"),
    GRU,
    LSTM,
)
