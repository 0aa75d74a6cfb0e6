"""What a trained module says of samples: the class it names, and how good its answers are."""

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from organics_neuro.core.boundary import positive_int, shown
from organics_neuro.training import samples

#: Samples that `predict` looks at together: networks may keep all steps of their states.
PREDICT_TOGETHER = 250


def predict(model: nn.Module, x: ArrayLike | Tensor, batch_size: int = PREDICT_TOGETHER) -> Tensor:
    """The class with the highest score for each sample.

    Parameters
    ----------
    model : Module
        Returns scores (samples, classes). It is put into evaluation mode, and back.
    x : array_like of float, shape (samples, ...)
        As the model takes them.
    batch_size : int
        Samples at once.

    Returns
    -------
    Tensor of int64, shape (samples,)
        On the CPU.

    Raises
    ------
    TypeError
        For what is no module.
    ValueError
        For ``x`` of another shape or type or that is not finite, and for a model that returns something else.
    FloatingPointError
        If a score is NaN.
    """
    return _scores(model, samples.check_inputs("x", x), batch_size).argmax(-1)


def accuracy(
    model: nn.Module, x: ArrayLike | Tensor, y: ArrayLike | Tensor, batch_size: int = PREDICT_TOGETHER
) -> float:
    """Fraction of the samples of ``x`` for which `predict` gives the label in ``y``.

    Parameters
    ----------
    model, x, batch_size :
        As for `predict`, and so are the errors.
    y : array_like of int, shape (samples,)
        Labels, from 0 on.

    Returns
    -------
    float
    """
    x, y = samples.check("x", x, "y", y)
    return float((_scores(model, x, batch_size).argmax(-1) == y.cpu()).double().mean())


def explained(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """The fraction of the variance of targets that a model explains: 1 is perfect, 0 as good as their mean."""
    returned, y = _scores(model, x, classes=False).double(), y.cpu().double()
    variance = (y - y.mean(0)).square().mean()
    return float(1 - (returned - y).square().mean() / variance.clamp_min(1e-300))


@torch.no_grad()
def _scores(model: nn.Module, x: Tensor, batch_size: int = PREDICT_TOGETHER, classes: bool = True) -> Tensor:
    """What the model returns where it is not trained, on the CPU: shape (samples, classes), or any for targets."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, got {shown(model)}")
    parts = x.split(positive_int("batch_size", batch_size))
    device, modes = device_of(model), [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        scores = torch.cat([_scores_of(part, model(part.to(device)), classes).cpu() for part in parts])
    finally:
        model.train(modes[0][1])  # a module may do more than note its mode
        for module, training in modes:  # parts that were frozen
            module.training = training
    if undefined := int(scores.isnan().flatten(1).any(-1).sum()):
        raise FloatingPointError(
            f"the model's scores are NaN for {undefined} of {len(x)} samples; train it with a smaller lr or smaller step sizes"
        )
    return scores


def _scores_of(x: Tensor, returned: object, classes: bool) -> Tensor:
    """What a model returned for ``x``, if these are scores, or one answer for each sample."""
    if not classes and isinstance(returned, Tensor) and returned.dim() > 1 and len(returned) == len(x):
        return returned
    if not isinstance(returned, Tensor) or returned.dim() != 2 or len(returned) != len(x):
        got = f"shape {tuple(returned.shape)}" if isinstance(returned, Tensor) else f"a {type(returned).__name__}"
        raise ValueError(
            f"the model must return scores (samples, classes), but returned {got} for x of shape {tuple(x.shape)}; "
            "SequenceClassifier makes them of a recurrent network, which takes x of shape (samples, steps, features) "
            "with batch_first=True"
        )
    return returned


def check_labels(model: nn.Module, name: str, x: Tensor, y: Tensor) -> None:
    """Try the model on one sample, and compare what it returns with the labels, or with the shape of targets."""
    if y.is_floating_point():
        returned = _scores(model, x[:1], classes=False)
        if returned.shape[1:] != y.shape[1:]:
            raise ValueError(
                f"{name} must have targets of the shape that the model returns, {tuple(returned.shape[1:])}, got {tuple(y.shape[1:])}"
            )
        return
    classes = _scores(model, x[:1]).shape[-1]
    if y.max() >= classes:
        raise ValueError(f"{name} holds the label {y.max()}, but the model has scores for {classes} classes")


def device_of(model: nn.Module) -> torch.device:
    """Where a module computes: that of its parameters, which are all on one."""
    parameter = next(model.parameters(), None)
    return torch.device("cpu") if parameter is None else parameter.device
