"""
The main job, end to end
========================

Train a circuit on handwritten digits in torch, transfer it to Brian2, classify the test digits in generated C++, and
study a ring circuit as a neurophysiologist would. Results go to the folder ``demo/``.
"""

import time
from pathlib import Path

import brian2 as b2
import matplotlib.pyplot as plt
import numpy as np
import torch
from brian2 import ms

import organics_neuro as on

FOLDER = Path("demo")
CONTRASTS = np.geomspace(0.01, 1, 11)


def classify(model, circuit, digits):
    """Classify all test digits in torch (float32) and in Brian2 (C++, float64), and count where they agree."""
    result = on.transfer.agreement(model, circuit, digits.x_test, report="text")
    print(f"  torch accuracy    {np.mean(result.torch == digits.y_test):.2%}")
    print(f"  Brian2 accuracy   {np.mean(result.brian == digits.y_test):.2%}")
    print(f"  they agree on     {result.count:,} of {len(result.torch):,} digits")
    print(on.transfer.parity(model.rnn, circuit, digits.x_test[:50]))


def draw_digits(history, circuit, digits):
    """Training, what it made of the time constants, and how the units respond while they read digits row by row."""
    shown = [int(np.flatnonzero(digits.y_test == label)[0]) for label in (0, 3, 7)]
    rows = digits.x_test[shown].swapaxes(0, 1)  # steps, trials, units
    found = on.simulate(circuit, rows, len(rows) * ms, on.engines.Brian(dt=1 * ms), record=["rate_y"])
    rates = found["rate_y"][1:].swapaxes(0, 1)
    order = np.argsort(rates.mean(axis=0).argmax(axis=0))  # units by the time of their largest response
    figure, axes = plt.subplots(3, 3, figsize=(11, 7), layout="constrained", width_ratios=[1.3, 1, 2.2])
    epochs = np.arange(1, len(history.loss) + 1)
    axes[0, 0].semilogy(epochs, history.loss, "o-", ms=3)
    axes[0, 0].set(xlabel="epoch", ylabel="training loss")
    axes[1, 0].plot(epochs, 100 * np.array(history.validation_accuracy), "o-", ms=3)
    axes[1, 0].set(xlabel="epoch", ylabel="validation accuracy (%)")
    for name in ("tau_y", "tau_a", "tau_b", "tau_b0"):
        axes[2, 0].plot(np.sort(1e3 * circuit.parameters[name]), label=name)
    axes[2, 0].set(xlabel="unit, sorted", ylabel="time constant (ms)", yscale="log", title="learned, one row per ms")
    axes[2, 0].legend(frameon=False, fontsize="small")
    for (left, right), index, response in zip(axes[:, 1:], shown, rates, strict=True):
        left.imshow(digits.x_test[index], cmap="gray_r")
        left.set(ylabel="row = time (ms)", xticks=[])
        right.imshow(
            np.sqrt(response[:, order]),
            cmap="magma",
            aspect="auto",
            interpolation="none",
            vmin=0,
            vmax=np.sqrt(rates.max()),
            extent=(0, len(order), 28, 0),
        )
        right.set(ylabel="time (ms)", xlabel="unit, by the time of its largest response")
    figure.colorbar(axes[0, 2].images[0], ax=axes[:, 2], label="root of the firing rate")
    axes[0, 1].set(title="input")
    axes[0, 2].set(title="responses in Brian2 (root of the rate)")
    figure.savefig(FOLDER / "digits.png", dpi=150)


def study_ring():
    """Contrast response with masks and power spectra of a ring circuit, Brian2 next to theory."""
    ring, noise = on.ring(n=36), {"y": 1e-3}
    response = on.experiments.contrast_response(ring, CONTRASTS, masks=[0, 0.1, 0.5])
    expected = on.experiments.contrast_response(ring, CONTRASTS, masks=[0, 0.1, 0.5], engine="theory")
    print(f"  rates differ from theory by at most {abs(response.rate_y - expected.rate_y).max().item():.1e}")
    shades = [0.05, 0.2, 0.4, 1.0]
    engine = on.engines.Brian(device="cpp", trials=16, seed=1)
    spectrum = on.experiments.power_spectrum(ring, shades, noise, engine)
    linear = on.experiments.power_spectrum(ring, shades, noise, engine="theory", frequencies=spectrum.frequency)
    error = abs(spectrum.coherent / linear.coherent - 1).sel(frequency=slice(5, 200))
    print(f"  power differs from theory by {error.median().item():.1%} (median, 5-200 Hz)")
    for name, dataset in {"contrast_response": response, "power_spectrum": spectrum}.items():
        on.experiments.save(dataset, FOLDER / f"{name}.nc")
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    on.plotting.contrast_response(response, fit="naka_rushton", ax=axes[0])
    on.plotting.power_spectrum(spectrum, linear, ax=axes[1])
    axes[0].set(title="Normalization (lines: Naka-Rushton fits)")
    axes[1].set(title="Resonance (thin lines: theory)", xlim=(2, 250), ylim=(1e-11, None))
    figure.savefig(FOLDER / "ring.png", dpi=150)


def main():
    start = time.perf_counter()

    def step(text):
        print(f"[{time.perf_counter() - start:5.0f} s] {text}", flush=True)

    FOLDER.mkdir(exist_ok=True)
    torch.set_num_threads(1)  # matrices this small gain little from more, and wait long on a busy machine
    b2.prefs.codegen.target = "numpy"  # for the short simulations: nothing to compile
    step("train a gated circuit on MNIST, one row of 28 pixels per step")
    run = on.recipes.train(on.recipes.find("demo"), folder=FOLDER)  # an interrupted demo resumes
    step("transfer it to Brian2 and classify the test digits in C++")
    circuit, digits = on.load(FOLDER / "demo.safetensors"), run.recipe.data()
    classify(run.model, circuit, digits)
    draw_digits(run.history, circuit, digits)
    step("measure a ring circuit in Brian2, next to theory")
    study_ring()
    step("done; results are in demo/:")
    for path in sorted(FOLDER.iterdir()):
        print(f"  {path}  {path.stat().st_size / 1024:.0f} kB")
    print("look at  demo/digits.png: what was learned, and how units respond while a digit is read")
    print("         demo/ring.png: normalization by a mask, and a resonance that rises with contrast")
    print("try      organics info demo/demo.safetensors")
    print("         organics experiments, and tutorials/01_first_circuit.py")


if __name__ == "__main__":
    main()
