"""Hierarchies: each area drives the next and hears back from it."""

import numpy as np
import pytest

import organics_neuro as on
from tests.simulators import simulate_reference

UP, DOWN = on.Coupling("z", 1.0, "s"), on.Coupling("feedback", 0.1, "s", delay=5e-3)
AREA = on.Circuit("three_type_area", size=3, alpha=10.0, sigma=0.07)


def settled(circuit, z, duration=0.1):
    end = simulate_reference(circuit, {"v1.z": z}, duration, 2e-4, "rk4")
    return {name: value[-1, 0] for name, value in end.items()}


def test_it_is_what_join_makes():
    found = on.hierarchy({"v1": AREA, "v2": AREA}, UP, DOWN)
    identity = on.Circulant([1.0, 0, 0])
    expected = on.join(
        {"v1": AREA, "v2": AREA},
        [
            on.Coupling("v2.z", identity, "v1: s"),
            on.Coupling("v1.feedback", 0.1 * identity, "v2: s", delay=5e-3),
        ],
    )
    assert found.key == expected.key
    assert list(found.inputs) == ["v1.z", "v2.feedback"]


def test_feedback_leaves_the_steady_state_and_slows_the_circuit():
    """Modulators grow by as much as feedback adds, so that only the way there changes."""
    z, found, leading = np.array([0.5, 0.8, 0.2]), [], []
    for strength in (0.0, 0.1):
        down = on.Coupling("feedback", strength, "s")
        circuit = on.hierarchy({"v1": AREA, "v2": AREA}, UP, down)
        state = settled(circuit, z)
        point = on.theory.fixed_point(circuit, {"v1.z": z}, guess=state)
        assert point.converged
        found.append([point.state[name] for name in ("v1.r_y", "v2.r_y")])
        leading.append(on.theory.eigenvalues(circuit, {"v1.z": z}, point.state)[0].real)
    np.testing.assert_allclose(found[1:], [found[0]], rtol=1e-5)
    alone = z**2 / (0.07**2 + np.sum(z**2))
    np.testing.assert_allclose(found[0][0], alone, rtol=1e-4)
    np.testing.assert_allclose(found[0][1], alone / (0.07**2 + np.sum(alone)), rtol=1e-4)
    assert leading == sorted(leading)
    assert leading[-1] < 0


def test_delays_in_both_directions():
    up = on.Coupling("z", 1.0, "s", delay=4e-3)
    circuit = on.hierarchy({"v1": AREA, "v2": AREA, "v4": AREA}, up, DOWN)
    assert [c.delay for c in circuit.couplings] == [4e-3, 4e-3, 5e-3, 5e-3]
    driven, rest = (simulate_reference(circuit, {"v1.z": z}, 0.02, 2e-4) for z in (np.ones(3), np.zeros(3)))
    areas = [np.abs(driven[name] - rest[name])[:, 0, 0] for name in ("v1.y", "v2.y", "v4.y")]
    starts = [np.flatnonzero(difference > 1e-6)[0] * 2e-4 for difference in areas]
    assert starts[0] < 1e-3
    assert starts[1] - starts[0] > 4e-3
    assert starts[2] - starts[1] > 4e-3


@pytest.mark.parametrize(
    ("areas", "message"),
    [
        ({"v1": AREA}, "areas must be a dictionary of two circuits or more"),
        ([AREA, AREA], "areas must be a dictionary of two circuits or more"),
        ({"v1": AREA, "v2": "v2"}, "areas must be a dictionary of two circuits or more"),
        (
            {"v1": AREA, "v2": on.Circuit("three_type_area", size=4)},
            "one weight connects units of the same index, but 'v1' has 3 units and 'v2' has 4; give the weights of the "
            "coupling 'z'",
        ),
    ],
)
def test_bad_input(areas, message):
    with pytest.raises(ValueError, match=message):
        on.hierarchy(areas, UP, DOWN)
