"""`Projection` against matrix products, and against Brian2's own `Synapses`."""

import gc

import brian2 as b2
import numpy as np
import pytest
from brian2 import ms

import organics_neuro as on
from organics_neuro.core.errors import UnitError

RNG = np.random.default_rng(5)

#: Weights, trials and type of the target. The C++ kernel works on blocks of 4 target units by 4 trials; one trial
#: is a matrix-vector product.
CASES = {
    "vector": (on.Dense(RNG.normal(size=(5, 7))), 1, np.float64),
    "blocks": (on.Dense(RNG.normal(size=(9, 7))), 6, np.float64),
    "single": (on.Dense(RNG.normal(size=(6, 3))), 5, np.float32),
    "uniform": (on.AllToAll((4, 7), 0.3), 3, np.float64),
    "circulant": (on.Circulant([0.5, 0, -0.2, 0, 1.5]), 2, np.float64),
    "circulant_single": (on.Circulant([0, 0.5, -1.0]), 2, np.float32),
}


def make_source(size, **options):
    """Neurons with a known value each."""
    group = b2.NeuronGroup(size, "x : 1", **options)
    group.x = np.random.default_rng(size).normal(size=size)
    return group


def test_weights_of_every_kind(finish):
    sources, targets, projections = {}, {}, []
    for name, (operator, trials, dtype) in CASES.items():
        m, n = operator.shape
        sources[name] = make_source(n * trials, name=f"{name}_from", dtype=dtype)
        targets[name] = b2.NeuronGroup(m * trials, "total : 1", name=f"{name}_to", dtype=dtype)
        projections.append(
            on.Projection(
                sources[name],
                targets[name],
                operator,
                source="relu(x)**2 - x",
                target="total",
                trials=trials,
                name=name,
            )
        )
    b2.Network(*sources.values(), *targets.values(), projections).run(b2.defaultclock.dt)
    finish()
    for name, (operator, trials, dtype) in CASES.items():
        x = np.reshape(sources[name].x, (trials, -1))
        expected = (np.maximum(x, 0) ** 2 - x) @ operator.to_dense().T
        tolerance = 1e-13 if dtype == np.float64 else 1e-5
        np.testing.assert_allclose(targets[name].total, expected.ravel(), rtol=tolerance, atol=tolerance, err_msg=name)


def test_equals_summed_synapses(finish, rng):
    """Subgroups, units and an external constant, over many steps in which the target acts back on the source.

    The names are such that the projection would come after the state update if it did not run earlier by its order.
    """
    matrix = rng.normal(size=(3, 4))
    gain = 2 * b2.mV  # noqa: F841  the source expression uses it
    group = b2.NeuronGroup(
        9,
        "dv/dt = (5*mV - v + projected)/(5*ms) : volt\nprojected : volt\nsummed : volt",
        method="euler",
        name="both",
    )
    group.v = np.linspace(-1, 1, 9) * b2.mV
    source, target = group[1:5], group[4:7]
    own = on.Projection(source, target, matrix, source="gain*tanh(v/(2*mV))", target="projected", name="own")
    theirs = b2.Synapses(group, group, "w : 1\nsummed_post = w*gain*tanh(v_pre/(2*mV)) : volt (summed)", name="theirs")
    post, pre = np.indices(matrix.shape)
    theirs.connect(i=pre.ravel() + 1, j=post.ravel() + 4)
    theirs.w = matrix.ravel()
    monitor = b2.StateMonitor(group, ["projected", "summed"], record=True, when="end", name="trace")
    b2.Network(group, own, theirs, monitor).run(2 * ms)
    finish()
    assert np.ptp(monitor.summed[4:7], axis=1).min() > 0.1 * b2.mV, "the coupling must change with time"
    np.testing.assert_allclose(monitor.projected / b2.mV, monitor.summed / b2.mV, rtol=1e-12, atol=1e-12)


def test_lives_as_long_as_its_groups():
    """Nobody but the projection holds the subgroups; nobody but the network holds the projection."""

    def build():
        source, target = make_source(6, name="source"), b2.NeuronGroup(2, "total : 1", name="target")
        projection = on.Projection(source[:3], target[1:], np.ones((1, 3)), source="x", target="total")
        return b2.Network(source, target, projection)

    network = build()
    gc.collect()
    expected = network["source"].x[:3].sum()
    network.run(b2.defaultclock.dt)
    np.testing.assert_allclose(network["target"].total, [0, expected])


def test_magic_run_finds_it():
    source, target = make_source(3), b2.NeuronGroup(2, "total : 1")
    projection = on.Projection(source, target, np.ones((2, 3)), source="x", target="total")
    expected = np.array(source.x).sum()
    b2.run(b2.defaultclock.dt)
    np.testing.assert_allclose(target.total, expected)
    ends = f"{source.name} -> {target.name}"
    assert repr(projection).startswith(f"<Projection {projection.name!r}: {ends}, Dense(shape=(2, 3))")


