"""A classifier takes networks whose last state can be read, and says what is wrong with others."""

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from organics_neuro.nn import ORGaNICs, ORGaNICsCell, SequenceClassifier  # noqa: E402


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SequenceClassifier(ORGaNICs(3, 8), 0), "classes must be a positive integer, got 0"),
        (lambda: SequenceClassifier(ORGaNICs(3, 8), -1), "classes must be a positive integer, got -1"),
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


@pytest.mark.parametrize("rnn", [torch.nn.LSTM(3, 8), torch.nn.GRU(3, 8, batch_first=True)])
def test_other_networks_can_be_classifiers(rnn):
    assert SequenceClassifier(rnn, 2)(torch.zeros(4, 4, 3)).shape == (4, 2)
    assert SequenceClassifier(rnn, 2)(torch.zeros(4, 3)).shape == (2,)


def test_sequences_of_different_lengths_can_be_classified():
    torch.manual_seed(0)
    model, sequences = SequenceClassifier(ORGaNICs(3, 8), 2, dropout=0.5), [torch.randn(n, 3) for n in (4, 6, 1)]
    packed = torch.nn.utils.rnn.pack_sequence(sequences, enforce_sorted=False)
    assert not torch.equal(model(packed), model(packed))
    model.eval()
    torch.testing.assert_close(model(packed), torch.stack([model(x) for x in sequences]))


def test_what_is_read_can_be_standardized():
    """Units that hardly differ are then read as well as others, and the readout of what was trained is still linear."""
    torch.manual_seed(0)
    model = SequenceClassifier(ORGaNICs(3, 8), 2, standardize=True)
    y = 5 + 1e-3 * torch.randn(200, 8)
    torch.testing.assert_close(
        model.scores(y), model.readout((y - y.mean(0)) / y.std(0, correction=0)), rtol=0, atol=0.02
    )
    model.eval()
    scores = model.scores(torch.stack([y[0], y[1], (y[0] + y[1]) / 2]))
    torch.testing.assert_close(scores[2], (scores[0] + scores[1]) / 2)


def test_part_of_the_input_is_dropped_in_training_alone():
    """What is left is scaled up, as everywhere in torch: with a linear network the mean of the scores stays."""

    class Last(torch.nn.Linear):
        hidden_size, batch_first = 3, True

        def forward(self, x):
            return None, (super().forward(x).transpose(0, 1),)  # the state, as an LSTM has it

    model, x = SequenceClassifier(Last(3, 3), 2, dropout=0.5), torch.ones(20_000, 1, 3)
    torch.manual_seed(0)
    scores, expected = model(x), model.eval()(x)
    assert len(scores.detach().round(decimals=4).unique(dim=0)) == 2**3
    torch.testing.assert_close(scores.mean(0), expected.mean(0), rtol=0, atol=0.03)
    assert len(expected.unique(dim=0)) == 1
