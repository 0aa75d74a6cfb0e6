"""Sweeps on a cluster of two workers, one of which is killed in the middle."""

import os
import signal
import threading
import time

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.engines import Reference

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def client():
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "preload": ["brian2"]}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        yield client


@pytest.mark.slow
def test_a_cluster_measures_what_one_process_does(client, tmp_path):
    arguments = {"contrasts": [0.1, 1.0], "engine": "theory"}
    grid = {"sigma": [0.1, 0.2], "b": [0.5, 1.0]}
    found = on.experiments.sweep("contrast_response", on.ring(9), grid, tmp_path / "cluster", client, **arguments)
    alone = on.experiments.sweep("contrast_response", on.ring(9), grid, tmp_path / "alone", 1, **arguments)
    np.testing.assert_allclose(found.rate_y, alone.rate_y, rtol=1e-12)
    brian = {"contrasts": [1.0], "engine": "brian(duration=0.02, window=0.01, dt=1e-3)"}
    assert on.experiments.sweep("contrast_response", on.ring(9), grid, tmp_path / "brian", client, **brian).rate_y.all()
    bad = {"sigma": [0.1, 0.2], "angle": [0.0, np.nan]}
    with pytest.raises(RuntimeError, match="2 of 4 points failed, the first at sigma = 0.1, angle = nan: ValueError"):
        on.experiments.sweep("contrast_response", on.ring(9), bad, tmp_path / "bad", client, **arguments)


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_no_point(client, tmp_path):
    """Its points are measured by the other one; the cluster starts a new worker."""
    victim = next(iter(client.run(os.getpid).values()))
    killed = []

    def kill():
        while len([*tmp_path.glob("*.nc")]) < 3:
            time.sleep(0.02)
        os.kill(victim, signal.SIGKILL)
        killed.append(len([*tmp_path.glob("*.nc")]))

    thread = threading.Thread(target=kill)
    thread.start()
    engine = Reference(duration=0.2, dt=2e-4, progress=False)
    grid = {"sigma": np.linspace(0.05, 0.5, 16).tolist()}
    found = on.experiments.sweep("step_response", on.ring(9), grid, tmp_path, client, contrasts=[0.5], engine=engine)
    thread.join()
    assert killed[0] < 16
    assert found.sizes["sigma"] == 16
    assert np.isfinite(found.latency).all()
    assert len([*tmp_path.glob("*.nc")]) == 16
    assert not [*tmp_path.glob("*.tmp*")]