def test_runs_at_the_clock_of_its_target():
    source = b2.NeuronGroup(3, "dx/dt = 1/ms : 1", method="euler", dt=0.1 * ms)
    target = b2.NeuronGroup(2, "total : 1", dt=0.5 * ms)
    projection = on.Projection(source, target, np.ones((2, 3)), source="x", target="total")
    b2.Network(source, target, projection).run(0.9 * ms)  # the last step of the target is at 0.5 ms
    np.testing.assert_allclose(target.total, 3 * 0.5)


def test_inactive_projection_leaves_its_target_alone():
    source, target = make_source(3), b2.NeuronGroup(2, "total : 1")
    projection = on.Projection(source, target, np.ones((2, 3)), source="x", target="total")
    projection.active = False
    target.total = 7
    b2.Network(source, target, projection).run(b2.defaultclock.dt)
    np.testing.assert_array_equal(target.total, 7)


def test_weights_changed_between_runs(finish):
    source, target = make_source(3, name="source"), b2.NeuronGroup(2, "total : 1", name="target")
    source.x = [1, 2, 3]
    changed = on.Projection(source, target, np.ones((2, 3)), source="x", target="total", name="changed")
    network, step = b2.Network(source, target, changed), b2.defaultclock.dt
    record = b2.StateMonitor(target, "total", record=True, when="end", name="record")
    network.add(record)
    network.run(step)
    changed.matrix = [[0, 0, 1], [1, 0, 0]]
    network.run(step)
    finish()
    np.testing.assert_allclose(record.total, [[6, 3], [6, 1]])


def test_two_writers_of_a_variable_are_refused():
    """The second would silently take the place of the first; Brian2 knows the case from summed variables."""
    source, target = make_source(3, name="source"), b2.NeuronGroup(3, "total : 1", name="target")
    first = on.Projection(source, target, np.eye(3), source="x", target="total")
    second = on.Projection(source, target, 2 * np.eye(3), source="x", target="total")
    synapses = b2.Synapses(source, target, "w : 1\ntotal_post = w*x_pre : 1 (summed)")
    synapses.connect(j="i")
    for other in (second, synapses):
        with pytest.raises(NotImplementedError, match="target the variable 'total' in group 'target'"):
            b2.Network(source, target, first, other).run(b2.defaultclock.dt)
    half = on.Projection(source, target[:1], np.ones((1, 3)), source="x", target="total")
    rest = on.Projection(source, target[1:], np.ones((2, 3)), source="x", target="total")
    b2.Network(source, target, half, rest).run(b2.defaultclock.dt)


def make(weights=((1.0, 1.0, 1.0),) * 2, source="x", target="total", **groups):
    source_group = groups.get("source_group") or make_source(3, name="source")
    target_group = groups.get("target_group") or b2.NeuronGroup(
        2,
        "total : 1\ndstate/dt = -state/ms : 1\nfixed : 1 (constant)\nshared_one : 1 (shared)\ntwice = 2*total : 1\ncurrent : amp\nlate : 1 (linked)\ncount : integer",
        name="target",
    )
    return on.Projection(source_group, target_group, weights, source=source, target=target, name="p")


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"weights": np.ones((3, 3))}, ValueError, r"weights of shape \(3, 3\) do not fit.*'target' has 2;"),
        ({"weights": np.ones((2, 4))}, ValueError, r"weights of shape \(2, 4\) do not fit: the source 'source' has 3"),
        ({"weights": [1.0, 2.0]}, ValueError, r"weights 'p': a weight matrix must have two axes"),
        ({"weights": [[np.nan] * 3] * 2}, ValueError, r"weights 'p': .*must be finite"),
        ({"weights": 1.0}, ValueError, r"weights 'p': a single number needs a known size"),
        ({"weights": [["a"] * 3] * 2}, TypeError, r"weights 'p': .*must be a number or an array of numbers"),
        ({"target": "sum"}, ValueError, r"'target' has no variable 'sum'; add 'sum : 1' to its equations"),
        ({"target": "fixed"}, TypeError, r"target.fixed cannot be written by a projection"),
        ({"target": "state"}, TypeError, r"target.state cannot be written by a projection: declare it as a plain"),
        ({"target": "shared_one"}, TypeError, r"target.shared_one cannot be written"),
        ({"target": "twice"}, TypeError, r"target.twice cannot be written"),
        ({"target": "i"}, TypeError, r"target.i cannot be written"),
        ({"target": "t"}, TypeError, r"target.t cannot be written"),
        ({"target": "count"}, TypeError, r"target.count cannot be written"),
        ({"source_group": 3}, TypeError, "the source of a projection must be a group of neurons, got 3"),
        ({"target_group": "foo"}, TypeError, "the target of a projection must be a group of neurons, got 'foo'"),
        ({"source": None}, TypeError, r"source must be an expression such as 'y\*\*2', got None"),
        ({"source": "x +"}, ValueError, r"cannot read the expression 'x \+': it is not valid syntax"),
        ({"source": "relu(x, 1)"}, ValueError, r"relu takes 1 argument\(s\), got 'relu\(x, 1\)'"),
    ],
)
def test_bad_input_is_refused_at_once(given, error, message):
    with pytest.raises(error, match=message):
        make(**given)


