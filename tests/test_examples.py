"""Examples and tutorials run as they are."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
#: What Brian2 reads in the folder that a script runs in: to compile optimized code takes most of the time, and other
#: tests do it.
PREFERENCES = """
codegen.target = 'numpy'
codegen.cpp.extra_compile_args_gcc = ['-w', '-O0', '-std=c++11']
"""


def run(script, folder, *arguments):
    """Run a script in an empty folder, with pictures kept off the screen; its output."""
    (folder / "brian_preferences").write_text(PREFERENCES)
    environment = {**os.environ, "MPLBACKEND": "Agg", "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, str(script), *arguments]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=900)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_readme_script(tmp_path):
    text = (ROOT / "README.md").read_text()
    script = tmp_path / "readme.py"
    script.write_text(text.partition("```python\n")[2].partition("```")[0])
    assert len(script.read_text().splitlines()) <= 15
    run(script, tmp_path)


def test_ring_contrast_response(tmp_path):
    output = run(ROOT / "examples" / "ring_contrast_response.py", tmp_path)
    difference = float(output.partition("largest difference from the fixed point: ")[2].split()[0])
    assert difference < 1e-6
    assert (tmp_path / "output" / "contrast_response.nc").is_file()


@pytest.mark.slow
def test_beside_spiking_neurons_is_the_same_on_both_devices(tmp_path):
    script = ROOT / "examples" / "beside_spiking_neurons.py"
    printed = [run(script, tmp_path, device).splitlines()[-2:] for device in ("runtime", "cpp")]
    assert printed[0][0] == "spikes of neurons without drive: 0"
    assert ": '0 spikes'" not in printed[0][1]
    assert printed[0] == printed[1]


def numbers(output, pattern):
    """What a pattern finds, as an array (times that it is found, groups)."""
    found = re.findall(pattern, output)
    assert found, output
    return np.array(found, dtype=float).reshape(len(found), -1)


@pytest.mark.slow
def test_division_in_hodgkin_huxley(tmp_path):
    """The shunt divides the potential, not the rate; background and scaled drive divide the rate."""
    output = run(ROOT / "examples" / "division_in_hodgkin_huxley.py", tmp_path, "cpp")
    pattern = r"asked ([\d.]+), gain ([-\d.]+) ± ([\d.]+), shift ([-\d.]+) ±"
    asked, gain, error, shift = numbers(output, pattern).reshape(4, 2, 4).transpose(2, 0, 1)
    potential, shunt, background, scaled = gain
    np.testing.assert_allclose(potential, asked[0], rtol=0.06)
    assert np.all(shunt > 0.97)
    assert 0 < shift[1, 0] < shift[1, 1]
    np.testing.assert_allclose(background, [0.81, 0.51], atol=0.08)
    np.testing.assert_allclose(scaled, [0.75, 0.61], atol=0.03)
    assert np.all(error < 0.08)


@pytest.mark.slow
def test_mean_field_of_spiking_neurons(tmp_path):
    output = run(ROOT / "examples" / "mean_field_of_spiking_neurons.py", tmp_path, "cpp")
    found = numbers(output, r"largest difference ([\d.]+) Hz of ([\d.]+) Hz")
    assert np.all(found[:, 0] < 2)
    assert np.all(found[:, 1] > 70)


@pytest.mark.slow
def test_spiking_neurons_normalize(tmp_path):
    """The semisaturation of the circuit is that of the neurons."""
    output = run(ROOT / "examples" / "spiking_neurons_normalize.py", tmp_path)
    found = numbers(output, r"c50 ([\d.]+), exponent ([\d.]+), largest difference ([\d.]+) Hz")
    np.testing.assert_allclose(found[:, 0], 0.3, atol=0.03)
    np.testing.assert_allclose(found[:, 1], 2, atol=0.3)
    assert np.all(found[:, 2] < 5)


@pytest.mark.slow
def test_gamma_in_spikes_and_field(tmp_path):
    """The peak is where theory puts it, to two steps of 4 Hz, and coherence rises with contrast."""
    output = run(ROOT / "examples" / "gamma_in_spikes_and_field.py", tmp_path, "cpp")
    coherence, peak, expected = numbers(output, r"coherence ([\d.]+) at (\d+) Hz, theory ([\d.]+) Hz").T
    assert np.all(np.diff(coherence) > 0)
    np.testing.assert_allclose(peak, expected, atol=9)
    assert np.all(np.diff(peak) > 0)


@pytest.mark.slow
def test_digits_with_spiking_units(tmp_path):
    """Correlations are those that the noise of Poisson trains leaves; enough neurons read as well as the units."""
    pytest.importorskip("torch")
    output = run(ROOT / "examples" / "digits_with_spiking_units.py", tmp_path)
    ((exact, error),) = numbers(output, r"without spikes: accuracy ([\d.]+) ± ([\d.]+)")
    found = numbers(output, r"neurons: accuracy ([\d.]+), correlation ([\d.]+), expected ([\d.]+)").reshape(2, 3, 3)
    accuracy, correlation, expected = found.transpose(2, 0, 1)
    assert exact > 0.97
    assert np.all(np.abs(accuracy[:, 1:] - exact) < error)
    np.testing.assert_allclose(correlation, expected, atol=0.03)
    assert np.all(np.diff(correlation, axis=1) > 0)


def test_cortical_column(tmp_path):
    output = run(ROOT / "examples" / "cortical_column.py", tmp_path)
    latencies = numbers(output, r"half of its response after ([\d.]+) ms")[:, 0]
    assert np.all(np.diff(latencies) > 5)  # each step takes its delay, and time to respond
    ((arrives, before, after),) = numbers(
        output, r"after ([\d.]+) ms, and changes its response from ([\d.]+) to ([\d.]+)"
    )
    assert 15 <= arrives < 17  # three delays, and a few steps of 0.1 ms
    assert before < after < 1.1 * before
    assert numbers(output, r"rings at (\d+) Hz")[0, 0] == pytest.approx(24, abs=2)
    assert numbers(output, r"preferred unit: (\d+) Hz")[0, 0] > 5


def test_own_model_and_joined_populations(tmp_path):
    output = run(ROOT / "examples" / "own_model_and_joined_populations.py", tmp_path)
    assert output.count("stable: True") == 2
    differences = [float(line.split()[-1]) for line in output.splitlines() if "differ by" in line]
    assert len(differences) in (2, 4)  # 2 without torch
    assert max(differences) < 1e-12


def test_supralinear_network(tmp_path):
    lines = run(ROOT / "examples" / "supralinear_network.py", tmp_path).splitlines()
    summed = [[float(line.split()[k]) for k in (line.split().index("evoke") + 1, -3)] for line in lines[:2]]
    assert summed[0][0] > 1.1 > summed[1][0] > summed[0][1] > summed[1][1]
    assert "oscillates at 51 Hz" in lines[2]


@pytest.mark.slow
def test_feedback_networks(tmp_path):
    lines = run(ROOT / "examples" / "feedback_networks.py", tmp_path).splitlines()
    more = {line.split(":")[0]: int(line.split()[1]) for line in lines[:3]}
    assert more["least_squares"] >= more["force"] >= more["gradient"] == 0 < more["least_squares"]
    assert int(lines[3].split()[-4]) >= 9


def test_wilson_cowan_and_normalization(tmp_path):
    output = run(ROOT / "examples" / "wilson_cowan_and_normalization.py", tmp_path)
    at_four = {line.split(": ")[0]: line.split(": ")[1] for line in output.splitlines()[:3]}
    assert at_four["normalization"] == at_four["ORGaNICs"] == "2.54 at contrast 4"
    assert at_four["Wilson-Cowan, frozen"] == "5.56 at contrast 4"


def test_train_ssn(tmp_path):
    pytest.importorskip("torch")
    output = run(ROOT / "examples" / "train_ssn.py", tmp_path)
    before, after = (float(output.split(word)[0].split()[-1]) for word in (" before,", " after training"))
    assert after < before / 20
    assert "stable: [True, True, True, True, True]" in output
    peaks = [(float(line.split()[3]), float(line.split()[-1])) for line in output.splitlines() if "peak" in line]
    assert len(peaks) == 5
    assert all(abs(in_brian - wanted) < 0.04 for in_brian, wanted in peaks)


#: What each tutorial must print: that its engines agree, or that it found what theory says.
TUTORIALS = {
    "01_first_circuit": ["Brian2 and NumPy differ by", "largest difference from the fixed point"],
    "02_normalization": ["c50 from the curve: 0.1", "response x 0.667, predicted 0.667", "[22.42 22.42 22.42] degrees"],
    "03_oscillations": ["1.0: 56.4", "oscillates at 51.0 Hz"],
    "04_train_and_transfer": ["agree on 200 of 200 digits"],
    "05_trained_cortex": ["'exponent': 2.0", "leading eigenvalue over 50 random inputs: at most -"],
    "06_beside_biophysical_neurons": [
        "asks for a division by [1.  1.5 2. ]",
        "the depolarization is divided by [1.   1.53 2.04]",
        "rate with a shunt (Hz): asked 0.50, gain 1.0",
        "rate with a scaled drive (Hz): asked 0.50, gain 0.6",
    ],
    "07_your_own_model": ["tau_v has the unit 1", "all stable: True", "wanted [ 5. 15.]"],
    "08_large_circuits": ["10,092 units: fixed point in"],
}


#: Those that take more than 20 s are for the long form of the suite.
LONG = ("03", "05", "06", "07", "08")


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=path.stem, marks=[pytest.mark.slow] * path.stem.startswith(LONG))
        for path in sorted((ROOT / "tutorials").glob("[0-9]*.py"))
    ],
)
def test_tutorial(path, tmp_path, monkeypatch):
    """Runs as a notebook, and writes into the folder output/ only."""
    pytest.importorskip("torch")
    jupytext, nbclient = pytest.importorskip("jupytext"), pytest.importorskip("nbclient")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = jupytext.read(path)
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=900, kernel_name="python3", resources=resources).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    printed = "".join(output.get("text", "") for output in outputs if output.get("name") != "stderr")
    for expected in TUTORIALS.get(path.stem, []):
        assert expected in printed
    assert any("image/png" in output.get("data", {}) for output in outputs), "it shows no picture"
    assert {found.name for found in tmp_path.iterdir()} <= {"output"}


PAPER = sorted((ROOT / "examples" / "paper").glob("figure_*.py"))


def test_the_figures_of_the_paper_are_short():
    """One script for each figure of at most 25 lines, and a picture beside its caption."""
    page = (ROOT / "docs" / "paper.md").read_text()
    assert [script.stem for script in PAPER] == [f"figure_{k}" for k in range(1, 8)]
    for script in PAPER:
        assert len(script.read_text().splitlines()) <= 25
        assert f"images/paper/{script.stem}.png" in page


@pytest.mark.slow
@pytest.mark.parametrize("script", PAPER, ids=lambda script: script.stem)
def test_the_figures_of_the_paper_are_drawn(script, tmp_path):
    run(script, tmp_path)
    assert (tmp_path / f"{script.stem}.png").stat().st_size > 5000
