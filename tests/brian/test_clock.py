"""C++ programs look at the clock when somebody wants to know the time, not after each step."""

import re

import brian2 as b2
import pytest
from brian2 import ms

import organics_neuro as on

#: What reads a clock in the programs of any version.
_CLOCK = r"std::clock\(\)|omp_get_wtime\(\)|::now\(\)"


def _network(folder, **run):
    on.use_device("cpp", directory=folder)
    group = b2.NeuronGroup(2, "dx/dt = 1/ms : 1", method="euler")
    b2.Network(group).run(100 * ms, **run)
    loop = re.search(r"while\(clock.*?Network::_globally_running = false", (folder / "network.cpp").read_text(), re.S)
    return group, loop[0]


@pytest.mark.skipif(
    [int(part) for part in b2.__version__.split(".")[:2]] >= [2, 10],
    reason="newer versions ask a clock that costs nothing",
)
def test_a_step_does_not_ask_for_the_time(tmp_path):
    group, loop = _network(tmp_path)
    asked = [line for line in re.split(r"if \(report_func", loop)[0].splitlines() if re.search(_CLOCK, line)]
    after = loop.rpartition("tick();")[2]
    assert not asked
    assert len(re.findall(_CLOCK, after)) == 1  # below the loop
    assert group.x[0] == pytest.approx(100)
    assert b2.device._last_run_time > 0


def test_progress_is_reported_all_the_same(tmp_path, capfd):
    group, _ = _network(tmp_path, report="text", report_period=1e-9 * b2.second)
    text = capfd.readouterr().out
    assert text.count("simulated in") > 10
    assert "100%" in text
    assert group.x[0] == pytest.approx(100)


def test_a_longest_time_ends_a_run(tmp_path, monkeypatch):
    on.use_device("cpp", directory=tmp_path)
    monkeypatch.setattr(b2.get_device(), "_maximum_run_time", 0.2 * b2.second)
    group = b2.NeuronGroup(10_000, "dx/dt = sin(x)/second : 1", method="euler")
    b2.Network(group).run(10 * b2.second)
    assert 0.2 < b2.device._last_run_time < 5
    assert b2.device._last_run_completed_fraction < 0.5
