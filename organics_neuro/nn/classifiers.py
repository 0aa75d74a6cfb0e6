"""Networks that name the class of a sample."""

import torch
from torch import nn
from torch.nn.functional import cross_entropy, dropout, mse_loss
from torch.nn.utils.rnn import PackedSequence

from organics_neuro.core.boundary import positive_int, probability
from organics_neuro.nn.arguments import check_tensor, factory
from organics_neuro.nn.protocol import RecurrentLayer
from organics_neuro.training import BatchNorm1d

#: Added to variances by which y is divided: far below those that units have.
_EPS = 1e-10


class SequenceClassifier(nn.Module):
    """A recurrent network whose last layer is read by a linear layer after the last step.

    Parameters
    ----------
    rnn : ORGaNICs, CircuitLayer, or torch.nn.LSTM, GRU, RNN
        In one direction.
    classes : int
    dropout : float
        Fraction of the input that is dropped in training.
    standardize : bool
        Whether y is standardized before it is read (`BatchNorm1d`, without parameters): units may vary by a
        thousandth from sample to sample, and a readout learns slowly from these.

    Examples
    --------
    >>> import torch
    >>> from organics_neuro.nn import ORGaNICs
    >>> model = SequenceClassifier(ORGaNICs(28, 16, batch_first=True), classes=10)
    >>> model(torch.zeros(2, 28, 28)).shape
    torch.Size([2, 10])
    """

    def __init__(self, rnn, classes, dropout=0.0, standardize=False):
        super().__init__()
        self.dropout = probability("dropout", dropout)
        self.rnn, classes = _check_recurrent(rnn), positive_int("classes", classes)
        units = getattr(rnn, "proj_size", 0) or rnn.hidden_size  # an LSTM may project its units to fewer numbers
        like = next(rnn.parameters())
        options = factory(like.device, like.dtype, classes * (units + 1))
        self.standardized = BatchNorm1d(units, _EPS, affine=False, **options) if standardize else None
        self.readout = nn.Linear(units, classes, **options)

    def forward(self, x):
        """Scores of the classes, (batch, classes), for input as the recurrent network takes it."""
        # not from the output, which takes memory, and whose gradient would be mostly zeros
        x = self._drop(x)
        if isinstance(self.rnn, RecurrentLayer):
            last = getattr(self.rnn.final_state(x), self.rnn.output)
        else:
            state = self.rnn(x)[1]
            last = state if isinstance(state, torch.Tensor) else state[0]
        return self.scores(last[-1])

    def scores(self, y):
        """Scores of the classes, (batch, classes), for the last y of the last layer, (batch, units)."""
        return self.readout(y if self.standardized is None else self._standardize(y))

    def _standardize(self, y):
        if y.dim() > 1:
            return self.standardized(y)
        if self.training:
            raise ValueError("one sequence cannot be standardized in training; give a batch, or call eval() first")
        return self.standardized(y.unsqueeze(0)).squeeze(0)

    def _drop(self, x):
        if isinstance(x, PackedSequence):
            return x._replace(data=self._drop(x.data))
        check_tensor(x, "x")
        return dropout(x, self.dropout, self.training)

    def extra_repr(self):
        return f"dropout={self.dropout:g}" if self.dropout else ""


def _check_recurrent(rnn):
    """``rnn`` if it reads sequences, which cells do not, and ends in one state."""
    if not isinstance(rnn, nn.Module) or not all(hasattr(rnn, name) for name in ("hidden_size", "batch_first")):
        raise TypeError(f"rnn must be ORGaNICs or torch.nn.LSTM, GRU or RNN, got {type(rnn).__name__}")
    if getattr(rnn, "bidirectional", False):
        raise ValueError(
            "rnn is bidirectional, but only its state after the last step is read; make it with bidirectional=False"
        )
    return rnn


class AutoencoderClassifier(nn.Module):
    """An autoencoder whose code is read by a classifier; both are trained together, by `loss`.

    Parameters
    ----------
    sizes : sequence of int
        Of the input, of the hidden layers of the encoder, and of the code; the decoder is their mirror. Hidden
        layers are rectified, the code and the reconstruction lie between 0 and 1.
    classifier : Module
        From codes to scores.
    """

    def __init__(self, sizes, classifier):
        super().__init__()
        self.encoder = _sigmoid_network(sizes)
        self.decoder = _sigmoid_network(sizes[::-1])
        self.classifier = classifier

    def forward(self, x):
        """Scores of the classes, (batch, classes), for input (batch, sizes[0])."""
        return self.classifier(self.encoder(x))

    def loss(self, x, y):
        """Cross entropy of the classes plus mean squared error of the reconstruction."""
        code = self.encoder(x)
        return cross_entropy(self.classifier(code), y) + mse_loss(self.decoder(code), x)


def _sigmoid_network(sizes):
    layers = []
    for before, after in zip(sizes, sizes[1:], strict=False):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers[:-1], nn.Sigmoid())
