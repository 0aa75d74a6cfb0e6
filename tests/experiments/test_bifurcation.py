"""Bifurcation diagrams: what theory finds, as a dataset and a picture."""

import numpy as np
import pytest

import organics_neuro as on
from tests.circuits import one_unit


def test_branches_and_their_bifurcations():
    guesses = {"y": [[0.9978], [-0.5692]], "a": [[0.5633], [0.0037]]}
    found = on.experiments.bifurcation(one_unit(w_r=2.0), "z", 1.0, 3.0, guesses=guesses)
    assert list(found.kind.values) == ["fold"]
    assert found["where"].item() == pytest.approx(1.389845, rel=1e-6)
    first, second = (found.isel(point=found.branch == k) for k in (0, 1))
    assert (first.unstable_modes == 0).all()
    assert (second.unstable_modes > 0).all()
    assert second.value[-1] == pytest.approx(1.0)
    np.testing.assert_allclose(found.a_there, second.a[[int(second.value.argmax())]], rtol=0.1)


def test_the_picture():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    circuit = on.Circuit("three_type", size=1, b=1 / 6, b0=1 / 6, tau_a=2e-3)
    found = on.experiments.bifurcation(circuit, "z", 0.1, 1.0)
    ax = on.plotting.bifurcation(found)
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["stable", "unstable", "Hopf bifurcation, 40.7 Hz"]
    assert ax.get_xlabel() == "z"
    with pytest.raises(ValueError, match="unknown state 'q'; known: 'y', 'u', 'a'"):
        on.plotting.bifurcation(found, state="q")
    matplotlib.pyplot.close("all")
