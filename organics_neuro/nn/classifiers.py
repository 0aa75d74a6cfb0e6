"""Networks that name the class of a sample."""

from torch import nn


class SequenceClassifier(nn.Module):
    """A recurrent network whose last output is read by a linear layer.

    Parameters
    ----------
    rnn : ORGaNICs or torch.nn.LSTM, GRU, RNN
    classes : int

    Examples
    --------
    >>> import torch
    >>> from organics_neuro.nn import ORGaNICs
    >>> model = SequenceClassifier(ORGaNICs(28, 16, batch_first=True), classes=10)
    >>> model(torch.zeros(2, 28, 28)).shape
    torch.Size([2, 10])
    """

    def __init__(self, rnn, classes):
        super().__init__()
        self.rnn = rnn
        like = next(rnn.parameters())
        self.readout = nn.Linear(rnn.hidden_size, classes, device=like.device, dtype=like.dtype)

    def forward(self, x):
        """Scores of the classes, (batch, classes), for input as the recurrent network takes it."""
        output, _ = self.rnn(x)
        return self.readout(output[:, -1] if self.rnn.batch_first and x.dim() == 3 else output[-1])
