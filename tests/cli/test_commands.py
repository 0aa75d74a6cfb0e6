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


@pytest.mark.parametrize("module", ["organics_neuro", "organics_neuro.cli"])
def test_the_package_is_a_program(module):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    called = subprocess.run([sys.executable, "-m", module], env=environment, capture_output=True, text=True)
    assert called.returncode == 2
    assert "Usage: organics" in called.stderr


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
        (["--contrasts", "1", "9" * 5000], "9... is not an option; options are --name value"),
        (["--contrasts", "1", "--" + "9" * 5000], "9... needs a value"),
        (["--contrasts", "1", "-o", "9" * 5000], "cannot be used (File name too long); give another one"),
    ],
)
def test_options_that_do_not_fit_are_refused_in_one_sentence(folder, capsys, given, message):
    assert cli.main(["experiment", "contrast_response", "ring.safetensors", "--engine", "theory", *given]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert len(said.splitlines()) == 1


def called(*arguments):
    """What a program prints, and its exit code."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "organics_neuro", *arguments], env=environment, capture_output=True, text=True
    )


def test_version():
    shown = called("--version")
    assert (shown.returncode, shown.stdout) == (0, f"organics_neuro {on.__version__}\n")


def test_the_recipes_are_listed_without_torch():
    code = "import sys; from organics_neuro import cli; cli.main(['recipes']); print({'torch', 'brian2', 'scipy'} & {*sys.modules})"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    shown = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True).stdout
    assert shown.splitlines()[-1] == "set()"
    assert "rows-lstm" in shown


def test_help_shows_an_example(capsys):
    with pytest.raises(SystemExit):
        cli.main(["run", "--help"])
    assert "organics run contrast_response" in " ".join(capsys.readouterr().out.split())


def test_an_option_with_several_values(monkeypatch, capsys):
    registered = {}
    monkeypatch.setattr(cli, "COMMANDS", registered)
    monkeypatch.setattr(commands, "COMMANDS", registered)

    @commands.command("add", commands.argument("--lr", type=float, nargs="+", required=True), commands.argument("name"))
    def add(options):
        print(options.name, sum(options.lr))

    @commands.command("nothing")
    def nothing(options):
        return 3

    assert cli.main(["add", "a", "--lr", "0.5", "1", "2"]) == 0
    assert cli.main(["add", "--lr", "0.5", "--lr", "1", "--", "b"]) == 0
    assert capsys.readouterr().out == "a 3.5\nb 1.5\n"
    assert cli.main(["nothing"]) == 3


def test_run_writes_a_dataset_and_a_picture(folder):
    pytest.importorskip("matplotlib")
    call = [
        "run",
        "contrast_response",
        "ring.safetensors",
        "--contrasts",
        "0.1,1",
        "--engine",
        "theory",
        "-o",
        "results",
    ]
    assert cli.main(call) == 0
    assert on.experiments.load("results/contrast_response-ring.nc").rate_y.sizes["contrast"] == 2
    assert Path("results/contrast_response-ring.png").stat().st_size > 1000


def test_info_says_what_a_file_is(folder, capsys):
    assert cli.main(["info", "ring.safetensors"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("circuit in ring.safetensors")
    assert on.ring(n=9).key in said
    assert "dy/dt = " in said
    assert cli.main(["info", "rows"]) == 0
    assert "recipe     rows" in capsys.readouterr().out
    on.experiments.save(on.experiments.contrast_response(on.ring(n=9), [0.1], engine="theory"), "out.nc")
    assert cli.main(["info", "out.nc"]) == 0
    assert "rate_y" in capsys.readouterr().out
    assert cli.main(["info", "empty.npy"]) == 2


def test_compare_names_what_differs(folder, capsys):
    on.ring(n=9, sigma=0.2).save("other.safetensors")
    assert cli.main(["compare", "ring.safetensors", "ring.safetensors"]) == 0
    assert capsys.readouterr().out == "equal\n"
    assert cli.main(["compare", "ring.safetensors", "other.safetensors"]) == 1
    assert "differ" in capsys.readouterr().out


def test_doctor_runs_a_circuit(capsys):
    assert cli.main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "ok       Brian2" in said
    assert "ok       Brian2: a small run took" in said
