"""Wilson-Cowan dynamics: the subtractive form that is compared with divisive normalization, and the field of two populations.

In the subtractive form units inhibit each other by W f(x), where f(x) = x (|x| + floor_f)^(p - 1), about |x|^p with the sign of
x, saturates for p < 1; the floor keeps its slope at 0 finite. `organics_neuro.weights.wilson_cowan_from_normalization` gives it
the steady state of divisive normalization at one stimulus. At another contrast the same weights subtract what they subtract:
the response does not saturate as normalization does (J. Malo et al., 2024, know weights that follow the signal).

In the field every place has an excitatory and an inhibitory population, of the rates r_e and r_i, which reach others
through synapses, s_e and s_i, that saturate at 1.
"""

from organics_neuro.core.model import CircuitModel, Coupling

_PAPER = "H. R. Wilson, J. D. Cowan, Excitatory and inhibitory interactions in localized populations of model neurons, Biophysical Journal 12 (1972) 1-24"
_SENT = "x*(abs(x) + floor_f)**(p - 1)"
WILSON_COWAN = CircuitModel(
    "wilson_cowan",
    """
    dx/dt = (z - alpha*x - inhibition)/tau_x : 1
    z : 1                                                           # input drive
    inhibition : 1
    alpha : 1                                                       # leak
    p : 1                                                           # exponent of what units send
    floor_f : 1
    tau_x : second
    """,
    couplings=(Coupling("inhibition", "W", _SENT),),
    parameters={"alpha": 1.0, "p": 0.7, "floor_f": 1e-3, "tau_x": 10e-3},
    positive=("alpha", "p"),
    encoders={"z": "W_zx"},
    outputs={"rate_x": "x"},
    citation=(
        f"{_PAPER}; subtractive form after J. Malo, J. J. Esteve-Taboada, M. Bertalmío, Cortical divisive normalization "
        "from Wilson-Cowan neural dynamics, Journal of Nonlinear Science 34 (2024)"
    ),
)
FIELD = CircuitModel(
    "wilson_cowan_field",
    """
    dr_e/dt = (-r_e + sigmoid((gain_e*z + ee - ei - theta)/kappa_e))/tau_e : 1   # excitation
    dr_i/dt = (-r_i + sigmoid((gain_i*z + ie - ii - theta)/kappa_i))/tau_i : 1   # inhibition
    ds_e/dt = (-s_e + gamma_e*r_e*(1 - s_e) + rest_e)/tau_s : 1                  # what arrives of each
    ds_i/dt = (-s_i + gamma_i*r_i*(1 - s_i) + rest_i)/tau_s : 1
    z : 1                                                                        # contrast
    ee : 1
    ei : 1
    ie : 1
    ii : 1
    gain_e : 1
    gain_i : 1
    theta : 1                                                                    # threshold
    kappa_e : 1                                                                  # how soft it is
    kappa_i : 1
    gamma_e : 1                                                                  # synaptic gain
    gamma_i : 1
    rest_e : 1                                                                   # what arrives without rates
    rest_i : 1
    tau_e : second
    tau_i : second
    tau_s : second
    """,
    couplings=tuple(Coupling(f"{to}{of}", f"W_{to}{of}", f"s_{of}", nonnegative=True) for of in "ei" for to in "ei"),
    parameters={
        "gain_e": 2.0,
        "gain_i": 1.0,
        "theta": 0.4,
        "kappa_e": 0.2,
        "kappa_i": 0.02,
        "gamma_e": 1.0,
        "gamma_i": 2.0,
        "rest_e": 0.2,
        "rest_i": 0.05,
        "tau_e": 2e-3,
        "tau_i": 8e-3,
        "tau_s": 10e-3,
    },
    positive=("kappa_e", "kappa_i", "gamma_e", "gamma_i"),
    encoders={"z": "W_zx"},
    time_constants={"r_e": "tau_e", "r_i": "tau_i", "s_e": "tau_s", "s_i": "tau_s"},
    outputs={"rate_e": "r_e", "rate_i": "r_i"},
    citation=f"{_PAPER}; synapses and values as in the code released with S. Rawat, S. Martiniani (martiniani-lab/spectre)",
)
MODELS = (WILSON_COWAN, FIELD)
