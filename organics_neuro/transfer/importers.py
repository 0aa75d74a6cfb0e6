"""Checkpoints of the authors' public code (martiniani-lab/dynamic-divisive-norm) as circuits and layers of this package.

The names on the left of the tables are those of that code. Files are read with ``weights_only=True``: what they hold
besides tensors and plain values is refused, not executed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from organics_neuro.core.boundary import known_name, step_size
from organics_neuro.core.circuits import Circuit
from organics_neuro.core.errors import FileFormatError
from organics_neuro.core.files import existing
from organics_neuro.core.models.gated import STEP_TIME
from organics_neuro.core.units import seconds
from organics_neuro.nn.published import PUBLISHED_ITERATIONS
from organics_neuro.nn.steady import DivisiveNormalization
from organics_neuro.training.checkpoints import read

#: The versions of the recurrent cell, by the model that each is. Files of the last two have the same names and shapes.
CELLS = ("gated_released", "gated", "gated_unrectified_recurrence")
_INPUT_WEIGHTS = {"Wzx": "W_zx", "Wbx0": "W_b0x", "Wbx1": "W_bx"}
_UNIT_WEIGHTS = {"Wr": "W_r", "Wby0": "W_b0y", "Wba0": "W_b0a", "Wby1": "W_by", "Wba1": "W_ba"}
_STEP_SIZES = {"param_dt_tauy": "y", "param_dt_taua": "a", "param_dt_taub0": "b0", "param_dt_taub1": "b"}
_INITIAL = {"y0": "y", "a0": "a", "b00": "b0", "b10": "b"}
#: Largest step sizes in the constructor of the public cell; the published runs used 0.02, 0.005 and 0.1.
_MAX_STEP = {"y": 0.01, "a": 0.01, "b": 0.1}


@dataclass(frozen=True)
class ImportedCheckpoint:
    """What `import_checkpoint` made of a file; print it.

    Attributes
    ----------
    parts : dict of Circuit or DivisiveNormalization
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


