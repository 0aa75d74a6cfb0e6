"""Recurrent cells of the authors' public code as circuits. The names on the left of the tables are those of that code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from organics_neuro.core.boundary import step_size
from organics_neuro.core.circuits import Circuit
from organics_neuro.core.models import MODELS
from organics_neuro.core.models.gated import VARIANTS
from organics_neuro.transfer.published_tensors import Reader, arguments_of

_INPUT_WEIGHTS = {"Wzx": "W_zx", "Wbx0": "W_b0x", "Wbx1": "W_bx"}
_UNIT_WEIGHTS = {"Wby0": "W_b0y", "Wba0": "W_b0a", "Wby1": "W_by", "Wba1": "W_ba"}
_STEP_SIZES = {"param_dt_tauy": "y", "param_dt_taua": "a", "param_dt_taub0": "b0", "param_dt_taub1": "b"}
_INITIAL = {"y0": "y", "a0": "a", "b00": "b0", "b10": "b"}
#: Largest step sizes in the constructor of the public cell; the published runs used 0.02, 0.005 and 0.1.
_MAX_STEP = {"y": 0.01, "a": 0.01, "b": 0.1}
#: The only one that files tell: the code released with the paper.
_RELEASED = "gated_released"


class _Cell(NamedTuple):
    """A version of the cell: the model, and whether the code adds the identity to its recurrent weights."""

    model: str
    identity: bool

    def __str__(self):
        model = MODELS[self.model]
        sources = {c.target: c.source for c in model.couplings}
        weights = "(I + W_r)" if self.identity else "W_r"
        inner = f"{weights} {'[y]+' if sources['recurrent'].startswith('relu') else 'y'}"
        drive = "[W_zx x]+" if model.aliases["z"].startswith("relu") else "W_zx x"
        recurrence = f"[{inner}]+" if model.aliases["recurrence"].startswith("relu") else inner
        return f"{drive}, {recurrence}, pool of {'[y]+^2' if '(y)**2' in sources['pool'] else 'y^2'}"


def _name(variant, identity):
    usual = variant == _RELEASED  # its W_r has the identity
    return variant if identity == usual else f"{variant}_{'with' if identity else 'without'}_identity"


#: The versions that the package can express, by the name that `import_checkpoint` takes.
CELLS = {_name(variant, identity): _Cell(variant, identity) for variant in VARIANTS for identity in (False, True)}


def largest_steps(given: Mapping[str, float], content: Mapping, notes: list[str]) -> dict[str, float]:
    """Largest step sizes: as given, from the hyper-parameters, or the constructor's."""
    found = dict(given)
    if missing := _MAX_STEP.keys() - given:
        kept = arguments_of(content)
        for k in missing:
            if (value := kept.get(f"dt_tau_max_{k}")) is not None:
                found[k] = step_size(f"dt_tau_max_{k}, which max_step_{k} overrides,", value)
    assumed = {k: value for k, value in _MAX_STEP.items() if k not in found}
    if assumed:
        listed = ", ".join(f"max_step_{k}={value:g}" for k, value in assumed.items())
        notes.append(f"the checkpoint does not hold the largest step sizes; assumed {listed}")
    return {**found, **assumed}


def circuit_of_cell(
    reader: Reader,
    cell: str | None,
    limit_pool: bool | None,
    max_step: Mapping[str, float],
    dt: float,
    notes: list[str],
) -> Circuit:
    """The circuit of a recurrent cell."""
    n = len(reader.get("log_Way", (None, None)))
    cell = _recognise(reader, notes) if cell is None else cell
    weights = {ours: reader.matrix(name, (n, None)) for name, ours in _INPUT_WEIGHTS.items()}
    weights.update({ours: reader.matrix(name, (n, n)) for name, ours in _UNIT_WEIGHTS.items()})
    weights |= {
        "W_r": _recurrence(reader, n, CELLS[cell].identity, notes),
        "W": _pool(reader, n, cell, limit_pool, notes),
    }
    taus = {}
    for name, state in _STEP_SIZES.items():
        taus[f"tau_{state}"] = (dt / (max_step[state[0]] * reader.get(name, (n,)).sigmoid())).numpy()
    parent = Reader(reader.state, ".".join([*reader.prefix.split(".")[:-2], ""]))
    initial = {ours: parent.get(name, (n,)).numpy() for name, ours in _INITIAL.items() if name in parent}
    if missing := [name for name, state in _INITIAL.items() if state not in initial]:
        notes.append(f"the checkpoint does not hold the initial state {', '.join(missing)}; it is that of the model")
    sigma = reader.get("sigma", (n,)).numpy()
    reader.used |= parent.used
    options: dict[str, Any] = {"initial": initial, "sigma": sigma, "made_for": dt, **taus}
    return Circuit(CELLS[cell].model, {name: value.numpy() for name, value in weights.items()}, **options)


def _recurrence(reader: Reader, n: int, identity: bool, notes: list[str]) -> Tensor:
    if reader.is_vector("Wr"):
        notes.append(f"{reader.prefix}Wr holds one number for each unit: W_r is diagonal, with sigmoids of them")
        W_r = torch.diag(reader.matrix("Wr", (n,)).sigmoid())
    else:
        W_r = reader.matrix("Wr", (n, n))
    return torch.eye(n, dtype=W_r.dtype) + W_r if identity else W_r


def _pool(reader: Reader, n: int, cell: str, limit: bool | None, notes: list[str]) -> Tensor:
    """The pool; some versions cut its entries at 1, which the file does not say."""
    pool = reader.get("log_Way", (n, n)).exp()
    above = int((pool > 1).sum())
    if limit is None and above and cell != _RELEASED:
        limit = True
        notes.append(
            f"{above} entries of the pool above 1 were set to 1, as the latest code does; for a commit without that "
            "limit, give limit_pool=False"
        )
    return pool.clamp(max=1) if limit else pool


def _recognise(reader: Reader, notes: list[str]) -> str:
    """The version of a cell, if its tensors tell; raises `ValueError` with those that fit otherwise."""
    if reader.is_spectral("Wr") and not reader.is_spectral("Wzx") and "B0_const" in reader:
        notes.append(f"taken for the cell {_RELEASED!r}, by the spectral norm of its recurrence and B0_const")
        return _RELEASED
    listed = "; ".join(f"{name!r}: {cell}" for name, cell in CELLS.items())
    raise ValueError(f"{reader.prefix}Wr fits several cells, which files do not tell apart; give cell=... ({listed})")
