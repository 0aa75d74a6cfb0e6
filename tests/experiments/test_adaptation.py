"""Adaptation to a grating: which units it reduces, and where tuning curves move."""

import numpy as np
import pytest

import organics_neuro as on
from organics_neuro.engines import Reference

ENGINE = Reference(dt=1e-3, method="rk4", progress=False)
ANGLES = np.arange(0, 360, 20)


def test_units_at_the_adaptor_respond_less():
    circuit = on.adapting(on.ring(12), "z", 2.0, tau=0.2)
    found = on.experiments.adaptation(circuit, ENGINE, angles=ANGLES, time=0.3, show=0.06)
    assert found.attrs["adapted_unit"] == 6
    assert found.ratio.argmin("unit") == 6
    np.testing.assert_allclose(found.ratio[1:6], found.ratio[7:][::-1], rtol=1e-9)  # symmetric around it
    np.testing.assert_allclose(found["shift"][1:6], found["shift"][7:][::-1], atol=1e-6)
    assert found["shift"][6] == 0
    assert (found["shift"][3:6] < 0).all()  # the pool that the adaptor drives is weaker: curves grow towards it
    far = found.ratio[0].item()
    assert far == pytest.approx(1, abs=0.02)


def test_without_adaptation_nothing_changes():
    found = on.experiments.adaptation(on.ring(9), ENGINE, angles=ANGLES, time=0.2, show=0.2)
    np.testing.assert_allclose(found.ratio, 1, rtol=1e-3)
    np.testing.assert_allclose(found["shift"], 0, atol=0.1)


def test_bad_input():
    with pytest.raises(ValueError, match="needs a circuit whose units have preferred angles"):
        on.experiments.adaptation(on.sheet(1, 5), ENGINE)
    with pytest.raises(ValueError, match="biased must be a probability between 0 and 1"):
        on.experiments.adaptation(on.ring(9), ENGINE, biased=2)
