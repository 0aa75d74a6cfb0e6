"""Stabilized supralinear networks: excitation and inhibition whose rates are powers of their input, [input]+^n.

A unit sends k [v]+^n times its own sign (Dale's principle): the weights are magnitudes, and ``signs`` says which units
inhibit. The potential form low-passes the input of a rate, tau dv/dt = -v + z + W (signs k [v]+^n), the rate form the rate
itself, tau dr/dt = -r + k [z + W (signs r)]+^n. Where all units share one tau, v = z + W (signs r) turns one into the
other, so both have the same steady rates and the same eigenvalues.

Gain grows with activity. At weak drive recurrence adds up; at strong drive inhibition takes over, and what the network
gives grows slower than its input: normalization without a unit that divides. Unlike the circuits of the two-type family it
may be unstable: a slow inhibition oscillates.
"""

from organics_neuro.core.declaration import CONSTANT
from organics_neuro.core.model import Coupling
from organics_neuro.core.terms import Term, combine

RUBIN = (
    "D. B. Rubin, S. D. Van Hooser, K. D. Miller, The stabilized supralinear network: a unifying circuit motif "
    "underlying multi-input integration in sensory cortex, Neuron 85 (2015) 402-417"
)
SOO = (
    "W. W. M. Soo, M. Lengyel, Training stochastic stabilized supralinear networks by dynamics-neutral growth, NeurIPS "
    "2022; equations after the authors' public code"
)
_UNITS = Term(
    """
    z : 1                                                           # input drive
    recurrent : 1
    k : 1                                                           # rate at an input of 1
    n : 1                                                           # exponent
    signs : 1                                                       # 1 of units that excite, -1 of those that inhibit
    """,
    parameters={"k": 0.3, "n": 2.0, "signs": 1.0},
    positive=("k", "n"),
    encoders={"z": "W_zx"},
)
_FIXED = {name: CONSTANT for name in ("k", "n", "signs")}
_RATE = "k*relu(v)**n"
#: What each unit gets beside its input: nothing, or a mixture of Ornstein-Uhlenbeck processes. White noise of the amplitude
#: sqrt(2) on eta gives each process the variance 1, and what a unit gets the covariance W_noise W_noiseᵀ.
_SILENT = Term("    noise = 0 : 1")
_NOISE = Term(
    """
    deta/dt = -eta/tau_eta : 1
    noise : 1
    tau_eta : second
    """,
    couplings=(Coupling("noise", "W_noise", "eta", default="identity"),),
    parameters={"tau_eta": 20e-3},
)
_POTENTIALS = Term(
    """
    dv/dt = (-v + z + recurrent + noise)/tau_v : 1                  # potential
    tau_v : second
    """,
    couplings=(Coupling("recurrent", "W", f"signs*{_RATE}", nonnegative=True),),
    parameters={"tau_v": 20e-3},
    outputs={"rate_v": _RATE},
)
_RATES = Term(
    """
    dr/dt = (-r + k*relu(z + recurrent)**n)/tau_r : 1               # firing rate
    tau_r : second
    """,
    couplings=(Coupling("recurrent", "W", "signs*r", nonnegative=True),),
    parameters={"tau_r": 20e-3},
    outputs={"rate_r": "r"},
)
MODELS = (
    combine("ssn", _POTENTIALS, _UNITS, _SILENT, parametrizations=_FIXED, citation=SOO),
    combine("ssn_noisy", _POTENTIALS, _UNITS, _NOISE, parametrizations=_FIXED, citation=SOO),
    combine("ssn_rate", _RATES, _UNITS, parametrizations=_FIXED, citation=RUBIN),
)
