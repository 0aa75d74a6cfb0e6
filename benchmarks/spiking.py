"""One network of a circuit, Poisson and Hodgkin-Huxley neurons, against the same in plain Brian2. ``python -m benchmarks.spiking``

All are C++ programs on one core. The circuit by hand has `Synapses` for its couplings; couplings by hand are linked variables
and `Synapses`, beside the same circuit. A part costs what its network takes longer than the circuit alone.
"""

import brian2 as b2
import numpy as np
from brian2 import Hz, ms, mV, nA, nS, pF

import organics_neuro as on
from benchmarks import harness as h
from benchmarks.tables import Table

#: Units of the circuit, Poisson neurons and Hodgkin-Huxley neurons.
_SIZES = 1000, 10_000, 1000
_MAXIMUM, _TAU = 100 * Hz, 10 * ms
_CHANNELS = {"C": 200 * pF, "g_L": 10 * nS, "E_L": -70 * mV, "g_Na": 20000 * nS, "E_Na": 50 * mV, "g_K": 6000 * nS}
_HH = """
dv/dt = (g_L*(E_L - v) + g_Na*m**3*h*(E_Na - v) + g_K*n**4*(E_K - v) + I_syn)/C : volt
dm/dt = 1.28/exprel((13*mV - v + V_T)/(4*mV))/ms*(1 - m) - 1.4/exprel((v - V_T - 40*mV)/(5*mV))/ms*m : 1
dh/dt = 0.128*exp((17*mV - v + V_T)/(18*mV))/ms*(1 - h) - 4/(1 + exp((40*mV - v + V_T)/(5*mV)))/ms*h : 1
dn/dt = 0.16/exprel((15*mV - v + V_T)/(5*mV))/ms*(1 - n) - 0.5*exp((10*mV - v + V_T)/(40*mV))/ms*n : 1
"""


def circuit(units, inputs=None, equations=""):
    """A ring as a group, driven at all units."""
    made = on.CircuitGroup(on.ring(units), inputs=inputs, equations=equations)
    if inputs is None:
        made.z = np.random.default_rng(0).random(units)
    return made


def circuit_by_hand(units):
    """The same equations, with dense couplings as `Synapses`."""
    ring = on.ring(units)
    group = b2.NeuronGroup(
        units,
        """
        dy/dt = (-y + b*z + (1 - sqrt(clip(a, 0, inf)))*recurrent)/tau_y : 1
        da/dt = (-a + (sigma*b)**2 + pool)/tau_a : 1
        z : 1
        recurrent : 1
        pool : 1
        """,
        method="euler",
        namespace={"b": 0.5, "sigma": 0.1} | {key: ring.parameters[key] * b2.second for key in ("tau_y", "tau_a")},
    )
    group.z = np.random.default_rng(0).random(units)
    made = [group]
    for key, target, source in (("W_r", "recurrent", "y_pre"), ("W", "pool", "clip(a_pre, 0, inf)*y_pre**2")):
        matrix = ring.weights[key].to_dense()
        post, pre = np.nonzero(matrix)
        synapses = b2.Synapses(group, group, f"w : 1\n{target}_post = w*{source} : 1 (summed)")
        synapses.connect(i=pre, j=post)
        synapses.w = matrix[post, pre]
        made.append(synapses)
    return made


