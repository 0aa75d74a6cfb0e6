"""The command line, with options that fit, that almost fit, and that do not."""

import contextlib
import io
import os
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

import organics_neuro as on
from organics_neuro.cli import main
from organics_neuro.cli.commands import COMMANDS
from tests.fuzz.outcomes import RefusedError, WrongError, is_sentence

_WORDS = (
    "0", "1", "-1", "1e400", "nan", "abc", "", "[1,2", "[1,[2]]", "0.1,0.2", "(", "linspace(0,1,3)", "linspace(0,1,1e9)",
    "linspace(0)", "geomspace(0,1,3)", "None", "True", "{'z': 1}", "'a'", "\0", "é", "9" * 5000, "[" * 300, "a.npy", "none.npy",
    "empty.npy", "theory", "brian", "reference(dt=1e-3)", "reference(dt=", "theory(1)", "reference(trials=0)", "cuda13", "--", "-o",
    "10**400", "1" + "0" * 400, "__import__('os')", "lambda: 1",
)  # fmt: skip
_OPTIONS = (
    "--contrasts", "--masks", "--engine", "--angle", "--stimulus", "--sigma", "--b", "--tau_y", "--seed", "--dt", "--grid", "--path",
    "--workers", "--nothing", "--z", "-o", "--figure", "--noise", "--duration", "--trials", "--failures", "--epochs", "--lr", "--data",
)  # fmt: skip


@cache
def _folder():
    folder = Path(tempfile.mkdtemp(prefix="fuzz_"))
    on.ring(n=9).save(folder / "ring.safetensors")
    (folder / "broken.safetensors").write_bytes(b"broken")
    (folder / "empty.npy").touch()
    np.save(folder / "a.npy", np.array([0.1, 0.5]))
    return folder


def _arguments(random):
    circuit = random.choices(["ring.safetensors", "broken.safetensors", "nothing", "", "."], [12, 1, 1, 1, 1])[0]
    name = random.choices(["contrast_response", "power_spectrum", "trajectories", "nothing"], [6, 2, 2, 1])[0]
    more = [word for _ in range(random.randint(0, 3)) for word in (random.choice(_OPTIONS), random.choice(_WORDS))]
    quick = ["--contrasts", "0.1,1", "--engine", "theory"] if random.random() < 0.6 else []
    kind = random.randrange(6)
    if kind < 3:
        return ["experiment", name, circuit, *quick, *more]
    if kind == 3:
        return ["sweep", name, circuit, *quick, "--grid", f"sigma={random.choice(_WORDS)}", "--workers", "1", *more]
    if kind == 4:
        words = ["experiments", "recipes", "table", "publish", "evaluate", "transfer", "tune", "nothing"]
        return [random.choice(words), *(random.choice(_WORDS) for _ in range(random.randint(0, 2))), *more]
    return [random.choice([*_WORDS, *_OPTIONS, "experiments", "experiment"]) for _ in range(random.randint(0, 4))]


def _remembering(run, errors):
    """A command that remembers what it raises: `main` shows the message alone."""

    def remember(options):
        try:
            run(options)
        except Exception as error:
            errors.append(error)
            raise

    return remember


def attempt(random):
    os.chdir(_folder())
    arguments, said, errors, kept = _arguments(random), io.StringIO(), [], dict(COMMANDS)
    COMMANDS.update({name: command._replace(run=_remembering(command.run, errors)) for name, command in kept.items()})
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            code = main(arguments)
    except SystemExit as stop:  # of argparse
        code = stop.code
    finally:
        COMMANDS.update(kept)
    if errors and not is_sentence(errors[0]):
        raise errors[0]
    if code not in (0, 2) or (code == 2 and not said.getvalue().strip()):
        raise WrongError(f"{arguments} ended with {code} and said {said.getvalue()[:300]!r}")
    if code == 2:
        raise RefusedError
