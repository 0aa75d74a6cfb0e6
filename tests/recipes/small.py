"""Small networks in place of those of the recipes, and the command that the tests give."""

import torch

from organics_neuro import cli, datasets
from organics_neuro.nn import SequenceClassifier

MNIST = datasets.mnist


def tiny(rnn, hidden_size=6):
    return SequenceClassifier(rnn(28, hidden_size, batch_first=True), 10)


def other_loss(model, x, y):
    return 2 * torch.nn.functional.cross_entropy(model(x), y)


def run(*arguments):
    return cli.main([str(a) for a in arguments])
