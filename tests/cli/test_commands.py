"""The command ``organics``: a function is a command by its decorator alone, and help waits for nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

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
