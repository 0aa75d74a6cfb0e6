"""Mean field of feedback networks: golden roots by the quadrature of the golden file, averages, limits."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad

from organics_neuro.core.theory import mean_field as mf

FOLDER = Path(__file__).parents[2]
CASES = json.loads((FOLDER / "reference_values.json").read_text())["mean_field"]["cases"]
TRAINED = json.loads((FOLDER / "reference_values_systems.json").read_text())["feedback_least_squares"]
ROOTS = TRAINED["least_squares_mean_field"]["roots"]
#: By what a case is called: rho, and (p, p_m, p_i).
CLASSES = {
    "paper_fig1e(rho.5,p1,pm1,pI.3)": (0.5, (1, 1, 0.3)),
    "I_only(rho0,pI1)": (0.0, (0, 0, 1)),
    "m_only(rho0,pm1)": (0.0, (0, 1, 0)),
    "shared(rho.5,p1)": (0.5, (1, 0, 0)),
}


def gauss_hermite(monkeypatch, count):
    """Averages as the golden files take them; they are off by up to 4e-3 at strong potentials."""
    x, w = np.polynomial.hermite_e.hermegauss(count)
    monkeypatch.setattr(mf, "_lattice", lambda deviation: (deviation * x, w / w.sum()))


def found(name):
    kind, _, target = name.rpartition("_A")
    rho, directions = CLASSES[kind]
    statistics = mf.Statistics(rho=rho)
    overlaps, c = mf.calibrate(statistics, float(target), *directions)
    return mf.closed_loop(statistics, overlaps), c, float(target)


@pytest.mark.parametrize("name", CASES)
def test_golden_fixed_points(name, monkeypatch):
    gauss_hermite(monkeypatch, 200)
    points, c, _ = found(name)
    assert c == pytest.approx(CASES[name]["c"], rel=1e-9)
    golden = CASES[name]["fixed_points"]
    for attribute, most in (("z", 1e-9), ("outlier", 1e-8), ("radius", 1e-9)):
        expected = [point[attribute] for point in golden]
        np.testing.assert_allclose(getattr(points, attribute), expected, rtol=0, atol=most)
    assert points.stable.tolist() == [point["stable"] for point in golden]


@pytest.mark.parametrize("bulk", [True, False])
@pytest.mark.parametrize("target", ROOTS)
def test_golden_least_squares(target, bulk, monkeypatch):
    gauss_hermite(monkeypatch, 60)
    points = mf.least_squares(mf.Statistics(), float(target), bulk=bulk)
    golden = ROOTS[target]["with_bulk" if bulk else "without_bulk"]
    np.testing.assert_allclose(points.z, [z for z, _, _ in golden], rtol=0, atol=1e-6)
    np.testing.assert_allclose(points.outlier, [gain for _, _, gain in golden], rtol=0, atol=6e-5)
    assert ["stable" if s else "unstable" for s in points.stable] == [kind for _, kind, _ in golden]


@pytest.mark.parametrize("variance", [0.01, 1.0, 6.67, 150.0])
def test_averages_are_those_of_adaptive_quadrature(variance):
    def average(function):
        deviation = np.sqrt(variance)
        points = [0.0, 1 / deviation, -1 / deviation]
        return quad(
            lambda u: function(deviation * u) * np.exp(-u * u / 2) / np.sqrt(2 * np.pi),
            -12, 12, epsabs=1e-14, epsrel=1e-13, limit=1000, points=points,
        )[0]  # fmt: skip

    for function in (lambda x: np.tanh(x) ** 2, mf._slope, lambda x: mf._slope(x) ** 2):
        assert mf._mean(variance, function) == pytest.approx(average(function), rel=1e-9)


def test_averages_of_pairs():
    """Of the same potential, of two that are independent, and of two that share the sign."""
    one = mf._mean(2.0, lambda x: np.tanh(x) ** 2)
    assert mf._pair_mean(2.0, 2.0, 2.0) == pytest.approx(one, rel=1e-12)
    assert mf._pair_mean(2.0, 2.0, -2.0) == pytest.approx(-one, rel=1e-12)
    assert mf._pair_mean(2.0, 0.7, 0.0) == pytest.approx(0, abs=1e-15)
    rng = np.random.default_rng(0)
    x = rng.multivariate_normal([0, 0], [[2.0, 0.5], [0.5, 1.0]], 400_000)
    assert mf._pair_mean(2.0, 1.0, 0.5) == pytest.approx(np.tanh(x).prod(axis=1).mean(), abs=3e-3)


@pytest.mark.parametrize("name", CASES)
def test_the_target_is_a_fixed_point(name):
    points, _, target = found(name)
    assert np.abs(points.z - target).min() < 1e-9


@pytest.mark.parametrize("target", [-1.5, -0.2, 0.5, 2.0])
def test_the_bulk_makes_least_squares_exact(target):
    """With the bulk's own correlation the target is a fixed point; as if the bulk was another one it is missed by 2 to 7 %."""
    exact, other = (mf.least_squares(mf.Statistics(), target, bulk=bulk).z for bulk in (True, False))
    assert np.abs(exact - target).min() < 1e-9
    assert 0.01 < np.abs(other / target - 1).min() < 0.08


def test_without_a_bulk_both_agree():
    statistics = mf.Statistics(g=0.0)
    first, second = (mf.least_squares(statistics, 2.0, bulk=bulk) for bulk in (True, False))
    np.testing.assert_allclose(first.z, second.z, atol=1e-12)
    assert not first.radius.any()


def test_geometry_classes():
    classes = {name: mf.classify(found(name)[0], found(name)[2]) for name in CASES}
    assert {name: kind for name, kind in classes.items() if kind != "unique"} == {
        "paper_fig1e(rho.5,p1,pm1,pI.3)_A2.0": "bistable",
        "paper_fig1e(rho.5,p1,pm1,pI.3)_A-1.0": "bistable",
        **{f"m_only(rho0,pm1)_A{target}": "bistable" for target in ("0.5", "1.0", "2.0", "-1.0")},
        "shared(rho.5,p1)_A-1.0": "unstable",
    }


def test_the_outlier_is_1_where_points_meet():
    """A fixed point is born or dies where the outlier crosses 1: there the slope of the loop is 1, too."""
    statistics = mf.Statistics()
    for name in ("paper_fig1e(rho.5,p1,pm1,pI.3)_A2.0", "m_only(rho0,pm1)_A1.0"):
        points, _, _ = found(name)
        assert (points.stable == (points.outlier < 1)).all()
        assert points.stable.tolist() == [True, False, True]
    assert statistics.variance(0.0) == pytest.approx(statistics.received(0.0), rel=0.1)


def test_bad_input():
    with pytest.raises(ValueError, match="g must be from 0 to below 1, got 1.0"):
        mf.Statistics(g=1.0)
    with pytest.raises(ValueError, match="rho must be from 0 to 1, got 2"):
        mf.Statistics(rho=2)
    with pytest.raises(ValueError, match="target must be a number other than 0, got 0"):
        mf.least_squares(mf.Statistics(), 0)
    with pytest.raises(ValueError, match="sees nothing of a network whose output is 1"):
        mf.calibrate(mf.Statistics(rho=0.0), 1.0, 1.0, 0.0, 0.0)
