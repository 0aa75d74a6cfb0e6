"""FORCE learning in a running network: what a feedback network reads out is fitted while it runs."""

import brian2 as b2
import numpy as np

from organics_neuro.brian.group import CircuitGroup
from organics_neuro.brian.kernels.private import current_device
from organics_neuro.core.boundary import number, positive_int
from organics_neuro.core.feedback import EVERY, RecursiveLeastSquares, check_loop


class ForceLearning(b2.NetworkOperation):
    """Recursive least squares on the readout of a group, while the loop is closed.

    The rule is that of `organics_neuro.feedback.train` with "force", update by update; here the network may do other things
    at the same time: get noise and inputs, or be part of a larger one. Add it to the network beside the group.

    Parameters
    ----------
    group : CircuitGroup
        Of a circuit of the model "feedback", with one trial and a loop of rank one, on the device "runtime".
    target : float
        What the output is to be; may be changed between runs: ``force.target = 2.0``.
    every : int
        Steps between two updates.
    name : str
        Name of the Brian2 object.

    Attributes
    ----------
    weights : ndarray, shape (units,)
        What is learned, n/units: it starts at what the circuit has.
    errors : list of float
        Output minus target before each update.

    Raises
    ------
    NotImplementedError
        On the devices "cpp" and "cuda", which take no operation in Python.
    ValueError, TypeError
        For another group, several trials, or a target that is not finite.

    Examples
    --------
    >>> import brian2 as b2
    >>> import organics_neuro as on
    >>> group = on.CircuitGroup(on.feedback.network(100, seed=0), dt=1*b2.ms)
    >>> force = on.ForceLearning(group, target=1.0)
    >>> b2.Network(group, force).run(200*b2.ms)
    >>> abs(force.errors[-1]) < 0.01
    True
    """

    def __init__(self, group: CircuitGroup, target: float, every: int = EVERY, name: str = "forcelearning*"):
        if current_device() != "runtime":
            raise NotImplementedError(
                "FORCE learning runs on the device 'runtime' alone: programs in C++ and CUDA take no operation in Python; call "
                "use_device('runtime'), or train the circuit before with organics_neuro.feedback.train"
            )
        if not isinstance(group, CircuitGroup):
            raise TypeError(f"ForceLearning takes a CircuitGroup, got {type(group).__name__}")
        _, weights = check_loop(group.circuit)
        if group.trials != 1:
            raise ValueError(f"ForceLearning takes a group of one trial, got trials={group.trials}")
        self.every, self.steps, self.errors = positive_int("every", every), 0, []
        self._learner = RecursiveLeastSquares(group.units, _target(target))
        self._learner.weights = weights.copy()
        self._group = group
        super().__init__(self._step, clock=group.clock, when="end", name=name)

    @property
    def target(self) -> float:
        """What the output is to be."""
        return self._learner.target

    @target.setter
    def target(self, value: float) -> None:
        self._learner.target = _target(value)

    @property
    def weights(self) -> np.ndarray:
        """What is learned, n/units, shape (units,)."""
        return self._learner.weights.copy()

    def _step(self):
        self.steps += 1
        if self.steps % self.every:
            return
        self.errors.append(self._learner.update(np.tanh(self._group.variables["v"].get_value())))
        projections = self._group.projections
        projections["loop"].right = self._learner.weights
        projections["readout"].matrix = self._learner.weights[None]


def _target(value):
    return number("target", value, "a number", lambda v: True)
