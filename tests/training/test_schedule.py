"""Learning rates over a run and for each parameter, and the batches of an epoch."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from organics_neuro.nn import ORGaNICs, SequenceClassifier  # noqa: E402
from organics_neuro.training import schedule  # noqa: E402
from tests.training.models import fit, make_data, make_model  # noqa: E402


@pytest.mark.parametrize(
    ("size", "expected"), [(4, [4, 5]), (3, [3, 3, 3]), (1, [1] * 9), (8, [9]), (9, [9]), (5, [5, 4])]
)
def test_no_batch_of_one_sample_is_left(size, expected):
    """Of one sample there is no standard deviation."""
    batches = schedule.batches(torch.arange(9), size)
    assert [len(batch) for batch in batches] == expected
    assert torch.equal(torch.cat(batches), torch.arange(9))
    model = SequenceClassifier(ORGaNICs(3, 8, batch_first=True), 2, standardize=True)
    if size > 1:
        x, y = make_data(9)
        assert len(fit(model, x, y, validation=(x, y), batch_size=size, epochs=1, lr=1e-3)) == 1


def test_learning_rate_rises_and_falls():
    lr = fit(make_model(), epochs=10, lr=0.02).lr
    assert max(lr) <= 0.02
    assert int(np.argmax(lr)) in (1, 2)
    assert lr[-1] < 2e-4


def test_learning_rates_of_some_parameters(tmp_path):
    """Adam's first step is as long as the learning rate: by it one sees which factor a parameter got."""
    factors, model = {"W_b0": 0.1, "W_b": 0.0, "readout": 2.0}, make_model()
    before = {name: value.clone() for name, value in model.named_parameters()}
    fit(model, epochs=1, batch_size=1000, lr=0.01, lr_factors=factors)
    moved = {name: float((value - before[name]).detach().abs().max()) for name, value in model.named_parameters()}
    first = 0.01 * 1e-3 / schedule.RISE
    expected = {"1.rnn.cells.0.W_zx": 1, "1.rnn.cells.0.W_b0y": 0.1, "1.rnn.cells.0.W_by": 0, "1.readout.bias": 2}
    assert {name: moved[name] for name in expected} == pytest.approx(
        {n: f * first for n, f in expected.items()}, rel=0.02
    )
    path = tmp_path / "run.pt"
    fit(make_model(), checkpoint=path, lr_factors=factors)
    with pytest.raises(ValueError, match="made with lr_factors={'W_b0': 0.1, .*}, not None"):
        fit(make_model(), checkpoint=path, resume=True)


def test_factors_must_be_named():
    with pytest.raises(TypeError, match="lr_factors must be a dictionary of names and factors, got 0.5"):
        fit(make_model(), lr_factors=0.5)
