"""Settings that train well, chosen on validation data, for examples and demonstrations to share."""

import torch

from organics_neuro.nn.layers import ORGaNICs
from organics_neuro.nn.classifiers import SequenceClassifier


def digits_rows(seed=0):
    """A classifier of handwritten digits that are read row by row, 28 steps of 28 pixels, and how to train it.

    Parameters
    ----------
    seed : int
        Of the initial parameters, the validation split and the order of the digits.

    Returns
    -------
    model : SequenceClassifier
    settings : dict
        Arguments of `organics_neuro.nn.training.fit`.

    Examples
    --------
    >>> model, settings = digits_rows()
    >>> digits = datasets.mnist()  # doctest: +SKIP
    >>> training.fit(model, digits.x_train, digits.y_train, **settings)  # doctest: +SKIP
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        rnn = ORGaNICs(28, 64, batch_first=True, max_step_y=0.5, max_step_a=0.3, max_step_b=0.9)
        model = SequenceClassifier(rnn, classes=10)
    return model, {"epochs": 5, "batch_size": 128, "lr": 0.04, "validation": 0.05, "seed": seed}