def poisson(group, cells):
    return [on.rate_to_spikes(group, maximum=_MAXIMUM, cells=cells // len(group))]


def poisson_by_hand(group, cells):
    text = "rate : 1 (linked)"
    made = b2.NeuronGroup(cells, text, threshold="rand() < 1 - exp(-top*rate*dt)", namespace={"top": _MAXIMUM})
    made.rate = b2.linked_var(group, "rate_y", index=np.arange(cells) // (cells // len(group)))
    return [made]


def hodgkin_huxley(neurons, text):
    """Neurons at rest."""
    options = {"threshold": "v > -20*mV", "refractory": "v > -40*mV", "method": "exponential_euler"}
    namespace = _CHANNELS | {"E_K": -90 * mV, "V_T": -63 * mV, "gain": 4 * nA}
    made = b2.NeuronGroup(neurons, _HH + text, namespace=namespace, **options)
    made.v, made.h = -70 * mV, 1
    return made


def current(group, neurons):
    made = hodgkin_huxley(neurons, "I_syn : amp")
    return [made, on.rate_to_current(group, made, gain=4 * nA)]


def current_by_hand(group, neurons):
    made = hodgkin_huxley(neurons, "I_syn = gain*rate : amp\nrate : 1 (linked)")
    made.rate = b2.linked_var(group, "rate_y")
    return [made]


def back(spikes, group):
    return [on.spikes_to_rate(spikes, group, weights=on.AllToAll(len(group), 0.1 / len(group)), tau=_TAU)]


def back_by_hand(spikes, group):
    """Filtered spikes of a unit, the mean of which is added to the input of all."""
    filtered = b2.NeuronGroup(len(group), "drate/dt = -rate/tau : 1", method="exact", namespace={"tau": _TAU})
    cells = len(spikes) // len(group)
    into = b2.Synapses(spikes, filtered, on_pre=f"rate_post += {1 / (cells * float(_TAU * _MAXIMUM))!r}")
    into.connect(j=f"i//{cells}")
    mean = b2.NeuronGroup(1, "m : 1")
    total = b2.Synapses(filtered, mean, f"m_post = rate_pre*{0.1 / len(group)!r} : 1 (summed)")
    total.connect()
    group.feedback = b2.linked_var(mean, "m", index=np.zeros(len(group), int))
    return [filtered, into, mean, total]


def networks(units, cells, neurons):
    """By part: the objects of both networks, as functions."""
    hearing = {"inputs": {"z": "drive + feedback"}, "equations": "drive : 1\nfeedback : 1 (linked)"}

    def beside(make, *parts, **options):
        group = circuit(units, **options)
        if options:
            group.drive = np.random.default_rng(0).random(units)
        return make(group, *parts)

    def everything(group):
        spikes, hh = poisson(group, cells), current(group, neurons)
        return [group, *spikes, *hh, *back(spikes[0], group)]

    def everything_by_hand(group):
        spikes, hh = poisson_by_hand(group, cells), current_by_hand(group, neurons)
        return [group, *spikes, *hh, *back_by_hand(spikes[0], group)]

    def with_(make, count):
        return lambda: beside(lambda group: [group, *make(group, count)])

    return {
        "circuit": (lambda: [circuit(units)], lambda: circuit_by_hand(units)),
        "Poisson": (with_(poisson, cells), with_(poisson_by_hand, cells)),
        "Hodgkin-Huxley": (with_(current, neurons), with_(current_by_hand, neurons)),
        "all": (lambda: beside(everything), lambda: beside(everything_by_hand, **hearing)),
    }


def main():
    sizes, _ = h.arguments(__doc__, int, *_SIZES)
    h.pin()
    b2.defaultclock.dt = 0.05 * ms
    table = Table("spiking", ["part", "us/step", "by hand", "times ours", "MB", "MB by hand", "s for 1 s"])
    guesses = {"circuit": 5e-5, "Poisson": 3e-4, "Hodgkin-Huxley": 3e-4, "all": 6e-4}
    made = {
        (part, who): h.brian(part, "cpp", make, 5e-3 if (part, who) == ("circuit", 1) else guesses[part])
        for part, both in networks(*sizes).items()
        for who, make in enumerate(both)
    }
    times = dict(zip(made, h.race(list(made.values())).T, strict=True))
    for part in guesses:
        ours, theirs = (times[part, who] for who in (0, 1))
        if part in ("Poisson", "Hodgkin-Huxley"):  # beside the circuit
            ours, theirs = ours - times["circuit", 0], theirs - times["circuit", 0]
        memory = [h.program_memory(made[part, who]) / 2**20 for who in (0, 1)]
        step, ratio = np.median(ours), np.median(theirs / ours)
        table.add(part, step * 1e6, np.median(theirs) * 1e6, ratio, *memory, step * 20000)


if __name__ == "__main__":
    main()
