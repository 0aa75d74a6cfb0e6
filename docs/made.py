"""The pages of the site that are made of code: the API, the models, results, benchmarks and the list of tutorials."""

import contextlib
import inspect
import io
from importlib import import_module
from pathlib import Path

import figures
import jupytext
import nbformat

import organics_neuro as on
from organics_neuro.experiments import registry

ROOT = Path(__file__).parents[1]
#: Headings of the page of the top-level names: the part of the package that a name comes from.
_PARTS = {
    "core": "Circuits, models, weights",
    "engines": "Simulation",
    "brian": "Brian2 objects",
}
#: Modules with a page of their own, as users reach them.
MODULES = {
    "stimuli": "organics_neuro.core.stimuli",
    "weights": "organics_neuro.core.weights",
    "theory": "organics_neuro.core.theory",
    "theory.mean_field": "organics_neuro.core.theory.mean_field",
    "ssn": "organics_neuro.core.ssn",
    "feedback": "organics_neuro.core.feedback",
    "errors": "organics_neuro.core.errors",
    "engines": "organics_neuro.engines",
    "brian": "organics_neuro.brian",
    "nn": "organics_neuro.nn",
    "nn.functional": "organics_neuro.nn.functional",
    "training": "organics_neuro.training",
    "transfer": "organics_neuro.transfer",
    "experiments": "organics_neuro.experiments",
    "datasets": "organics_neuro.datasets",
    "recipes": "organics_neuro.recipes",
}


def write_all(docs: Path) -> None:
    """Write every made page; what has not changed is left alone, so that a second build is quick."""
    pages = {"api/index.md": _api_index(), "api/top.rst": _top(), "api/models.md": _models()}
    pages |= {f"api/{name.replace('.', '_')}.rst": _module(name, home) for name, home in MODULES.items()}
    pages |= {"api/experiment_functions.rst": _experiments()}
    pages |= {f"tutorials/{path.stem}.ipynb": _notebook(path) for path in _tutorials()}
    pages |= {"tutorials/index.md": _tutorial_index(), "command_line.md": _command_line()}
    figures.write(docs / "made")
    described = {f"{home}.{each}" for name, home in MODULES.items() for each in own_names(name, home)[0]}
    described |= {f"organics_neuro.{name}" for name in on._NAMES}
    for folder, kept in (("api/generated", described), ("tutorials", {path.stem for path in _tutorials()} | {"index"})):
        for path in (docs / folder).glob("*.*"):
            if path.stem not in kept:  # of a name that is gone
                path.unlink()
    for name, text in pages.items():
        path = docs / name
        path.parent.mkdir(exist_ok=True, parents=True)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def reset_brian(gallery_conf: dict, fname: str) -> None:
    """Each example starts with Brian2 as it is after the import, in a folder of its own."""
    import brian2
    import matplotlib.pyplot as plt

    plt.style.use("organics_neuro.organics")
    on.use_device("runtime")
    brian2.prefs.codegen.target = "numpy"
    brian2.defaultclock.dt = 0.1 * brian2.ms


def public_names(home: str) -> list[str]:
    """What a module offers: its ``__all__``, or its own functions and classes without an underscore."""
    module = import_module(home)
    names = getattr(module, "__all__", None)
    if names is None:
        own = (n for n, value in vars(module).items() if getattr(value, "__module__", None) == home)
        names = [name for name in own if not name.startswith("_")]
    return [name for name in names if not inspect.ismodule(getattr(module, name))]


def _heading(title: str) -> str:
    return f"{title}\n{'=' * len(title)}\n"


def _autosummary(home: str, names: list[str]) -> str:
    listed = "\n".join(f"   {name}" for name in names)
    return f".. currentmodule:: {home}\n\n.. autosummary::\n   :toctree: generated\n   :nosignatures:\n\n{listed}\n"


