"""A profile: counts in closed form, shares that add up, advice for each case, and what it does with what it does not know."""

import re

import brian2 as b2
import numpy as np
import pytest
from brian2 import ms

import organics_neuro as on
from organics_neuro.brian import profiling
from organics_neuro.brian.advice import advise
from organics_neuro.brian.profiling import Profile, Row, Work, profile

N, TRIALS = 20, 3


def make(method="euler", **options):
    """A circuit with a random recurrence and a uniform pool, and its network."""
    weights = {"W_r": np.random.default_rng(0).normal(size=(N, N)) / N, "W": on.AllToAll(N, 1 / N)}
    v1 = on.CircuitGroup(on.Circuit("two_type", weights), TRIALS, method=method, name="v1", **options)
    v1.z = 0.5
    return v1, b2.Network(v1)


def by_name(found):
    return {row.name: row for row in found.rows}


@pytest.fixture
def rates(monkeypatch):
    """A machine that reads 10^9 bytes and multiplies 10^9 times in a second."""
    monkeypatch.setattr(profiling, "reading_rate", lambda size: 1e9)
    monkeypatch.setattr(profiling, "multiplying_rate", lambda dtype: 1e9)


@pytest.mark.parametrize(
    ("finish", "method", "products"),
    [("numpy", "euler", 1), ("numpy", "rk4", 4), ("cpp", "rk4", 4)],
    indirect=["finish"],
)
def test_counts_are_those_of_the_operators(finish, rates, method, products):
    v1, network = make(method)
    monitor = b2.StateMonitor(v1, "y", record=[0], dt=0.5 * ms, name="recorded")
    network.add(monitor)
    network.run(1 * ms)
    network.run(2 * ms, profile=True)
    finish()
    found = profile(network)
    assert found.steps == 20  # of the run that was profiled
    recurrent, pool = (by_name(found)[f"v1_{name}"] for name in ("recurrent", "pool"))
    assert recurrent.kind == pool.kind == "coupling"
    assert recurrent.bytes == products * 8 * N * N  # once for all trials
    assert recurrent.multiplications == products * TRIALS * N * N
    assert (pool.bytes, pool.multiplications) == (products * 8, products * TRIALS * N)
    assert recurrent.limit == "reading"
    assert recurrent.of_limit == pytest.approx(products * 8 * N * N / 1e9 / recurrent.seconds)
    assert by_name(found)["recorded"].kind == "monitor"
    updates = [row for row in found.rows if row.kind == "state update"]
    assert len(updates) == products  # one for each stage
    assert {row.kind for row in found.rows} == {"coupling", "monitor", "state update"}


def test_shares_add_up_and_the_largest_comes_first():
    v1, network = make("heun")
    network.add(b2.StateMonitor(v1, "y", record=True))
    network.run(3 * ms, profile=True)
    found = profile(network)
    assert sum(row.share for row in found.rows) == pytest.approx(1, abs=1e-12)
    assert sum(found.shares.values()) == pytest.approx(1, abs=1e-12)
    assert [row.seconds for row in found.rows] == sorted((row.seconds for row in found.rows), reverse=True)
    assert list(found.shares.values()) == sorted(found.shares.values(), reverse=True)
    assert found.seconds == pytest.approx(sum(row.seconds for row in found.rows))
    # all of what Brian2 measured, but for objects that do nothing
    whole = sum(float(seconds) for _, seconds in network.profiling_info)
    assert 0.9 * whole < found.seconds * found.steps <= whole


def test_weights_in_single_precision_are_half_as_many_bytes(rates):
    _, network = make(weights_dtype=np.float32)
    network.run(1 * ms, profile=True)
    assert by_name(profile(network))["v1_recurrent"].bytes == 4 * N * N


def test_the_network_of_brian2_run_is_the_default(rates):
    v1, _ = make()
    b2.run(1 * ms, profile=True)
    found = profile()
    assert found.steps == 10
    assert {"v1_recurrent", "v1_pool", "v1_stateupdater"} == set(by_name(found))
    assert by_name(found)["v1_recurrent"].bytes == 8 * N * N
    assert v1.trials == TRIALS


def test_synapses_python_and_other_code_have_rows(rates):
    v1, network = make()
    group = b2.NeuronGroup(len(v1), "x : 1\ns : 1", threshold="x > 2", reset="x = 0", name="plain")
    summed = b2.Synapses(v1, group, "s_post = y_pre : 1 (summed)", name="summed")
    summed.connect(j="i")
    spiking = b2.Synapses(group, group, on_pre="x += 1", name="spiking")
    spiking.connect(j="i")
    operation = b2.NetworkOperation(lambda: None, name="operation")
    v1.run_regularly("z = z", name="v1_regular")
    network.add(group, summed, spiking, operation, b2.SpikeMonitor(group, name="spikes"))
    network.run(2 * ms, profile=True)
    rows = by_name(profile(network))
    kinds = {name: row.kind for name, row in rows.items()}
    expected = {"operation": "Python", "v1_regular": "other", "spikes": "monitor"}
    expected |= {"plain_spike_thresholder": "spikes", "spiking_pre": "synapses", "v1_pool": "coupling"}
    assert expected.items() <= kinds.items()
    assert [row.is_summed for name, row in rows.items() if name.startswith("summed")] == [True]


def test_a_step_in_one_piece_has_the_couplings_that_have_no_row(tmp_path, rates):
    on.use_device("cpp", directory=tmp_path)
    _, network = make()
    network.run(1 * ms, profile=True)
    (row,) = (row for row in profile(network).rows if row.kind == "step")
    assert row.name == "v1_stateupdater"
    assert row.bytes == 8 * N * N + 8
    assert row.multiplications == TRIALS * (N * N + N)


