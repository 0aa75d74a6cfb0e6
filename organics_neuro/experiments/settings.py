"""One setting by name: an argument of an experiment, of its engine, or a parameter of its circuit."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from organics_neuro.core.circuits import check_circuit
from organics_neuro.core.errors import unknown_name
from organics_neuro.core.names import Name
from organics_neuro.engines import as_engine
from organics_neuro.experiments.registry import Experiment

#: The setting that is the circuit, whatever the experiment calls its first argument.
CIRCUIT = "circuit"


def arguments_of(experiment: Experiment, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of an experiment from settings that may be its own, those of its engine, or parameters of its circuit.

    Raises
    ------
    ValueError
        For a setting that is none of these, or a missing argument.
    """
    known = experiment.signature.parameters
    settings = {experiment.first if key == CIRCUIT else key: value for key, value in settings.items()}
    result = {key: value for key, value in settings.items() if key in known}
    engine = as_engine(result.get("engine", known["engine"].default)) if "engine" in known else None
    engine_fields = () if engine is None else tuple(f.name for f in fields(engine))
    for key, value in settings.items():
        if key in known:
            continue
        if engine is not None and key in engine_fields:
            engine = replace(engine, **{key: value})
            continue
        circuit = result.get(experiment.first)
        if key not in (parameters := parameters_of(circuit)):
            listed = (*list(known)[1:], *engine_fields, *parameters)
            raise ValueError(f"experiment {experiment.name!r}: {unknown_name('setting', key, listed)}")
        result[experiment.first] = _changed(circuit, Name.parse(key), value)
    if engine is not None:
        result["engine"] = engine.filled(**experiment.engine)
    for key, argument in known.items():
        if argument.default is argument.empty and key not in result:
            raise ValueError(f"the experiment {experiment.name!r} needs {key}")
    return result


def parameters_of(circuit: Any) -> dict[str, str]:
    """Units of the parameters of a circuit, by full name; none for what is no circuit."""
    return {
        str(Name(p, name)): population.model.units[name]
        for p, population in getattr(circuit, "populations", {}).items()
        for name in population.model.parameters
    }


def _changed(circuit: Any, name: Name, value: Any) -> Any:
    """A circuit with another value of a parameter, in whatever part it is."""
    if name.population is None:
        check_circuit(circuit)
        return circuit.replace(**{name.variable: value})
    part, _, rest = name.population.partition(".")
    return circuit.replace(**{part: _changed(circuit.parts[part], Name(rest or None, name.variable), value)})