def test_operator_without_a_kernel_is_refused():
    class Diagonal(on.Dense):
        """A class of the user's own, for which nobody has written a kernel."""

    sentence = (
        r"Brian2 with NumPy cannot multiply with weights of the class Diagonal; convert them with Dense\(weights.to_"
    )
    for operator in (Diagonal(np.ones((2, 3))), Diagonal(np.ones((2, 3))) + on.AllToAll((2, 3))):
        with pytest.raises(TypeError, match=sentence):
            make(operator)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (
            {"source": "nobody + x"},
            ValueError,
            r"p: the source expression 'nobody \+ x' has an unknown name.*nobody",
        ),
        ({"source": "x + volt"}, UnitError, r"p: the source expression 'x \+ volt' has units that do not fit together"),
        ({"source": "x*mV"}, UnitError, r"'x\*mV' has the unit volt, but target.total has"),
        ({"target": "current"}, UnitError, r"'x' has the unit .*, but target.current has the unit amp"),
    ],
)
def test_bad_source_is_refused_before_the_run(given, error, message):
    projection = make(**given)
    network = b2.Network(projection.source_group, projection.target_group, projection)
    with pytest.raises(b2.BrianObjectException) as raised:
        network.run(1 * ms)
    with pytest.raises(error, match=message):
        raise raised.value.__cause__


def test_a_function_of_the_user_is_not_taken_for_ours():
    @b2.check_units(x=1, result=1)
    def sigmoid(x):
        return 1 / (1 + np.exp(-2 * x))

    group = b2.NeuronGroup(2, "x : 1\ntotal : 1")
    projection = on.Projection(group, group, np.eye(2), source="sigmoid(x)", target="total")
    with pytest.raises(b2.BrianObjectException) as raised:
        b2.Network(group, projection).run(1 * ms)
    assert "give your own function another name" in str(raised.value.__cause__)


def test_functions_of_brian_stand_beside_ours():
    group, source = b2.NeuronGroup(3, "x : 1\ntotal : 1"), "relu(x)*int(x > 1) + clip(x, 0, 1) + sigmoid(0*x)"
    group.x = [-1, 1, 2]
    projection = on.Projection(group, group, np.eye(3), source=source, target="total")
    b2.Network(group, projection).run(b2.defaultclock.dt)
    np.testing.assert_allclose(group.total, [0.5, 1.5, 3.5])


@pytest.mark.parametrize(
    ("weights", "key"), [(on.Circulant([1.0, 2.0]), "column"), (on.Dense(np.eye(2)) + on.AllToAll(2), "matrix_0")]
)
def test_only_dense_weights_can_be_changed(weights, key):
    group = b2.NeuronGroup(2, "x : 1\ntotal : 1")
    projection = on.Projection(group, group, weights, source="x", target="total")
    for name in (key, "matrix"):
        with pytest.raises(TypeError, match="between runs only those of Dense can be changed"):
            setattr(projection, name, np.eye(2))


@pytest.mark.parametrize("rank", [1, 2])
def test_weights_of_low_rank_change_between_runs(rank):
    rng = np.random.default_rng(0)
    left, right, new = rng.normal(size=(2, rank)), rng.normal(size=(3, rank)), rng.normal(size=(3, rank))
    source, target = b2.NeuronGroup(3, "x : 1"), b2.NeuronGroup(2, "total : 1")
    source.x = [1.0, -2.0, 0.5]
    projection = on.Projection(source, target, on.LowRank(left, right), source="x", target="total", name="p")
    network = b2.Network(source, target, projection)
    network.run(b2.defaultclock.dt)
    np.testing.assert_allclose(target.total, left @ (right.T @ source.x))
    projection.right = new if rank > 1 else new[:, 0]
    network.run(b2.defaultclock.dt)
    np.testing.assert_allclose(target.total, left @ (new.T @ source.x))
    with pytest.raises(ValueError, match=rf"p.left has shape \(2, {rank}\), got an array of shape \(3, {rank}\)"):
        projection.left = new


def test_bad_new_weights_are_refused():
    projection = make()
    with pytest.raises(ValueError, match=r"p.matrix has shape \(2, 3\), got an array of shape \(3, 2\)"):
        projection.matrix = np.ones((3, 2))
    with pytest.raises(ValueError, match="must be finite"):
        projection.matrix = np.full((2, 3), np.inf)


