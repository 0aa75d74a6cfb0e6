"""The registry of experiments: a protocol with ``@experiment(...)`` is everything that anyone lists, runs or draws.

Each file in `organics_neuro.experiments.protocols` holds a protocol together with its plot. To add an experiment, add
a file: Python, the command line, sweeps, plots and tests find it there. A protocol that a user registers in a script of
their own is found in the same way, once the script has been run.
"""

import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import WRAPPER_ASSIGNMENTS
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Generic, ParamSpec

import xarray as xr

from organics_neuro.core.errors import unknown_name
from organics_neuro.engines import as_engine
from organics_neuro.experiments import protocols
from organics_neuro.experiments.results import label

P = ParamSpec("P")

_EXPERIMENTS: dict[str, "Experiment"] = {}


@dataclass(frozen=True, eq=False)
class Experiment(Generic[P]):
    """A protocol and what is known of it; call it as the function that it is.

    Attributes
    ----------
    function : callable
        Takes the circuit first and returns an `xarray.Dataset`; where it has an argument ``engine``, it gets an engine.
    name, title : str
    axes, columns : mapping of str to pair of str
        Long name and unit ("1" if there is none) of axes and variables of the dataset.
    source : str
        Where the protocol comes from.
    figure : str
        The published figure that it makes, if there is one.
    engine : mapping
        What engines do unless they are told: values for fields that are None.
    plot : callable, optional
        Draws the dataset: ``plot(dataset, ..., ax=None)`` returns the matplotlib axes.
    """

    function: Callable[P, xr.Dataset]
    name: str
    title: str
    axes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    columns: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    source: str = ""
    figure: str = ""
    engine: Mapping[str, Any] = field(default_factory=dict)
    plot: Callable[..., Any] | None = None

    def __post_init__(self) -> None:
        for name in (*WRAPPER_ASSIGNMENTS, "__wrapped__"):  # what help() and editors look at
            value = self.function if name == "__wrapped__" else getattr(self.function, name, None)
            object.__setattr__(self, name, value)

    @property
    def signature(self) -> inspect.Signature:
        """The arguments."""
        return inspect.signature(self.function)

    @property
    def first(self) -> str:
        """Name of the first argument: the circuit."""
        return next(iter(self.signature.parameters))

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> xr.Dataset:
        """Run the experiment; the dataset says where it comes from."""
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        if "engine" in bound.arguments:
            bound.arguments["engine"] = as_engine(bound.arguments["engine"]).filled(**self.engine)
        try:
            dataset = self.function(*bound.args, **bound.kwargs)
        except MemoryError as error:
            if type(error) is MemoryError:
                raise
            raise MemoryError(f"{self.name} asks for too much at a time: {error}") from error  # NumPy's own
        for name, variable in dataset.variables.items():
            long_name, unit = self._describe(str(name), variable.attrs)
            described = {"long_name": long_name, "units": unit}
            variable.attrs = {**described, **variable.attrs}
        facts = {"source": self.source, "figure": self.figure} if self.figure else {"source": self.source}
        engine = {"engine": repr(bound.arguments["engine"])} if "engine" in bound.arguments else {}
        circuit = next(iter(bound.arguments.values()))
        return label(
            dataset, circuit, self.title, experiment=self.name, **engine, **{k: v for k, v in facts.items() if v}
        )

    def _describe(self, name: str, attributes: Mapping) -> tuple[str, str]:
        known = {**self.axes, **self.columns}
        if name in known:
            return known[name]
        population, _, variable = name.rpartition("_")
        if variable == "unit":  # the units of a population of a joined circuit
            return f"unit of {population}", "1"
        return name.replace("_", " "), attributes.get("units", "1")

    def __reduce__(self) -> tuple:
        module = self.function.__module__
        if module != "__main__" and getattr(sys.modules.get(module), self.name, None) is self:
            return _restore, (module, self.name)
        facts = (self.function, self.name, self.title, self.axes, self.columns, self.source, self.figure, self.engine)
        return Experiment, facts  # defined in a script: by value

    def __repr__(self) -> str:
        return f"<experiment {self.name}: {self.title}>"


def experiment(
    title: str,
    *,
    name: str | None = None,
    axes: Mapping[str, tuple[str, str]] | None = None,
    columns: Mapping[str, tuple[str, str]] | None = None,
    source: str = "",
    figure: str = "",
    engine: Mapping[str, Any] | None = None,
    plot: Callable[..., Any] | None = None,
) -> Callable[[Callable[P, xr.Dataset]], Experiment[P]]:
    """Register a protocol; arguments as the attributes of `Experiment`, the name being that of the function.

    Examples
    --------
    ::

        @experiment("Response", axes={"contrast": ("stimulus contrast", "1")}, plot=draw)
        def response(circuit, contrasts, engine="theory"):
            found = engine.settle(circuit, ...)
            return xr.Dataset(...)
    """

    def register(function: Callable[P, xr.Dataset]) -> Experiment[P]:
        made = Experiment(
            function, name or function.__name__, title, axes or {}, columns or {}, source, figure, engine or {}, plot
        )
        _EXPERIMENTS[made.name] = made
        return made

    return register


def experiments() -> dict[str, Experiment]:
    """All experiments by name."""
    for module in iter_modules(protocols.__path__):
        import_module(f"{protocols.__name__}.{module.name}")
    return dict(sorted(_EXPERIMENTS.items()))


def names() -> list[str]:
    """Names of all experiments."""
    return list(experiments())


def table() -> str:
    """The experiments that come with the package as a table in Markdown, which the documentation shows."""
    lines = ["| experiment | what it does | source |", "|---|---|---|"]
    for name, found in experiments().items():
        if found.function.__module__.startswith(f"{protocols.__name__}."):
            does = (inspect.getdoc(found.function) or "").split("\n\n")[0].replace("\n", " ")
            lines.append(f"| `{name}` | {does} | {found.source} |")
    return "\n".join(lines)


def find(name: str) -> Experiment:
    """The experiment called ``name``; `ValueError` if there is none."""
    if name not in _EXPERIMENTS and name not in experiments():
        raise ValueError(unknown_name("experiment", name, experiments()))
    return _EXPERIMENTS[name]


def _restore(module: str, name: str) -> Experiment:
    import_module(module)
    return find(name)
