"""Noise around a stable fixed point: power spectral density and covariance of the linearised circuit.

White noise of amplitude η drives a state x as ``tau dx/dt = ... + η sqrt(tau) dW/dt``, as in `CircuitGroup` with
the same ``noise``; its variance per time is η²/tau. With C the diagonal matrix of these rates and J the Jacobian, the
spectrum is S(f) = (iω - J)⁻¹ C (iω - J)⁻ᴴ with ω = 2πf, and the covariance P solves J P + P Jᵀ + C = 0.
"""

from functools import cached_property

import numpy as np
from scipy.linalg import solve_continuous_lyapunov

from organics_neuro.core.boundary import check_names, check_units_axis, known_name
from organics_neuro.core.circuits import check_circuit
from organics_neuro.core.dynamics import noise_amplitude
from organics_neuro.core.names import Name
from organics_neuro.core.theory.fixed_point import fixed_point
from organics_neuro.core.theory.solvers import constant_inputs, time_constants
from organics_neuro.core.theory.stability import jacobian
from organics_neuro.core.units import magnitude


class Spectrum:
    """Power spectral density of a circuit, made by `power_spectrum`: two-sided, per Hz.

    ``spectrum["y"]`` is the spectrum of each unit of the state ``y``, shape (frequencies, units), in squared units of
    the state per Hz. The integral over all frequencies, negative ones included, is the variance.

    Attributes
    ----------
    frequencies : ndarray, shape (frequencies,)
        In Hz.
    states : dict of str to slice
        Where each state lies along the axes of `matrix`.
    """

    def __init__(self, frequencies, states, jacobian, noise):
        self.frequencies, self.states = frequencies, states
        self._jacobian, self._noise = jacobian, noise

    def _response(self, readout):
        """``readout @ (iω - J)⁻¹`` for a readout (k, size), shape (frequencies, k, size)."""
        identity = np.eye(len(self._jacobian))
        return np.array(
            [np.linalg.solve((2j * np.pi * f * identity - self._jacobian).T, readout.T).T for f in self.frequencies]
        )

    def _auto(self, readout):
        return np.abs(self._response(readout)) ** 2 @ self._noise

    def __getitem__(self, state):
        known_name("state", state, self.states)
        return self._auto(np.eye(len(self._jacobian))[self.states[state]])

    @cached_property
    def matrix(self):
        """Auto- and cross-spectra of all units, complex, shape (frequencies, size, size)."""
        response = self._response(np.eye(len(self._jacobian)))
        return response * self._noise @ response.conj().swapaxes(1, 2)

    def project(self, weights):
        """Spectrum of a weighted sum over units, such as an electrode records.

        Noise that is private to each unit averages out in a mean over the units, and with it the resonance that they
        share; a weighting by the drive z (the coherent mode) shows it.

        Parameters
        ----------
        weights : dict
            Weights by state, each a number or of shape (units,); states not named do not count.

        Returns
        -------
        ndarray, shape (frequencies,)
        """
        readout = np.zeros((1, len(self._jacobian)))
        for name, value in weights.items():
            known_name("state in weights", name, self.states)
            where = self.states[name]
            readout[0, where] = check_units_axis(f"weights of {name!r}", value, where.stop - where.start)
        return self._auto(readout)[:, 0]


def power_spectrum(circuit, z, frequencies, noise, state=None):
    """Power spectral density of the linearised circuit, driven by white noise.

    Parameters
    ----------
    circuit : Circuit or JoinedCircuit
    z : array_like, dict or None
        Input of shape (units,).
    frequencies : array_like, shape (frequencies,)
        In Hz.
    noise : dict
        Amplitude η by full name of the state, each a number or of shape (units,), in units of the state. A state
        receives the noise ``η/sqrt(tau) dW``, independent from unit to unit. An expression, as in ``{"y": "abs(y)"}``,
        counts with its value at the fixed point.
    state : dict, optional
        The fixed point around which to linearise; by default the one that `fixed_point` finds.

    Returns
    -------
    Spectrum

    Raises
    ------
    ValueError
        For noise of an unknown state, of a wrong shape, negative or not finite; if the fixed point is unstable (noise
        then grows without bound) or none was found.

    Examples
    --------
    >>> import organics_neuro as on
    >>> circuit = on.Circuit("two_type", size=1, tau_a=2e-3)
    >>> spectrum = on.theory.power_spectrum(circuit, [1.0], [20, 50, 200], noise={"y": 1e-3})
    >>> int(spectrum.frequencies[spectrum["y"][:, 0].argmax()])
    50
    """
    frequencies = magnitude("frequencies", frequencies, "hertz")
    if frequencies.ndim != 1 or not frequencies.size:
        raise ValueError(f"frequencies must have one axis and at least one value, got shape {frequencies.shape}")
    matrix, rates = _noisy(circuit, z, noise, state)
    return Spectrum(frequencies, circuit.dynamics.slices, matrix, rates)


def covariance(circuit, z, noise, state=None):
    """Stationary covariance of the linearised circuit, driven by white noise; parameters as in `power_spectrum`.

    Returns
    -------
    ndarray, shape (size, size)
        Rows and columns in the order of ``circuit.states``.
    """
    matrix, rates = _noisy(circuit, z, noise, state)
    return solve_continuous_lyapunov(matrix, -np.diag(rates))


def _noisy(circuit, z, noise, state):
    """Jacobian (size, size) and variance of the noise per second (size,), checked."""
    dynamics = check_circuit(circuit).dynamics
    _check_noise(dynamics, noise)
    if state is None:
        point = fixed_point(circuit, z)
        if np.ndim(point.converged) == 0 and not point.converged:
            raise ValueError("no fixed point was found for this input, so there is nothing to linearise around")
        state = {name: np.nan_to_num(value) for name, value in point.state.items()}
    matrix = jacobian(circuit, z, state)
    if matrix.ndim != 2:
        raise ValueError("the spectrum is that of one input: give z (and state) of shape (units,), one trial at a time")
    leading = np.linalg.eigvals(matrix).real.max()
    if leading >= 0:
        raise ValueError(
            f"the fixed point is not stable (leading eigenvalue {leading:.3g}/s), so noise around it has no stationary "
            "spectrum; simulate the circuit instead"
        )
    return matrix, _noise_rates(dynamics, noise, dynamics.resolve_states("state", state), constant_inputs(dynamics, z))


def _check_noise(dynamics, noise):
    check_names("noise", "state", noise, dynamics.states)
    for name in noise:
        name = Name.parse(name)
        dynamics.populations[name.population].model.time_constant(name.variable)  # raises if the state has none


def _noise_rates(dynamics, noise, states, inputs):
    rates = np.zeros(dynamics.size)
    tau = time_constants(dynamics)
    known = {**inputs, **dynamics.couplings(states, inputs)}
    for name, value in noise.items():
        if isinstance(value, str):
            value = np.abs(dynamics.evaluate(Name.parse(name).population, value, states, known))
        amplitude = noise_amplitude(name, value, dynamics.states[name], dynamics.unit(name))
        where = dynamics.slices[name]
        rates[where] = amplitude**2 / tau[where]
    return rates
