"""The simulators with the arguments of an engine beside those of a simulation, as tests like to give them."""

import organics_neuro as on


def simulate_reference(circuit, z=None, duration=None, dt=1e-4, method="euler", initial=None, noise=None, seed=None):
    """`organics_neuro.simulate` with the engine Reference."""
    engine = on.engines.Reference(dt=dt, method=method, seed=seed)
    return on.simulate(circuit, z, duration, engine, initial=initial, noise=noise)


def simulate_brian(circuit, z=None, duration=None, dt=1e-4, *, noise=None, record=None, every=1, **options):
    """`organics_neuro.simulate` with the engine Brian."""
    engine = on.engines.Brian(dt=dt, **options)
    return on.simulate(circuit, z, duration, engine, noise=noise, record=record, every=every)