def import_checkpoint(path, cell=None, *, max_step_y=None, max_step_a=None, max_step_b=None, dt=STEP_TIME):
    """Read a checkpoint of the authors' public code.

    Parameters
    ----------
    path : path
        A PyTorch Lightning checkpoint or a state dict, of the recurrent classifier (class ``rnn``), of the static one
        (class ``feedforward``), or of a cell or layer alone.
    cell : {"gated_released", "gated", "gated_unrectified_recurrence"}, optional
        Version of the recurrent cell, by the model that it is. "gated_released": of October 2024, z = W_zx x and
        (I + W_r) relu(y); recognised by its spectral norm, and then not needed. "gated": of the later code,
        z = relu(W_zx x) and relu(W_r y). "gated_unrectified_recurrence": z = relu(W_zx x), W_r y, and a pool of y².
        Files of the last two look alike, so say which one it is.
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
        For an unknown ``cell``, and for step sizes that are not above 0 and at most 1.
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
    given = {"y": max_step_y, "a": max_step_a, "b": max_step_b}
    given = {k: step_size(f"max_step_{k}", value) for k, value in given.items() if value is not None}
    dt, content = seconds("dt", dt), _load(path)
    try:
        return _imported(content, cell, given, dt)
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


def _imported(content, cell, given, dt):
    """What `import_checkpoint` returns; raises `ValueError` without the name of the file."""
    state = content.get("state_dict", content)
    if not isinstance(state, Mapping) or not all(
        isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in state.items()
    ):
        raise ValueError("it holds no state dict: give a Lightning checkpoint, or what state_dict() returns")
    notes, parts, used = [], {}, set()
    for prefix in [key.removesuffix("log_Way") for key in state if key.endswith("log_Way")]:
        reader = _Reader(state, prefix)
        if f"{prefix}input_kernel" in state:
            notes.append(f"{prefix}log_Way is of a convolutional layer, which is not mapped")
        elif f"{prefix}Wbx0" in state:
            parts[prefix.rstrip(".")] = _circuit(reader, cell, _steps(given, content, notes), dt, notes)
        elif state[f"{prefix}log_Way"].dim() == 2:
            parts[prefix.rstrip(".")] = _layer(reader, _arguments(content), notes)
        used |= reader.used
    if not parts and notes:
        raise ValueError(f"{notes[0]}; recurrent cells and static layers are")
    if not parts:
        raise ValueError(
            f"unknown layout: it holds {', '.join(list(state)[:6]) or 'nothing'}, ..., but neither a recurrent cell "
            "(log_Way, Wbx0, ...) nor a static layer (log_Way, Wbx, ...)"
        )
    return ImportedCheckpoint(parts, {key: value for key, value in state.items() if key not in used}, notes)


class _Reader:
    """The tensors of one module of a checkpoint, in float64, checked; remembers what was read."""

    def __init__(self, state, prefix):
        self.state, self.prefix, self.used = state, prefix, set()

    def __contains__(self, name):
        return self.prefix + name in self.state

    def get(self, name, shape):
        """The tensor ``name``; a length of None in ``shape`` may be any."""
        key = self.prefix + name
        if key not in self.state:
            raise ValueError(f"it has no {key}, which belongs to {self.prefix}log_Way")
        value = self.state[key].detach()
        if value.layout != torch.strided or value.is_complex() or value.is_quantized or value.is_meta:
            raise ValueError(
                f"{key} must hold plain real numbers, but is {value.dtype}, {value.layout}, {value.device}"
            )
        if value.dim() != len(shape) or any(n not in (None, m) for n, m in zip(shape, value.shape, strict=True)):
            expected = ", ".join("inputs" if n is None else str(n) for n in shape)
            raise ValueError(f"{key} has shape {tuple(value.shape)}, but must have ({expected})")
        value = value.double()
        if not value.isfinite().all():
            raise ValueError(f"{key} holds NaN or infinity")
        self.used.add(key)
        return value

    def matrix(self, name, shape):
        """Weights that are a parameter, in a module of their own, or divided there by their spectral norm."""
        if not self.is_spectral(name):
            return self.get(f"{name}.weight" if f"{name}.weight" in self else name, shape)
        kept = f"{name}.parametrizations.weight"
        matrix = self.get(f"{kept}.original", shape)
        # the norm is what the code's power iteration had found, not the exact one
        left, right = (self.get(f"{kept}.0._{side}", (n,)) for side, n in zip("uv", matrix.shape, strict=True))
        return matrix / (left @ matrix @ right)

    def is_spectral(self, name):
        return f"{name}.parametrizations.weight.original" in self


def _steps(given, content, notes):
    """Largest step sizes: as given, from the hyper-parameters, or the constructor's."""
    found = dict(given)
    if missing := _MAX_STEP.keys() - given:
        kept = _arguments(content)
        for k in missing:
            if (value := kept.get(f"dt_tau_max_{k}")) is not None:
                found[k] = step_size(f"dt_tau_max_{k}, which max_step_{k} overrides,", value)
    assumed = {k: value for k, value in _MAX_STEP.items() if k not in found}
    if assumed:
        listed = ", ".join(f"max_step_{k}={value:g}" for k, value in assumed.items())
        notes.append(f"the checkpoint does not hold the largest step sizes; assumed {listed}")
    return {**found, **assumed}


def _arguments(content):
    """What the modules of a checkpoint were made with, as far as it says."""
    kept = _dictionary(content, "hyper_parameters")
    return {**kept, **_dictionary(kept, "kwargs_dict")}


def _dictionary(content, name):
    """A part of a checkpoint that is a dictionary; empty if there is none."""
    part = content.get(name)
    if part is None:
        return {}
    if not isinstance(part, Mapping):
        raise ValueError(
            f"{name} must be a dictionary, got {type(part).__name__}; give max_step_y, max_step_a and max_step_b, or save the state dict alone"
        )
    return part


