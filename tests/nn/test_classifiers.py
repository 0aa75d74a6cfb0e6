"""A classifier takes networks whose last state can be read, and says what is wrong with others."""

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from organics_neuro.nn import ORGaNICs, ORGaNICsCell, SequenceClassifier  # noqa: E402


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SequenceClassifier(ORGaNICs(3, 8), 0), "classes must be a positive whole number, got 0"),
        (lambda: SequenceClassifier(ORGaNICs(3, 8), -1), "classes must be a positive whole number, got -1"),
        (lambda: SequenceClassifier(ORGaNICs(3, 8), 2, 2), "dropout must be a probability between 0 and 1, got 2"),
        (
            lambda: SequenceClassifier(ORGaNICs(3, 8), 2, -0.1),
            "dropout must be a probability between 0 and 1, got -0.1",
        ),
        (
            lambda: SequenceClassifier(nn.GRU(3, 8, bidirectional=True), 2),
            "rnn is bidirectional, but .* make it with bidirectional=False",
        ),
        (
            lambda: SequenceClassifier(ORGaNICs(3, 8), 2)(torch.zeros(4, 3).numpy()),
            "x must be a tensor, got ndarray; make one with torch.as_tensor",
        ),
        (
            lambda: SequenceClassifier(ORGaNICs(3, 8), 2, standardize=True)(torch.zeros(4, 3)),
            r"one sequence cannot be standardized in training; give a batch, or call eval\(\) first",
        ),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


@pytest.mark.parametrize("rnn", [nn.Linear(3, 8), nn.LSTMCell(3, 8), ORGaNICsCell(3, 8), nn.LSTM, "LSTM"])
def test_what_reads_no_sequences_is_refused(rnn):
    """Of a cell, the second state would be read without a word."""
    with pytest.raises(
        TypeError, match="rnn must be ORGaNICs or torch.nn.LSTM, GRU or RNN, got (Linear|.*Cell|type|str)"
    ):
        SequenceClassifier(rnn, 2)


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("standardize", [False, True])
def test_the_projection_of_an_lstm_is_read(standardize):
    model = SequenceClassifier(nn.LSTM(3, 8, proj_size=5), 2, standardize=standardize)
    assert model(torch.zeros(4, 6, 3)).shape == (6, 2)


def test_one_sequence_is_read_as_a_batch_of_one_is():
    model = SequenceClassifier(ORGaNICs(3, 8, batch_first=True), 2, standardize=True)
    x = torch.randn(5, 4, 3)
    model(x)
    torch.testing.assert_close(model.eval()(x[1]), model(x)[1])
