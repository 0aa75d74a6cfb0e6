"""Poisson neurons over many steps: Fano factors, correlations, dead time, seeds; and what is refused or warned of."""

import brian2 as b2
import numpy as np
import pytest
from brian2 import Hz, ms

import organics_neuro as on
from organics_neuro.core.errors import StepSizeWarning

STEPS, CELLS, DT = 12000, 20, 1 * ms


def counts(rates, width, **options):
    """Spikes of cells in windows of so many steps, shape (units, cells, windows), and the probability in a step."""
    group = b2.NeuronGroup(len(rates), "r : 1", dt=DT)
    group.r = rates
    cells = on.rate_to_spikes(group, rate="r", maximum=100 * Hz, cells=CELLS, **options)
    monitor = b2.SpikeMonitor(cells)
    b2.seed(3)
    b2.Network(group, cells, monitor).run(STEPS * DT)
    found = np.zeros((len(cells), STEPS))
    found[monitor.i, np.rint(monitor.t / DT).astype(int)] = 1
    return found.reshape(len(rates), CELLS, -1, width).sum(axis=-1), -np.expm1(-np.array(rates) * 0.1)


@pytest.mark.parametrize("correlation", [0.0, 0.05, 0.4, 1.0])
def test_counts_are_poisson_and_correlated(correlation):
    """The variance of single counts and of their sum over the cells, around the known mean, within four standard errors."""
    fine, p = counts([0.2, 0.9], 1, correlation=correlation)
    for width in (1, 20):
        found = fine.reshape(2, CELLS, -1, width).sum(axis=-1) - (width * p)[:, None, None]
        variance = width * p * (1 - p)
        windows = found.shape[-1]
        spread = np.sqrt((2 + 1 / (width * p)) / windows)  # of a variance of Poisson counts, relative
        fano = (found**2).mean(axis=(1, 2)) / variance
        np.testing.assert_allclose(fano, 1, atol=4 * spread.max())
        together = (found.sum(axis=1) ** 2).mean(axis=-1) / variance
        measured = (together / CELLS - 1) / (CELLS - 1)
        scale = (1 + (CELLS - 1) * correlation) / (CELLS - 1)
        assert np.all(np.abs(measured - correlation) < 4 * scale * spread)


def test_dead_time_keeps_the_rate_and_makes_counts_regular():
    """The Fano factor of a renewal process is the squared coefficient of variation of its intervals."""
    dead, width = 8, 200
    found, q = counts([0.1, 0.5, 1.0], width, dead_time=dead * DT)
    p = q / (1 - (dead - 1) * q)
    regularity = (1 - p) * (q / p) ** 2
    samples = CELLS * STEPS
    assert np.all(np.abs(found.mean(axis=(1, 2)) / width - q) < 4 * np.sqrt(q * regularity / samples))
    fano = found.var(axis=(1, 2)) / found.mean(axis=(1, 2))
    np.testing.assert_allclose(fano, regularity, rtol=4 * np.sqrt(2 * width / samples), atol=0.01)
    assert regularity[-1] < 0.2


def test_spikes_repeat_with_the_seed_of_brian():
    np.testing.assert_array_equal(counts([0.5], 600)[0], counts([0.5], 600)[0])


def test_rates_of_states_with_units_and_of_several_clocks():
    group = b2.NeuronGroup(2, "r : Hz", dt=2 * ms)
    group.r = [5, 20] * Hz
    cells = on.rate_to_spikes(group, rate="r", maximum=1, cells=3, dt=0.5 * ms)
    b2.Network(group, cells).run(2 * ms)
    np.testing.assert_allclose(cells.rate / Hz, np.repeat([5, 20], 3))
    np.testing.assert_allclose(cells.spike_probability, -np.expm1(-np.repeat([5, 20], 3) * 5e-4), rtol=1e-12)


def test_a_likely_spike_is_warned_of():
    group = on.CircuitGroup(on.Circuit("two_type", size=2), dt=1 * ms)
    with pytest.warns(
        StepSizeWarning, match="at maximum = 200. Hz a neuron of .* fires in 18% of all steps of 0.001 s"
    ):
        on.rate_to_spikes(group, maximum=200 * Hz)