def test_where_the_number_of_steps_is_not_known_times_are_of_the_run():
    group = b2.NeuronGroup(3, "dx/dt = -x/ms : 1", method="euler")
    network = b2.Network(group)
    network.run(1 * ms, profile=True)
    found = profile(network)
    assert found.steps is None
    assert "the run took" in repr(found)
    _, network = make()
    network.store()
    network.run(1 * ms, profile=True)
    network.restore()
    assert profile(network).steps is None


def test_text_and_page_show_every_row():
    work = Work(on.Dense(np.ones((2, 2))), 1, np.dtype(float), 8.4e6, 1.05e6, 250e-6, 60e-6)
    rows = (Row("<a>", "coupling", 500e-6, 0.8, (work,)), Row("b", "monitor", 125e-6, 0.2))
    found = Profile(rows, ("change <a>",), 100, "cpp")
    assert repr(found).splitlines() == [
        "a step takes 625 µs (cpp, 100 steps): coupling 80%, monitor 20%",
        "",
        "what  kind      share   µs    read  multiplied    of the limit",
        "<a>   coupling  80.0%  500  8.4 MB      1.05 M  50% of reading",
        "b     monitor   20.0%  125",
        "",
        "What to change",
        "* change <a>",
    ]
    page = found._repr_html_()
    assert page.count("<tr>") == 3
    assert "<a>" not in page
    assert "<li>change &lt;a&gt;</li>" in page


@pytest.mark.skipif(not hasattr(b2, "EventClock"), reason="Brian2 has clocks without a step from 2.11 on")
def test_a_clock_without_a_step_breaks_nothing():
    _, network = make()
    network.add(b2.NetworkOperation(lambda: None, clock=b2.EventClock([0.3, 0.7] * ms), name="operation"))
    network.run(1 * ms, profile=True)
    found = profile(network)
    assert found.steps == 10
    assert by_name(found)["operation"].kind == "Python"


# --- what to change ---------------------------------------------------------------------------------------------


def work(operator, trials=1, dtype="float64", reading=1e-3, multiplying=1e-4):
    return Work(operator, trials, np.dtype(dtype), 1.0, 1.0, reading, multiplying)


def random(n=100):
    return on.Dense(np.random.default_rng(1).normal(size=(n, n)))


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (Row("p", "coupling", 2e-3, 1, (work(random()),)), ["up to 10 trials .* for 1", "float32 halves what is read"]),
        (Row("p", "coupling", 2e-3, 1, (work(random(), 8),)), ["up to 80 trials .* for 8", "float32 halves"]),
        (
            Row("p", "coupling", 2e-3, 1, (work(random(), 64, reading=1e-4, multiplying=1e-3),)),
            ["float32 multiplies about twice"],
        ),
        (Row("p", "coupling", 2e-3, 1, (work(random(), 64, "float32", 1e-4, 1e-3),)), []),
        (Row("p", "coupling", 2e-3, 1, (work(on.Dense(np.ones((100, 100)))),)), [r"AllToAll\(.*\).* 100 times fewer"]),
        (Row("p", "coupling", 2e-3, 1, (work(on.AllToAll(100), dtype="float32", reading=1e-9),)), []),
        (Row("p", "step", 2e-3, 1, (work(random()),)), ["up to 10 trials", "float32 halves"]),
        (Row("p", "monitor", 2e-3, 1), ["record fewer units"]),
        (Row("p", "state update", 2e-3, 1), ["dtype=numpy.float32"]),
        (Row("p", "synapses", 2e-3, 1, is_summed=True), ["on.Projection"]),
        (Row("p", "synapses", 2e-3, 1), []),
        (Row("p", "Python", 2e-3, 1), ["TimedArray"]),
        (Row("p", "other", 2e-3, 1), []),
        (Row("p", "spikes", 2e-3, 1), []),
        (Row("p", "monitor", 2e-3, 0.05), []),  # not worth it
    ],
)
def test_advice_for_each_case(row, expected):
    found = advise([row], in_python=False)
    assert len(found) == len(expected)
    for text, pattern in zip(found, expected, strict=True):
        assert text.startswith("p: ")
        assert re.search(pattern, text), text


def test_what_several_rows_need_is_said_once():
    rows = [Row(name, "monitor", 1e-3, 0.5) for name in "ab"]
    (text,) = advise(rows, in_python=False)
    assert text.startswith("a, b: record")


def test_python_is_named_where_couplings_take_little_of_a_step():
    slow, fast = (
        Row("p", "coupling", seconds, 1, (work(random(), 1, "float32", 1e-3, 1e-3),)) for seconds in (1e-2, 2e-3)
    )
    (text,) = advise([slow], in_python=True)
    assert text.startswith("on.use_device('cpp')")
    assert "10 times" in text
    assert advise([fast], in_python=True) == advise([slow], in_python=False) == ()


# --- what is no profile -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", ["net", 3, [], b2.NeuronGroup])
def test_only_networks_have_a_profile(bad):
    with pytest.raises(TypeError, match=r"profile takes a brian2\.Network, got"):
        profile(bad)


def test_a_run_without_a_profile_says_how_to_make_one():
    _, network = make()
    with pytest.raises(RuntimeError, match=r"has no profile; run it with network\.run\(duration, profile=True\)"):
        profile(network)
    network.run(1 * ms)
    with pytest.raises(RuntimeError, match="has no profile"):
        profile(network)
    network.run(0 * ms, profile=True)
    with pytest.raises(RuntimeError, match="holds no time"):
        profile(network)


def test_a_program_that_was_not_run_has_no_profile(tmp_path):
    on.use_device("cpp", directory=str(tmp_path / "program"), build_on_run=False)
    _, network = make()
    network.run(1 * ms, profile=True)
    with pytest.raises(RuntimeError, match="has no profile"):
        profile(network)
