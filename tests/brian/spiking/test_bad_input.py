"""What the couplings refuse: one sentence each, before anything is compiled."""

import brian2 as b2
import numpy as np
import pytest
from brian2 import Hz, mA, ms, mV, nA, nS

import organics_neuro as on
from tests.circuits import make_gated, make_main


def group(trials=1, n=4, name="v1"):
    return on.CircuitGroup(make_main(n=n), trials, name=name, dt=0.1 * ms)


def neurons(count=4, name="lif", threshold="v > 1"):
    text = "dv/dt = -v/(10*ms) : 1\nI_syn : amp\ng_syn : siemens\nx : 1\nfixed = 2*x : 1"
    return b2.NeuronGroup(
        count, text, threshold=threshold, reset=threshold and "v = 0", method="exact", name=name, dt=0.1 * ms
    )


CASES = {
    "no such output": (
        lambda: on.rate_to_spikes(group(), "rate_q"),
        ValueError,
        "unknown output 'rate_q'; known: 'rate_y'",
    ),
    "no such variable": (
        lambda: on.rate_to_spikes(neurons(), "q"),
        ValueError,
        "unknown variable 'q'; known: .*'v'",
    ),
    "no group": (lambda: on.rate_to_spikes(make_main()), TypeError, "group must be a group of neurons, got <Circuit"),
    "maximum in a wrong unit": (
        lambda: on.rate_to_spikes(group(), maximum=1 * mV),
        on.errors.UnitError,
        r"maximum\*rate_y has the unit volt, but a rate has the unit hertz",
    ),
    "negative maximum": (
        lambda: on.rate_to_spikes(group(), maximum=-1 * Hz),
        ValueError,
        "maximum must be finite and not below 0, got -1. Hz",
    ),
    "more than one spike in a step": (
        lambda: on.rate_to_spikes(group(), maximum=20000 * Hz),
        ValueError,
        "maximum = 20. kHz is more than one spike in a step of 0.0001 s; use a smaller dt",
    ),
    "dead time": (
        lambda: on.rate_to_spikes(group(), dead_time=20 * ms),
        ValueError,
        "a neuron with dead_time = 20. ms cannot fire at maximum = 100. Hz; make one smaller",
    ),
    "dead time in a wrong unit": (
        lambda: on.rate_to_spikes(group(), dead_time=20 * mV),
        on.errors.UnitError,
        "dead_time = 20. mV has the unit volt, but must have second",
    ),
    "cells": (lambda: on.rate_to_spikes(group(), cells=0), ValueError, "cells must be a positive integer, got 0"),
    "correlation": (
        lambda: on.rate_to_spikes(group(), correlation=1.5),
        ValueError,
        "correlation must be a probability between 0 and 1, got 1.5",
    ),
    "current in a wrong unit": (
        lambda: on.rate_to_current(group(), neurons(), gain=1 * mV),
        on.errors.UnitError,
        r"gain\*rate_y has the unit volt, but lif.I_syn has the unit amp",
    ),
    "no such target": (
        lambda: on.rate_to_current(group(), neurons(), "I", 1 * nA),
        ValueError,
        "the target 'lif' has no variable 'I'",
    ),
    "a state as target": (
        lambda: on.rate_to_current(group(), neurons(), "v"),
        TypeError,
        "lif.v cannot be written by a projection: declare it as a plain variable",
    ),
    "an expression as target": (
        lambda: on.rate_to_current(group(), neurons(), "fixed"),
        TypeError,
        "lif.fixed cannot be written",
    ),
    "sizes": (
        lambda: on.rate_to_current(group(), neurons(5), gain=1 * nA),
        ValueError,
        r"the source 'v1' has 4 units and the target 'lif' 5; give weights of shape \(5, 4\)",
    ),
    "weights of a wrong shape": (
        lambda: on.rate_to_current(group(), neurons(5), gain=1 * nA, weights=np.ones((4, 5))),
        ValueError,
        r"weights of shape \(4, 5\) do not fit: from 'v1' to 'lif' they must have the shape \(5, 4\)",
    ),
    "negative conductance": (
        lambda: on.rate_to_conductance(group(), neurons(), gain=-1 * nS),
        ValueError,
        "gain must be finite and not below 0, got -1. nS",
    ),
    "negative weights of a conductance": (
        lambda: on.rate_to_conductance(group(), neurons(), gain=1 * nS, weights=-np.eye(4)),
        ValueError,
        "weights of a conductance must not be negative, but the smallest is -1",
    ),
    "delay shorter than a step": (
        lambda: on.rate_to_current(group(), neurons(), gain=1 * nA, delay=0.02 * ms),
        ValueError,
        "the delay of the coupling of 'v1' to 'lif', 2e-05 s, is shorter than the step dt = 0.0001 s",
    ),
    "a target without trials": (
        lambda: on.rate_to_current(group(3), neurons(12), gain=1 * nA),
        ValueError,
        r"the target 'lif' does not say how many trials it has, but the source 'v1' has 3; say set_trials\(lif, 3\)",
    ),
    "other trials": (
        lambda: on.rate_to_current(group(3), on.set_trials(neurons(12), 2), gain=1 * nA),
        ValueError,
        "the source 'v1' has 3 trials, but the target 'lif' has 2; both must have the same",
    ),
    "a source without trials": (
        lambda: on.spikes_to_rate(neurons(), group(3)),
        ValueError,
        r"the source 'lif' does not say how many trials it has, .* set_trials\(lif, 3\); broadcast=True lets all trials",
    ),
    "no spikes": (
        lambda: on.spikes_to_rate(neurons(threshold=None), group()),
        ValueError,
        "'lif' has no threshold, so it never fires",
    ),
    "a drive of a state": (
        lambda: on.spikes_to_rate(neurons(), group(), "y"),
        ValueError,
        r"v1.y is a state, which the circuit itself sets; drive one of its inputs, 'z', or make .* replaced=\{'y': mask\}",
    ),
    "a drive of a coupling": (
        lambda: on.spikes_to_rate(neurons(), group(), "pool"),
        ValueError,
        "v1.pool is set by the circuit itself; drive one of its inputs, 'z'",
    ),
    "a drive of nothing": (
        lambda: on.spikes_to_rate(neurons(), group(), "q"),
        ValueError,
        "'v1': unknown target 'q'; known: 'z'",
    ),
    "a drive in a wrong unit": (
        lambda: on.spikes_to_rate(neurons(), group(), gain=1 * mA),
        on.errors.UnitError,
        "gain has the unit amp, but v1.z has the unit 1",
    ),
    "a drive of some trials": (
        lambda: on.spikes_to_rate(on.set_trials(neurons(8), 2), group(3)[:8]),
        ValueError,
        "the target must be all trials of 'v1', got 8 of its 12 neurons",
    ),
    "tau": (lambda: on.spikes_to_rate(neurons(), group(), tau=0 * ms), ValueError, "tau must be larger than 0"),
    "kernel": (
        lambda: on.spikes_to_rate(neurons(), group(), kernel="box"),
        ValueError,
        "unknown kernel 'box'; known: 'exp', 'alpha'",
    ),
    "late spikes": (
        lambda: on.spikes_to_rate(neurons(), group(), delay=0.03 * ms),
        ValueError,
        "the delay of the spikes of 'lif', 3e-05 s, is shorter than the step",
    ),
    "an external input of another size": (
        lambda: on.spikes_to_rate(neurons(), on.CircuitGroup(make_gated(n=4, inputs=3), name="high"), "x"),
        ValueError,
        r"the source 'lif' has 4 units and the target 'high.x' 3; give weights of shape \(3, 4\)",
    ),
    "not a multiple": (
        lambda: on.set_trials(neurons(), 3),
        ValueError,
        "'lif' has 4 neurons, .* no multiple of 3 trials x 1",
    ),
    "trials twice": (
        lambda: on.set_trials(group(2), 4),
        ValueError,
        "'v1' has 2 trials of 4 units with 1 cells already",
    ),
    "a part": (lambda: on.set_trials(neurons()[:2], 2), TypeError, "must be a group of neurons, and not a part of one"),
    "a variable of that name": (
        lambda: on.set_trials(b2.NeuronGroup(4, "cells : 1", name="lif"), 2),
        ValueError,
        "the variable 'cells' of 'lif' has a name that says how neurons are laid out",
    ),
    "no synapses": (lambda: on.within_trials(neurons()), TypeError, "synapses must be brian2.Synapses, got Neuron"),
    "p and j": (
        lambda: on.within_trials(b2.Synapses(group(2), group(2, name="v2")), p=0.1, j="i"),
        ValueError,
        "give one of p, j and weights, got p and j",
    ),
    "synapses between other trials": (
        lambda: on.within_trials(b2.Synapses(group(2), neurons(8)), p=0.1),
        ValueError,
        "the target 'lif' does not say how many trials it has",
    ),
    "weights of synapses": (
        lambda: on.within_trials(b2.Synapses(group(), neurons(), "w : volt"), weights=np.eye(4) * nA),
        on.errors.UnitError,
        "weights have the unit amp, but .*w has volt",
    ),
    "shape of the weights of synapses": (
        lambda: on.within_trials(b2.Synapses(group(), neurons(), "w : 1"), weights=np.eye(3)),
        ValueError,
        r"weights have shape \(3, 3\), .* they must have \(4, 4\)",
    ),
    "no variable for the weights": (
        lambda: on.within_trials(b2.Synapses(group(), neurons()), weights=np.eye(4)),
        ValueError,
        "has no variable 'w' for the weights; add 'w : 1' to its model",
    ),
    "a potential of neurons": (lambda: on.lfp(neurons()), TypeError, "group must be a CircuitGroup, got NeuronGroup"),
    "a potential of other units": (
        lambda: on.lfp(group(), np.ones((2, 3))),
        ValueError,
        "they must have one column for each of the 4 units",
    ),
    "a potential of no drives": (
        lambda: on.lfp(
            on.CircuitGroup(
                on.Circuit(on.CircuitModel("walk", "dx/dt = 1/tau : 1\ntau : second", parameters={"tau": 1e-3}), size=2)
            )
        ),
        ValueError,
        "source",
    ),
}


@pytest.mark.parametrize(("call", "error", "message"), CASES.values(), ids=CASES)
def test_one_clear_sentence(call, error, message):
    with pytest.raises(error, match=message) as raised:
        call()
    assert "\n" not in str(raised.value)


def test_j_outside_of_a_trial_is_refused_or_left_out():
    synapses = b2.Synapses(group(2), group(2, name="v2"))
    with pytest.raises(Exception, match="index j=-1 outside allowed range|-1"):
        on.within_trials(synapses, j="i + 1")
    synapses = b2.Synapses(group(2, name="v3"), group(2, name="v4"))
    on.within_trials(synapses, j="i + 1", skip_if_invalid=True)
    assert sorted(zip(synapses.i, synapses.j, strict=True)) == [(i, i + 1) for i in (0, 1, 2, 4, 5, 6)]
