"""What jumps between two steps costs no method its order: the states, or anything that the couplings depend on."""

import warnings

import brian2 as b2
import numpy as np
import pytest
from brian2 import ms

import organics_neuro as on
from organics_neuro.core.errors import StepSizeWarning
from organics_neuro.core.schemes import SCHEMES
from tests.circuits import make_main

UNITS = 4
NEW = np.random.default_rng(5).normal(size=(UNITS, UNITS)) / UNITS
HALF = 4 * ms
KICK = "y = y + 0.5*int(abs(t - 4*ms) < dt/2)"


def make(method, dt, **options):
    group = on.CircuitGroup(make_main(n=UNITS), method=method, dt=dt * ms, **options)
    group.z = [0.6, -0.3, 0.9, 0.2]
    return group, b2.Network(group)


def between_runs(jump):
    """Two runs with a jump between them; how it ends."""

    def run(method, dt):
        group, network = make(method, dt)
        network.run(HALF)
        jump(group, network)
        network.run(HALF)
        return np.array([group.y[:], group.a[:]])

    return run


def assign(group, _network):
    group.y = 0.7


def set_a_part(group, _network):
    group.y[1:3] = 0.8


def set_through_a_view(group, _network):
    group.state("y")[:] = "0.1*i"


def set_states(group, _network):
    group.set_states({"y": np.full(UNITS, -0.5), "a": np.ones(UNITS)})


def new_weights(group, _network):
    group.projections["recurrent"].matrix = NEW


def part_of_the_weights(group, _network):
    group.projections["pool"].matrix[:3] = 1.5


def new_parameter(group, _network):
    group.b0 = 0.9


def new_input(group, _network):
    group.z = -1


def restored(group, network):
    """A detour with other weights, states and inputs, after which all is as it was."""
    network.store("before")
    new_weights(group, network)
    set_a_part(group, network)
    new_input(group, network)
    network.run(HALF)
    network.restore("before")
    set_a_part(group, network)


def another_dt(group, _network):
    group.clock.dt = group.clock.dt / 4


def in_a_step(method, dt):
    """Code of the user kicks the states in the middle of a run."""
    group, network = make(method, dt)
    group.run_regularly(KICK, when="start")
    network.run(2 * HALF)
    return np.array([group.y[:], group.a[:]])


def by_a_spike(method, dt):
    group, network = make(method, dt)
    spike = b2.SpikeGeneratorGroup(1, [0], [HALF - dt * ms], dt=dt * ms)  # it arrives when the step has been made
    synapses = b2.Synapses(spike, group, on_pre="y_post += 0.5")
    synapses.connect()
    network.add(spike, synapses)
    network.run(2 * HALF)
    return np.array([group.y[:], group.a[:]])


JUMPS = {
    jump.__name__: between_runs(jump)
    for jump in (
        assign,
        set_a_part,
        set_through_a_view,
        set_states,
        new_weights,
        part_of_the_weights,
        new_parameter,
        new_input,
        restored,
        another_dt,
    )
} | {"in_a_step": in_a_step, "by_a_spike": by_a_spike}


@pytest.mark.parametrize("method", [name for name, scheme in SCHEMES.items() if scheme.coupling == "extrapolated"])
@pytest.mark.parametrize("run", JUMPS.values(), ids=JUMPS)
def test_the_order_survives(run, method):
    """Against Runge-Kutta 4, which remembers nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StepSizeWarning)
        exact = run("rk4", 0.05)
        errors = [np.abs(run(method, dt) - exact).max() for dt in (0.2, 0.1)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(SCHEMES[method].order, abs=0.2)


def test_states_that_are_assigned_begin_anew():
    """The next step is that of a new group, so a simulation can be repeated."""
    ends = []
    group, network = make("ab2", 0.1)
    for _ in range(2):
        group.y, group.a = group.circuit.initial["y"], group.circuit.initial["a"]
        network.run(1 * ms)
        ends.append(group.y[:])
    np.testing.assert_array_equal(*ends)