def _circuit(reader, cell, max_step, dt, notes):
    """The circuit of a recurrent cell."""
    n = len(reader.get("log_Way", (None, None)))
    pool = reader.get("log_Way", (n, n)).exp()
    if cell is None:
        cell = _recognise(reader, notes)
    weights = {ours: reader.matrix(name, (n, None)) for name, ours in _INPUT_WEIGHTS.items()}
    weights.update({ours: reader.matrix(name, (n, n)) for name, ours in _UNIT_WEIGHTS.items()})
    if cell == "gated_released":
        weights["W_r"] = torch.eye(n, dtype=torch.float64) + weights["W_r"]
    elif (pool > 1).any():
        notes.append(
            f"{int((pool > 1).sum())} entries of the pool above 1 were set to 1, as the latest code does; for a commit "
            "without that limit, give the circuit back its pool: circuit.replace(weights={'W': log_Way.exp()})"
        )
        pool = pool.clamp(max=1)
    taus = {}
    for name, state in _STEP_SIZES.items():
        taus[f"tau_{state}"] = (dt / (max_step[state[0]] * reader.get(name, (n,)).sigmoid())).numpy()
    parent = _Reader(reader.state, ".".join([*reader.prefix.split(".")[:-2], ""]))
    initial = {ours: parent.get(name, (n,)).numpy() for name, ours in _INITIAL.items() if name in parent}
    if missing := [name for name, state in _INITIAL.items() if state not in initial]:
        notes.append(f"the checkpoint does not hold the initial state {', '.join(missing)}; it is that of the model")
    sigma = reader.get("sigma", (n,)).numpy()
    reader.used |= parent.used
    weights = {name: value.numpy() for name, value in {**weights, "W": pool}.items()}
    return Circuit(cell, weights, initial=initial, sigma=sigma, **taus)


def _recognise(reader, notes):
    """The version of a cell, if the names of its weights tell; raises `ValueError` with those that fit otherwise."""
    if not reader.is_spectral("Wr"):
        fit = " and ".join(repr(cell) for cell in CELLS[1:])
        raise ValueError(f"{reader.prefix}Wr fits the cells {fit}, which files do not tell apart; give cell=...")
    notes.append(f"taken for the cell {CELLS[0]!r}, by its spectral norm")
    return CELLS[0]


def _layer(reader, arguments, notes):
    """The steady-state layer of a static one; the product of sigma and b0 is all that it needs of both."""
    if (exponent := arguments.get("n", 2)) != 2:
        raise ValueError(f"{reader.prefix}log_Way is of a layer with the exponent n={exponent!r}; layers have 2")
    n = len(reader.get("log_Way", (None, None)))
    pool = reader.get("log_Way", (n, n)).exp()
    if arguments.get("set_norm_diag_one"):
        pool.fill_diagonal_(1)  # the public code does so at every call
    iterations = arguments.get("num_iterations", PUBLISHED_ITERATIONS)
    drive = reader.matrix("Wzx", (n, None))
    W_r = reader.matrix("Wr", (n, n))
    learned = not torch.equal(W_r, torch.eye(n, dtype=W_r.dtype))
    if learned:
        notes.append(
            f"{reader.prefix}Wr is learned: the layer is at the steady state of its circuit, which the public code's iteration "
            "does not reach; with layer.legacy = True it repeats that iteration"
            + (f", {PUBLISHED_ITERATIONS} times and not {iterations!r}" if iterations != PUBLISHED_ITERATIONS else "")
        )
    norm = torch.linalg.matrix_norm(W_r, 2).item()
    if norm > 1 + 1e-6:
        notes.append(f"{reader.prefix}Wr has the largest singular value {norm:.7g}; it was divided by it, as layers do")
    b0 = reader.get("sigma", ()) * reader.get("b0", (n,)).sigmoid()
    if not ((b0 > 0) & (b0 < 1)).all():
        raise ValueError(
            f"sigma sigmoid(b0) of {reader.prefix}log_Way must lie between 0 and 1, but reaches "
            f"from {b0.min():g} to {b0.max():g}"
        )
    layer = DivisiveNormalization(drive.shape[1], n, "learned" if learned else "identity", dtype=torch.float64)
    with torch.no_grad():
        layer.W_zx.copy_(drive)
        layer.W_bx.copy_(reader.get("Wbx", tuple(drive.shape)))
        layer.W = pool
        layer.b0 = b0
        if learned:
            layer.W_r = W_r
    reader.used.add(f"{reader.prefix}identity_matrix")  # a constant of that code
    return layer.to(reader.state[f"{reader.prefix}log_Way"].dtype)
