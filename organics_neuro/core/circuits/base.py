"""What every circuit is, joined or not: immutable, compared by value, saved."""

from functools import cached_property
from types import MappingProxyType

from organics_neuro.core import files
from organics_neuro.core.dynamics import Dynamics
from organics_neuro.core.plain import digest

#: What the names of arrays begin with that a file holds beside a circuit.
EXTRA = "extra/"


class AnyCircuit:
    """Shared behaviour of circuits: they never change, compare by value, and can be saved."""

    def __setattr__(self, name, value):
        raise AttributeError(f"a circuit never changes; make a changed copy with circuit.replace({name}=...)")

    @cached_property
    def dynamics(self):
        """Right-hand side and Jacobian, a `organics_neuro.core.dynamics.Dynamics`."""
        return Dynamics(self.populations, self.connections, self.external)

    @property
    def states(self):
        """Number of units of each state, by its full name."""
        return MappingProxyType(self.dynamics.states)

    @property
    def inputs(self):
        """Number of units of each input, by its full name."""
        return MappingProxyType(self.dynamics.inputs)

    @property
    def initial(self):
        """Where the states start, by full name, each of shape (units,)."""
        return MappingProxyType(self.dynamics.initial)

    def outputs(self, states, z=None):
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
        return self.dynamics.outputs(self.dynamics.resolve_states("states", states, inputs), inputs)

    @cached_property
    def key(self) -> str:
        """What the circuit is, as a sha256 of the record that files use: the same in every process."""
        return digest(*self._record())

    def __eq__(self, other: object) -> bool:
        return self.key == other.key if isinstance(other, AnyCircuit) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.key)

    def __copy__(self):
        return self  # a circuit never changes

    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):
        from organics_neuro.core.circuits.records import from_record  # which makes circuits of both kinds

        return from_record, self._record()

    def save(self, path, *, extra=None, about=None):
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


def check_circuit(circuit):
    """``circuit``, if it is one; raises `TypeError` otherwise."""
    if not isinstance(circuit, AnyCircuit):
        raise TypeError(
            f"circuit must be a circuit, got {type(circuit).__name__}; make one with organics_neuro.Circuit(...)"
        )
    return circuit
