"""
What divides the response of Hodgkin-Huxley neurons?
====================================================

A circuit asks for a division by 1, 1.5 and 2. Curves are fitted by the first one, times a gain and shifted along the drive;
fits are printed with two standard errors. A shunt divides the membrane potential below threshold (by 1.56 and 2.08), but not
the firing rate (gain 1.03 and 1.08): it shifts the curve, for spikes keep the mean potential near threshold (Holt and Koch
1997). A balanced, noisy background that grows with the normalizer divides the rate (Chance, Abbott and Reyes 2002): 0.81 and
0.51. Its strength was chosen for the second; the first does not follow in proportion. A drive that is scaled down gives 0.75
and 0.61, as the curve bends.

With "cpp" as argument, the same script runs as a C++ program, which is much faster.
"""

import sys
from typing import Any

import brian2 as b2
import matplotlib.pyplot as plt
import numpy as np
from brian2 import ms, mV, nS, pA, pF
from scipy.optimize import curve_fit

import organics_neuro as on

on.use_device(sys.argv[1] if len(sys.argv) > 1 else "runtime")
b2.seed(1)
b2.defaultclock.dt = 0.05 * ms
circuit, divisors = on.Circuit("two_type", size=1), np.array([1, 1.5, 2])
v1 = on.CircuitGroup(circuit, trials=3, equations="excess = sqrt(a)/(sigma*b0) - 1 : 1", name="v1")
v1.z = 0.1 * np.sqrt(divisors[:, None] ** 2 - 1)  # then sqrt(a) is sigma*b0 times the divisor

below, above = np.linspace(0, 60, 8), np.linspace(0, 900, 13)  # drives in pA
ways = {"potential with a shunt (mV)": (below, 1), "rate with a shunt (Hz)": (above, 1)}  # and cells for each drive
ways |= {"rate with a background (Hz)": (above, 16), "rate with a scaled drive (Hz)": (above, 1)}
kinds = np.repeat(np.arange(4), [len(drive) * cells for drive, cells in ways.values()])
channels = {"C": 200 * pF, "g_L": 10 * nS, "E_L": -70 * mV, "g_Na": 20000 * nS, "E_Na": 50 * mV, "g_K": 6000 * nS}
channels |= {"E_K": -90 * mV, "V_T": -63 * mV, "E_i": -75 * mV, "e_0": 12 * nS, "i_0": 51.6 * nS}
text = """
dv/dt = ((g_L + shunt)*(E_L - v) + g_Na*m**3*h*(E_Na - v) + g_K*n**4*(E_K - v) + I_in - g_e*v + g_i*(E_i - v))/C : volt
dm/dt = 1.28/exprel((13*mV - v + V_T)/(4*mV))/ms*(1 - m) - 1.4/exprel((v - V_T - 40*mV)/(5*mV))/ms*m : 1
dh/dt = 0.128*exp((17*mV - v + V_T)/(18*mV))/ms*(1 - h) - 4/(1 + exp((40*mV - v + V_T)/(5*mV)))/ms*h : 1
dn/dt = 0.16/exprel((15*mV - v + V_T)/(5*mV))/ms*(1 - n) - 0.5*exp((10*mV - v + V_T)/(40*mV))/ms*n : 1
shunt = g_L*excess*int(way < 2) : siemens
strength = (1 + 3.3*excess)*int(way == 2) : 1
I_in = drive/(1 + excess*int(way == 3)) : amp
excess : 1
drive : amp (constant)
way : integer (constant)
g_e : siemens
g_i : siemens
"""
options: dict[str, Any] = {
    "threshold": "v > -20*mV",
    "refractory": "v > -40*mV",
    "method": "exponential_euler",
    "name": "hh",
}
hh = on.set_trials(b2.NeuronGroup(3 * len(kinds), text, namespace=channels, **options), trials=3)
hh.v, hh.h, hh.way = channels["E_L"], 1, np.tile(kinds, 3)
hh.drive = np.tile(np.concatenate([np.repeat(drive, cells) for drive, cells in ways.values()]), 3) * pA
noise = (
    "g_{0} = clip(g_{0} + ({0}_0*strength - g_{0})*dt/{1} + {2}*{0}_0*sqrt(2*strength*dt/{1})*randn(), 0*nS, inf*nS)"
)
hh.run_regularly(noise.format("e", "(2.7*ms)", 0.5) + "\n" + noise.format("i", "(10.5*ms)", 0.25))
asks = on.rate_to_current(v1, hh, "excess", rate="excess", weights=np.ones((len(kinds), 1)))
spikes, potential = b2.SpikeMonitor(hh, record=False), b2.StateMonitor(hh, "v", record=True, dt=2 * ms)
b2.Network(v1, hh, asks, spikes, potential).run(1 * b2.second)

found = [np.mean(potential.v / mV, axis=1) + 70, *[np.asarray(spikes.count)] * 3]
figure, axes = plt.subplots(1, 4, figsize=(14, 3.4), layout="constrained")
for k, (ax, (name, (drive, cells))) in enumerate(zip(axes, ways.items(), strict=True)):
    first, *others = found[k].reshape(3, -1)[:, kinds == k].reshape(3, len(drive), cells).mean(axis=2)
    shape = lambda x, gain, shift: gain * np.interp(x - shift, drive, first)  # noqa: B023, E731
    ax.plot(drive, first, "o-", ms=4, label="1")
    for curve, divisor in zip(others, divisors[1:], strict=True):
        fit, covariance = curve_fit(shape, drive, curve, p0=(0.9, 0.01 * drive[-1]))
        gain, shift = (f"{x:.2f} ± {2 * e:.2f}" for x, e in zip(fit, np.sqrt(np.diag(covariance)), strict=True))
        print(f"{name}: asked {1 / divisor:.2f}, gain {gain}, shift {shift} pA")
        (points,) = ax.plot(drive, curve, "o", ms=4, label=f"1/{divisor:g}: gain {gain}")
        ax.plot(drive, shape(drive, *fit), color=points.get_color())
    ax.set(xlabel="drive (pA)", ylabel=name)
    ax.legend(title="asked for, and found", fontsize=8, frameon=False)
plt.show()