def _api_index() -> str:
    pages = "\n".join(["top", "models", *(name.replace(".", "_") for name in MODULES), "experiment_functions"])
    return f"""# API

`import organics_neuro as on` loads neither Brian2 nor torch; what needs them is loaded when it is first used. States,
rates and contrasts have no unit; times are seconds or Brian2 quantities; arrays are (steps, trials, units).

```{{toctree}}
:maxdepth: 1

{pages}
```
"""


def _top() -> str:
    homes = {name: home for name, home in on._NAMES.items() if name != "MODELS"}
    parts = [_heading("organics_neuro"), "The names that ``on`` itself has.\n"]
    for part, title in _PARTS.items():
        parts += [f"{title}\n{'-' * len(title)}\n", ".. currentmodule:: organics_neuro\n"]
        names = [name for name, home in homes.items() if home.split(".")[1] == part]
        parts.append(_autosummary("organics_neuro", names))
    return "\n".join(parts)


def own_names(name: str, home: str) -> tuple[list[str], list[str]]:
    """Functions and classes that the page of a module describes, and other names of it: each has one page."""
    module, own, listed = import_module(home), [], []
    described = {id(getattr(on, n)) for n in on._NAMES}
    described |= {id(getattr(on.training, n)) for n in on.training.__all__ if name != "training"}
    for each in public_names(home):
        value = getattr(module, each)
        callable_ = inspect.isclass(value) or inspect.isroutine(value)
        (own if callable_ and id(value) not in described else listed).append(each)
    return own, listed


def _module(name: str, home: str) -> str:
    own, listed = own_names(name, home)
    about = inspect.getdoc(import_module(home)) or ""
    also = f"Also here: {', '.join(f'``{each}``' for each in listed)}.\n" if listed else ""
    return "\n".join([_heading(f"on.{name}"), about, "", also, _autosummary(home, own)])


def _models() -> str:
    parts = ["# Models", "", "The declarations in `on.MODELS`, as `print` shows them.", ""]
    for name, model in on.MODELS.items():
        parts += [f"## {name}", "", "```text", str(model).strip(), "```", ""]
    return "\n".join(parts)


def _experiments() -> str:
    parts = [_heading("Experiments and their plots"), "Each is drawn by ``on.plotting`` under the same name.\n"]
    for name, found in registry.experiments().items():
        home, function = found.function.__module__, found.function.__name__
        parts += [f"{name}\n{'-' * len(name)}\n", f"*{found.title}.* Source: {found.source}.\n"]
        parts.append(f".. autofunction:: {home}.{function}\n   :no-index:\n")
    return "\n".join(parts)


def _tutorials() -> list[Path]:
    return sorted((ROOT / "tutorials").glob("[0-9]*.py"))


def _notebook(path: Path) -> str:
    notebook = jupytext.read(path)
    for number, cell in enumerate(notebook.cells):  # else a new one each time, and each build would execute all
        cell["id"] = f"cell-{number}"
    return nbformat.writes(notebook)


def _tutorial_index() -> str:
    pages = "\n".join(path.stem for path in _tutorials())
    downloads = "\n".join(f"* {{download}}`{path.stem}.ipynb`" for path in _tutorials())
    return f"""# Tutorials

Each takes a quarter of an hour to read and less than a minute to run. In the source they are scripts, `tutorials/*.py`, in the
percent format of jupytext; below they are notebooks.

```{{toctree}}
:maxdepth: 1

{pages}
```

## Download

{downloads}
"""


def _command_line() -> str:
    from organics_neuro import cli

    parts = [
        "# The command `organics`",
        "",
        "Also `python -m organics_neuro`. Each command prints its help with `--help`.",
        "",
    ]
    for name in [[], *([name] for name in cli.names())]:
        title = " ".join(["organics", *name])
        parts += [f"## {title}" if name else "", "", "```text", _help(cli.main, name), "```", ""]
    return "\n".join(parts)


def _help(main, name: list[str]) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.suppress(SystemExit):
        main([*name, "--help"])
    return printed.getvalue().strip()