# --- trials are asked, not guessed ----------------------------------------------------------------------------------


def six(name):
    return b2.NeuronGroup(6, "x : 1\ntotal : 1", name=name)


def test_trials_of_plain_groups_are_said():
    source, target = six("source"), six("target")
    with pytest.raises(
        ValueError,
        match=r"\(3, 3\) do not fit: .* for trials=1 they must be 3 and 3; if these are 2 trials, say trials=2",
    ):
        on.Projection(source, target, np.ones((3, 3)), source="x", target="total")
    projection = on.Projection(source, target, np.ones((3, 3)), source="x", target="total", trials=2)
    source.x = np.arange(6)
    b2.Network(source, target, projection).run(b2.defaultclock.dt)
    np.testing.assert_array_equal(target.total, [3, 3, 3, 12, 12, 12])
    for trials in (0, 1.5, "two"):
        with pytest.raises((ValueError, TypeError), match="trials must be"):
            on.Projection(source, target, np.ones((3, 3)), source="x", target="total", trials=trials)
    with pytest.raises(ValueError, match="for trials=3 they must be 9 and 9$"):
        on.Projection(source, target, np.ones((3, 3)), source="x", target="total", trials=3)


def test_trials_of_circuit_groups_are_asked():
    v1 = on.CircuitGroup(on.ring(n=12), trials=2, name="v1", equations="felt : 1")
    v2 = on.CircuitGroup(on.ring(n=12), trials=3, name="v2", equations="felt : 1")
    plain = b2.NeuronGroup(24, "x : 1\ntotal : 1", name="plain")
    assert on.Projection(v1, plain, np.ones((12, 12)), source="y", target="total").trials == 2
    assert on.Projection(plain, v1, np.ones((12, 12)), source="x", target="felt").trials == 2
    assert on.Projection(v1, v1, np.ones((12, 12)), source="y", target="felt", trials=2).trials == 2
    with pytest.raises(ValueError, match="the target 'v2' has 3 trials, but there are 2 in the source 'v1'; both ends"):
        on.Projection(v1, v2, np.ones((12, 12)), source="y", target="felt")
    with pytest.raises(ValueError, match="the source 'v1' has 2 trials, but there are trials=1; both ends"):
        on.Projection(v1, plain, np.ones((24, 24)), source="y", target="total", trials=1)
    with pytest.raises(ValueError, match=r"\(24, 24\) do not fit.* for trials=2 they must be 48 and 48$"):
        on.Projection(v1, plain, np.ones((24, 24)), source="y", target="total")


def test_subgroups_hold_whole_trials():
    v1 = on.CircuitGroup(on.ring(n=12), trials=3, name="v1")
    target = b2.NeuronGroup(24, "total : 1", name="target")
    assert on.Projection(v1[12:], target, np.ones((12, 12)), source="y", target="total").trials == 2
    assert on.Projection(v1[:12], target[:12], np.ones((12, 12)), source="y", target="total").trials == 1
    for part in (v1[:9], v1[6:18], v1[12:20]):
        with pytest.raises(ValueError, match="of 'v1', which are not whole trials of 12 units; take a multiple of 12"):
            on.Projection(part, target[: len(part)], np.ones((len(part), len(part))), source="y", target="total")


def test_a_part_of_the_units_of_one_trial():
    v1, target = on.CircuitGroup(on.ring(n=12)), b2.NeuronGroup(2, "total : 1")
    assert on.Projection(v1[3:8], target, np.ones((2, 5)), source="y", target="total").trials == 1


def test_variables_called_trials_are_not_asked():
    group = b2.NeuronGroup(4, "trials : 1\nunits : 1\ntotal : 1")
    group.trials, group.units = 2, 2
    assert on.Projection(group, group, np.eye(4), source="trials", target="total").trials == 1


def test_single_precision_is_shipped_in_single_precision(tmp_path, rng):
    """A program keeps values in the type that they come in, and would hold each weight in 8 bytes."""
    on.use_device("cpp", directory=str(tmp_path / "program"), build_on_run=False)
    source, target = make_source(5, name="source"), b2.NeuronGroup(3, "total : 1", name="target")
    projection = on.Projection(
        source, target, rng.normal(size=(3, 5)), source="x", target="total", weights_dtype=np.float32, name="p"
    )
    network = b2.Network(source, target, projection)
    network.run(b2.defaultclock.dt)
    projection.matrix = np.ones((3, 5))
    network.run(b2.defaultclock.dt)
    arrays = {name: array for name, array in b2.device.static_arrays.items() if array.size == 15}
    assert len(arrays) == 2
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.float32)}
    assert projection.variables["matrix"].dtype == np.float32
