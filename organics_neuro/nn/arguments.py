"""What the layers do with the tensors that users give, before anything is computed."""

from functools import wraps

import torch
from torch.nn.utils.rnn import PackedSequence

from organics_neuro.core.errors import shown
from organics_neuro.core.memory import check_memory
from organics_neuro.nn.transforms import has_numbers

#: Types that the parameters of a layer can have.
_DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
#: Bytes that a layer takes beside its parameters.
_OVERHEAD = 20_000


def factory(device, dtype, numbers, layers=1):
    """``device`` and ``dtype`` as the functions of torch take them that make the parameters of a layer.

    Parameters
    ----------
    device, dtype
        As a user gives them; None is what torch has as its default.
    numbers : int
        How many parameters a layer has, and how many ``layers`` there are.

    Raises
    ------
    ValueError
        For what is no device, or not there, and for a type that parameters cannot have.
    MemoryError
        If there is not enough of it.
    """
    if dtype is not None and not (isinstance(dtype, torch.dtype) and dtype in _DTYPES):
        raise ValueError(f"dtype must be one of {', '.join(map(str, _DTYPES))}, got {shown(dtype)}")
    try:
        place = torch.empty(0, device=device, dtype=dtype).device
    except Exception as error:  # torch raises many kinds
        reason = shown(error, lambda e: str(e).partition("\n")[0])
        raise ValueError(f"device must be one that is there, such as 'cpu', got {shown(device)} ({reason})") from error
    if place.type == "cpu":
        size = layers * (numbers * (dtype or torch.get_default_dtype()).itemsize + _OVERHEAD)
        check_memory(f"a layer of {numbers:,} parameters, {layers:,} times,", size, "use fewer units or layers")
    return {"device": device, "dtype": dtype}


def check_tensor(value, name="input"):
    """Raise `TypeError` unless ``value`` is a plain tensor."""
    if not isinstance(value, torch.Tensor):
        raise TypeError(f"{name} must be a tensor, got {type(value).__name__}; make one with torch.as_tensor")
    if value.layout != torch.strided:
        raise TypeError(f"{name} is a tensor with the layout {value.layout}; give one as tensor.to_dense() is")


def check_dtype(input, module):
    """Raise `ValueError` unless ``input`` has the type of the module's parameters, and is where they are."""
    parameter = _parameter(module)
    if input.dtype != parameter.dtype:
        raise ValueError(
            f"input is {input.dtype}, but the parameters are {parameter.dtype}; convert one of them with .to(dtype)"
        )
    if input.device != parameter.device:
        raise ValueError(
            f"input is on the device {input.device}, but the parameters are on {parameter.device}; move one of them with .to(device)"
        )


def check_input(input, module, axes):
    """Raise an error unless ``input`` is a tensor with so many axes, the last one of ``module.input_size``."""
    check_tensor(input)
    if input.dim() not in axes or input.shape[-1] != module.input_size:
        raise ValueError(
            f"input has shape {tuple(input.shape)}, but must have {' or '.join(map(str, axes))} axes, the last one of input_size={module.input_size}"
        )
    check_dtype(input, module)


def check_state(state, fields, shape, input):
    """Raise an error unless ``state`` has one tensor of this shape, and of the type of ``input``, for each of the fields."""
    if not isinstance(state, (tuple, list)) or len(state) != len(fields):
        got = f"{len(state)} parts" if isinstance(state, (tuple, list)) else type(state).__name__
        raise ValueError(f"state must be a State of {', '.join(fields)}, got {got}")
    for name, value in zip(fields, state, strict=True):
        check_tensor(value, f"state {name!r}")
        if value.shape != shape or value.dtype != input.dtype or value.device != input.device:
            raise ValueError(
                f"state {name!r} is {value.dtype} of shape {tuple(value.shape)} on {value.device}, but must be {input.dtype} of "
                f"shape {tuple(shape)} on {input.device}"
            )


def in_own_precision(method):
    """Let a method of a module compute in the type of its parameters where `torch.autocast` is on.

    A circuit adds many small steps, and a steady state is searched to a tolerance: both need more precision than bfloat16
    has.
    """

    @wraps(method)
    def run(self, input, *state, **options):
        kind = _parameter(self).device.type
        if not torch.amp.is_autocast_available(kind) or not torch.is_autocast_enabled(kind):
            return method(self, input, *state, **options)
        with torch.autocast(kind, enabled=False):
            input, *state = (_widened(value, self) for value in (input, *state))
            return method(self, input, *state, **{name: _widened(value, self) for name, value in options.items()})

    return run


def _widened(value, module):
    """Tensors of a type that autocast gives, also those of a state, in the type of the module; all else as it is."""
    if isinstance(value, (tuple, list)) and not isinstance(value, PackedSequence):
        return [_widened(part, module) for part in value]
    values = value.data if isinstance(value, PackedSequence) else value
    lower = isinstance(values, torch.Tensor) and values.dtype in (torch.bfloat16, torch.float16, torch.float32)
    return value.to(_parameter(module).dtype) if lower else value


def _parameter(module):
    """One that stands for all: they have one type and one device."""
    return next(module.parameters())


def check_steady_input(input, module, fits, expected):
    if not fits:
        raise ValueError(f"input has shape {tuple(input.shape)}, but must have {expected}")
    check_dtype(input, module)
    if not are_finite(input):
        raise ValueError("input holds NaN or infinity; remove these samples")
    for name, parameter in module.named_parameters():
        if not are_finite(parameter):
            raise ValueError(
                f"the parameter {name} of the layer holds NaN or infinity; reset the layer or load it anew"
            )


def check_range(values):
    """Input and parameters are finite: where ``values``, computed from them, are not, a square was too large."""
    if not are_finite(values):
        raise ValueError(f"input, or a parameter of the layer, is too large for {values.dtype}; scale the input down")


@torch.no_grad()
def are_finite(values):
    """Whether none is NaN or infinite, where that can be seen; a finite sum, which costs a fraction of looking at each, says so at once."""
    return not has_numbers() or bool(values.sum().isfinite()) or bool(values.isfinite().all())
