"""The command ``organics``: a function is a command by its decorator alone, and help waits for nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import organics_neuro as on
from organics_neuro import cli
from organics_neuro.cli import commands

ROOT = Path(__file__).parents[2]


def test_a_decorated_function_is_a_command(monkeypatch, capsys):
    monkeypatch.setattr(cli, "COMMANDS", registered := dict(commands.COMMANDS))
    monkeypatch.setattr(commands, "COMMANDS", registered)

    @commands.command("double a number", commands.argument("number", type=int))
    def double_it(options):
        if options.number < 0:
            raise ValueError(f"number must be 0 or larger, got {options.number}")
        print(2 * options.number)

    assert cli.main(["double-it", "4"]) == 0
    assert capsys.readouterr().out == "8\n"
    assert cli.main(["double-it", "--", "-1"]) == 2
    assert capsys.readouterr().err == "organics double-it: number must be 0 or larger, got -1\n"
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    assert "double a number" in capsys.readouterr().out


def test_help_waits_neither_for_torch_nor_for_brian():
    code = (
        "import sys; from organics_neuro import cli\ntry: cli.main(['--help'])\n"
        "except SystemExit: print({'torch', 'brian2'} & {*sys.modules})"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    shown = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True).stdout
    assert shown.splitlines()[-1] == "set()"
    assert "recipes" in shown


def test_the_package_is_a_program():
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    called = subprocess.run(
        [sys.executable, "-m", "organics_neuro.cli"], env=environment, capture_output=True, text=True
    )
    assert called.returncode == 2
    assert "usage: organics" in called.stderr


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a circuit and files of NumPy, one of them empty."""
    monkeypatch.chdir(tmp_path)
    on.ring(n=9).save("ring.safetensors")
    Path("empty.npy").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--contrasts", "empty.npy"], "empty.npy is not a file of an array that NumPy wrote (No data left in file)"),
        (["--contrasts", "none.npy"], "no file none.npy"),
        (
            ["--contrasts", "linspace(0,1,1e9)"],
            "linspace takes (low, high, count), of up to 1,000,000 values, got 'lins",
        ),
        (["--contrasts", "linspace(0,1,10000000)"], "linspace takes (low, high, count), of up to 1,000,000 values"),
        (["--contrasts", "geomspace(0"], "geomspace takes (low, high, count), of up to 1,000,000 values"),
        (["--contrasts", "[" * 300], "contrasts must be a number or an array of numbers, got '[[["),
        (
            ["--contrasts", "1", "--sigma", "abc"],
            "parameter 'sigma' must be a number or an array of numbers, got 'abc'",
        ),
        (["--contrasts", "1", "--figure", "a.npy"], "unknown format of a picture 'npy'; known: "),
        (["--contrasts", "1", "-o", "9" * 5000], "cannot be used (File name too long); give another one"),
    ],
)
def test_options_that_do_not_fit_are_refused_in_one_sentence(folder, capsys, given, message):
    assert cli.main(["experiment", "contrast_response", "ring.safetensors", "--engine", "theory", *given]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert len(said.splitlines()) == 1
