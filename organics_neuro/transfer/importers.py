"""Checkpoints of the authors' public code (martiniani-lab/dynamic-divisive-norm) as circuits and layers of this package.

Files are read with ``weights_only=True``: what they hold
besides tensors and plain values is refused, not executed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from organics_neuro.core.boundary import known_name, shown, step_size
from organics_neuro.core.errors import FileFormatError
from organics_neuro.core.files import existing
from organics_neuro.core.models.gated import STEP_TIME
from organics_neuro.core.units import seconds
from organics_neuro.training.checkpoints import read
from organics_neuro.transfer.published_cells import CELLS, circuit_of_cell, largest_steps
from organics_neuro.transfer.published_layers import convolutional_layer, dense_layer
from organics_neuro.transfer.published_tensors import Reader, arguments_of


@dataclass(frozen=True)
class ImportedCheckpoint:
    """What `import_checkpoint` made of a file; print it.

    Attributes
    ----------
    parts : dict of Circuit, DivisiveNormalization or DivisiveNormalization2d
        By their name in the checkpoint, such as "org": a circuit for a recurrent cell, a layer for a static one.
    unmapped : dict of Tensor
        What has no place in them, such as the readout "fc.weight".
    notes : list of str
        What was assumed.
    """

    parts: dict
    unmapped: dict
    notes: list

    def __str__(self):
        unmapped = ", ".join(f"{name} {tuple(value.shape)}" for name, value in self.unmapped.items())
        lines = [f"{name or 'circuit'}: {part!r}" for name, part in self.parts.items()]
        return "\n".join([*lines, f"not mapped: {unmapped or 'nothing'}", *(f"note: {note}" for note in self.notes)])


def import_checkpoint(
    path, cell=None, *, limit_pool=None, max_step_y=None, max_step_a=None, max_step_b=None, dt=STEP_TIME
):
    """Read a checkpoint of the authors' public code.

    Parameters
    ----------
    path : path
        A PyTorch Lightning checkpoint or a state dict, of the recurrent classifier (class ``rnn``), of the static one
        (class ``feedforward``), or of a cell or layer alone. A convolutional layer must have one b0 a channel and a uniform
        pool.
    cell : str, optional
        Version of the recurrent cell, by the model that it is: "gated" (z = [W_zx x]+ and [W_r y]+, the later code),
        "gated_rectified", "gated_released" (W_zx x and (I + W_r) [y]+, of October 2024), "gated_unrectified_recurrence" or
        "gated_unrectified"; with the ending "_with_identity" if the code adds the identity to W_r, and
        "gated_released_without_identity" if it does not. The released one is recognised; otherwise files do not tell,
        and the error lists what each computes.
    limit_pool : bool, optional
        Whether the code cuts entries of the pool at 1, which files do not tell. Default: as the latest code does, with a
        note if it matters; not for "gated_released".
    max_step_y, max_step_a, max_step_b : float, optional
        Upper bounds of the learned step sizes (``dt_tau_max_y``, ...), above 0 and at most 1, which the weights do
        not hold. By default those among the checkpoint's hyper-parameters, or else 0.01, 0.01 and 0.1, as in the
        code's constructor.
    dt : float or Brian2 quantity
        How much time one step of a recurrent cell stands for, in seconds.

    Returns
    -------
    ImportedCheckpoint

    Raises
    ------
    ValueError
        For an unknown ``cell``, another ``limit_pool``, and for step sizes that are not above 0 and at most 1.
    TypeError, UnitError
        If ``dt`` is no time.
    FileNotFoundError
    FileFormatError
        If the file is not a checkpoint, is damaged, holds objects, has an unknown layout, wrong shapes or values, or
        does not tell which ``cell`` it is.
        Files in the format that torch wrote before 2020 have no checksums: a changed number in them goes unnoticed.
    """
    if cell is not None:
        known_name("cell", cell, CELLS)
    if not isinstance(limit_pool, (bool, type(None))):
        raise ValueError(f"limit_pool must be True, False or None, got {shown(limit_pool)}")
    given = {"y": max_step_y, "a": max_step_a, "b": max_step_b}
    given = {k: step_size(f"max_step_{k}", value) for k, value in given.items() if value is not None}
    dt, content = seconds("dt", dt), _load(path)
    try:
        return _imported(content, cell, limit_pool, given, dt)
    except (TypeError, ValueError) as error:  # what is wrong with the content, also in the eyes of circuit and layer
        raise FileFormatError(f"{path}: {error}") from error


def _load(path):
    path = existing(path)
    try:
        content = read(path)
    except ValueError as error:
        raise FileFormatError(
            f"{path} is not a checkpoint: {error}; save it again with torch.save(model.state_dict(), path)"
        ) from error
    if not isinstance(content, Mapping):
        raise FileFormatError(f"{path} holds a {type(content).__name__}, not a checkpoint or a state dict")
    return content


def _imported(content, cell, limit_pool, given, dt):
    """What `import_checkpoint` returns; raises `ValueError` without the name of the file."""
    state = content.get("state_dict", content)
    if not isinstance(state, Mapping) or not all(
        isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in state.items()
    ):
        raise ValueError("it holds no state dict: give a Lightning checkpoint, or what state_dict() returns")
    notes, parts, used, failed = [], {}, set(), []
    for prefix in [key.removesuffix("log_Way") for key in state if key.endswith("log_Way")]:
        reader, name = Reader(state, prefix), prefix.rstrip(".")
        if f"{prefix}input_kernel" in state:
            try:
                parts[name] = convolutional_layer(reader, arguments_of(content), notes)
            except ValueError as error:  # the rest of the model can be of use
                failed.append(f"not imported: {error}")
                continue
        elif f"{prefix}Wbx0" in state:
            steps = largest_steps(given, content, notes)
            parts[name] = circuit_of_cell(reader, cell, limit_pool, steps, dt, notes)
        elif state[f"{prefix}log_Way"].dim() == 2:
            parts[name] = dense_layer(reader, arguments_of(content), notes)
        used |= reader.used
    if failed and not parts:
        raise ValueError(failed[0])
    if not parts:
        raise ValueError(
            f"unknown layout: it holds {', '.join(list(state)[:6]) or 'nothing'}, ..., but neither a recurrent cell "
            "(log_Way, Wbx0, ...) nor a static layer (log_Way, Wbx, ...)"
        )
    return ImportedCheckpoint(parts, {key: value for key, value in state.items() if key not in used}, [*notes, *failed])
