"""What every circuit is, joined or not: immutable, compared by value, saved."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from organics_neuro.core import files
from organics_neuro.core.boundary import Values
from organics_neuro.core.dynamics import Dynamics
from organics_neuro.core.names import Name
from organics_neuro.core.plain import digest
from organics_neuro.core.populations import Connection, Population

#: What the names of arrays begin with that a file holds beside a circuit.
EXTRA = "extra/"
#: What metadata call the time step that a circuit was made for; it says how to use the circuit, not what it is.
MADE_FOR = "made_for"


class AnyCircuit:
    """Shared behaviour of circuits: they never change, compare by value, and can be saved."""

    @cached_property
    def populations(self) -> dict[Any, Population]:
        """The populations by their full name; the only one of a circuit that is not joined has none."""
        raise NotImplementedError

    @cached_property
    def connections(self) -> tuple[Connection, ...]:
        """What couples the populations."""
        raise NotImplementedError

    @cached_property
    def external(self) -> dict[Any, int]:
        """Sizes of the inputs that have a size of their own."""
        raise NotImplementedError

    def _record(self) -> tuple[dict[str, np.ndarray], dict]:
        """Arrays and metadata that define the circuit."""
        raise NotImplementedError

    def __setattr__(self, name, value):
        raise AttributeError(f"a circuit never changes; make a changed copy with circuit.replace({name}=...)")

    @cached_property
    def dynamics(self) -> Dynamics:
        """Right-hand side and Jacobian, a `organics_neuro.core.dynamics.Dynamics`."""
        return Dynamics(self.populations, self.connections, self.external)

    @property
    def states(self) -> Mapping[str, int]:
        """Number of units of each state, by its full name."""
        return MappingProxyType(self.dynamics.states)

    @property
    def inputs(self) -> Mapping[str, int]:
        """Number of units of each input, by its full name."""
        return MappingProxyType(self.dynamics.inputs)

    @property
    def initial(self) -> Mapping[str, np.ndarray]:
        """Where the states start, by full name, each of shape (units,)."""
        return MappingProxyType(self.dynamics.initial)

    def outputs(self, states: Mapping, z: Values = None) -> dict[str, np.ndarray]:
        """What the model declares as outputs, such as firing rates.

        Parameters
        ----------
        states : dict
            Each state by its full name, shape (..., units); states not named are where the circuit starts.
        z : array_like or dict, optional
            Input, as everywhere: (..., units), with the leading axes of the states.

        Returns
        -------
        dict of ndarray
            Each output by its full name ("rate_y", "e.rate_v"), shape (..., units), or (..., channels) where it has
            weights.
        """
        inputs = self.dynamics.resolve_inputs(z)
        with np.errstate(all="ignore"):  # what is not finite is found in the result
            found = self.dynamics.outputs(self.dynamics.resolve_states("states", states, inputs), inputs)
        for name, value in found.items():
            if not np.isfinite(value).all():
                raise FloatingPointError(
                    f"the output {name!r} is not finite at these states and inputs, which are too large or where it is not defined"
                )
        return found

    @cached_property
    def key(self) -> str:
        """What the circuit is, as a sha256 of the record that files use: the same in every process."""
        arrays, metadata = self._record()
        return digest(arrays, defining(metadata))

    def __eq__(self, other: object) -> bool:
        return self.key == other.key if isinstance(other, AnyCircuit) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.key)

    def _repr_html_(self) -> str:
        from organics_neuro.core.html import circuit_html

        return circuit_html(self)

    def __copy__(self):
        return self  # a circuit never changes

    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):
        from organics_neuro.core.circuits.records import from_record  # which makes circuits of both kinds

        return from_record, self._record()

    def save(
        self, path: str | Path, *, extra: Mapping[str, np.ndarray] | None = None, about: dict | None = None
    ) -> None:
        """Write the circuit to a safetensors file, which `load` reads without torch and without Brian2.

        Parameters
        ----------
        path : path
            Conventionally ends in ``.safetensors``.
        extra : dict of ndarray, optional
            Arrays that belong to the circuit, such as a readout; they are kept as ``extra/name``.
        about : dict, optional
            What is to be known of them, as JSON can hold it.
        """
        arrays, metadata = self._record()
        arrays.update({f"{EXTRA}{name}": value for name, value in (extra or {}).items()})
        files.save(path, arrays, kind="circuit", metadata=metadata if about is None else {**metadata, "about": about})


def defining(metadata: Mapping) -> dict:
    """Metadata of a record without the step that the circuit, or a part of it, was made for."""
    left = {key: value for key, value in metadata.items() if key != MADE_FOR}
    return left | {"parts": {k: defining(part) for k, part in left["parts"].items()}} if "parts" in left else left


def warn_of_step(circuit: AnyCircuit, dt: float, given: Collection[Name] = (), stacklevel: int = 3) -> None:
    """Warn if a circuit, or a part of it, was made for another time step than ``dt``.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
    dt : float
        In seconds.
    given : collection of Name
        Parameters whose values the circuit does not say.
    stacklevel : int
        As for `warnings.warn`.
    """
    for name, population in circuit.populations.items():
        made, step = population.made_for, population.model.step
        if made is None or abs(made - dt) <= 1e-9 * dt or Name(name, step) in given:
            continue
        other = f"circuit.replace({step}={dt:g})" if step else f"make it with to_circuit(rnn, dt={dt:g})"
        warnings.warn(
            f"the circuit{f' {name!r}' if name else ''} was made for steps of {made:g} s, but is run with steps of {dt:g} s: "
            f"give dt={made:g}, or {other}",
            stacklevel=stacklevel,
        )
        return


def check_circuit(circuit: object) -> AnyCircuit:
    """``circuit``, if it is one; raises `TypeError` otherwise."""
    if not isinstance(circuit, AnyCircuit):
        raise TypeError(
            f"circuit must be a circuit, got {type(circuit).__name__}; make one with organics_neuro.Circuit(...)"
        )
    return circuit
