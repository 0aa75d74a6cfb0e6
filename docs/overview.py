"""The first picture of README and site, ``python docs/overview.py``: circuit, torch, Brian2, and spiking neurons."""

import csv
from pathlib import Path

import brian2 as b2
import matplotlib.pyplot as plt
import numpy as np
import torch
from brian2 import Mohm, ms, mV, nA

import organics_neuro as on

HERE = Path(__file__).parent
CONTRASTS, UNITS = [0.05, 0.2, 1.0], 36
BLUE, RED = "#0072b2", "#d55e00"


def draw_circuit(ax):
    """Principal neurons y, normalizer neurons a, and who drives whom."""
    ax.set(xlim=(0, 10), ylim=(0, 10), title="a circuit: equations and weights")
    ax.axis("off")
    places = {"y": (3.2, 7.4, BLUE), "a": (7.6, 7.4, RED)}
    for name, (x, y, colour) in places.items():
        ax.add_patch(plt.Circle((x, y), 0.9, color=colour))
        ax.text(x, y, f"${name}$", color="white", ha="center", va="center", fontsize=15)
    arrow = {"arrowstyle": "-|>", "lw": 1.6, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", (2.2, 7.4), (0.4, 7.4), arrowprops={**arrow, "color": "0.3"})
    ax.text(0.4, 7.8, "$b z$", fontsize=11)
    ax.annotate("", (6.6, 7.9), (4.2, 7.9), arrowprops={**arrow, "color": BLUE})
    ax.text(5.4, 8.1, "pool $W$", color=BLUE, ha="center", fontsize=9)
    ax.annotate("", (4.2, 6.9), (6.6, 6.9), arrowprops={**arrow, "arrowstyle": "-[,widthB=0.3", "color": RED})
    ax.text(5.4, 6.1, "turns it down", color=RED, ha="center", fontsize=9)
    loop = {**arrow, "color": BLUE, "connectionstyle": "arc3,rad=-1.6"}
    ax.annotate("", (3.7, 8.2), (2.7, 8.2), arrowprops=loop)
    ax.text(2.1, 9.4, "$W_r$", color=BLUE, fontsize=11, ha="right")
    ax.text(0, 3.7, r"$\tau_y\dot y = -y + bz + (1-\sqrt{a})\, W_r y$", fontsize=11)
    ax.text(0, 2.1, r"$\tau_a\dot a = -a + \sigma^2 b_0^2 + W(a y^2)$", fontsize=11)
    ax.text(0, 0.3, r"at rest: $y_i^2 = (bz_i)^2/(\sigma^2b_0^2 + \sum_j W_{ij}(bz_j)^2)$", fontsize=9)


def draw_training(axes):
    """A trained layer reads a digit, in torch and in Brian2."""
    trained = on.recipes.load("rows")
    digits = trained.recipe.data()
    image = digits.x_test[2]
    with torch.no_grad():
        output, _ = trained.model.rnn(torch.as_tensor(image)[None])
    in_brian = on.simulate(trained.circuit, image[:, None], 28 * ms, on.engines.Brian(dt=1 * ms), record=["y"])["y"][
        1:, 0
    ]
    shown = np.argsort(in_brian.max(axis=0))[-8:]
    axes[0].imshow(image, cmap="gray_r", aspect="auto")
    axes[0].set(title="a digit, row by row", ylabel="step of 1 ms", xlabel="pixel")
    for k, unit in enumerate(shown):
        axes[1].plot(np.arange(1, 29), output[0, :, unit], color="0.75", lw=4, label="torch" if k == 0 else None)
        axes[1].plot(np.arange(1, 29), in_brian[:, unit], color=BLUE, lw=1, label="Brian2" if k == 0 else None)
    with (on.datasets.DATA / "results" / "transfer.csv").open() as file:
        row = next(row for row in csv.DictReader(file) if row["recipe"] == "rows")
    note = f"{int(row['agree']):,} of {int(row['digits']):,} digits\nthe same class"
    axes[1].text(0.03, 0.68, note, transform=axes[1].transAxes, fontsize=8)
    axes[1].set(title="trained in torch, the same in Brian2", xlabel="time (ms)", ylabel="y of eight units")
    axes[1].legend(loc="upper left")


def draw_experiment(ax):
    """Contrast responses with masks, measured in Brian2, and the normalization equation."""
    circuit, contrasts = on.ring(n=UNITS), np.geomspace(0.01, 1, 11)
    masks = [0, 0.1, 0.5]
    found = on.experiments.contrast_response(circuit, contrasts, masks=masks, mask_angle=0)
    fine = np.geomspace(0.01, 1, 100)
    largest = float(found.rate_y.sel(mask=0).isel(unit=18, contrast=-1)) * (1 + 0.1**2)
    for mask, colour in zip(masks, ("#440154", "#31688e", "#8fd744"), strict=True):
        ax.semilogx(contrasts, found.rate_y.sel(mask=mask).isel(unit=18), "o", color=colour, label=f"mask {mask:g}")
        ax.semilogx(fine, largest * fine**2 / (fine**2 + mask**2 + 0.1**2), color=colour, lw=1)
    ax.set(title="experiments: Brian2 (points), equation (lines)", xlabel="contrast", ylabel="firing rate $y^2$")
    ax.legend()


def draw_spikes(ax):
    """Integrate-and-fire neurons that the circuit drives, at three contrasts."""
    v1 = on.CircuitGroup(on.ring(n=UNITS), trials=3)
    v1.z = on.stimuli.contrast_series(on.ring(n=UNITS), CONTRASTS)
    units = "dv/dt = (I_syn*100*Mohm - v)/(10*ms) : volt\nI_syn : amp"
    lif = b2.NeuronGroup(
        3 * UNITS, units, threshold="v > 15*mV", reset="v = 0*mV", method="exact", namespace={"Mohm": Mohm, "mV": mV}
    )
    on.set_trials(lif, trials=3)
    current, spikes = on.rate_to_current(v1, lif, variable="I_syn", gain=2 * nA), b2.SpikeMonitor(lif)
    b2.Network(v1, lif, current, spikes).run(200 * ms)
    trial, neuron = np.divmod(spikes.i, UNITS)
    ax.plot(spikes.t / ms, neuron + UNITS * trial, "|", color="k", ms=2.5)
    for k, contrast in enumerate(CONTRASTS):
        ax.axhline(UNITS * k, color="0.8", lw=0.8)
        ax.text(2, UNITS * (k + 0.82), f"contrast {contrast:g}", fontsize=8)
    ax.set(
        title="beside spiking neurons",
        xlabel="time (ms)",
        ylabel="neuron, by trial",
        xlim=(0, 200),
        ylim=(0, 3 * UNITS),
    )


def run_readme_script():
    """The script of the README, with its picture in a file."""
    script = (HERE.parent / "README.md").read_text().partition("```python\n")[2].partition("```")[0]
    figure = plt.figure(figsize=(5, 3))
    exec(compile(script.replace("plt.show()", ""), "README.md", "exec"), {})
    figure.savefig(HERE / "images" / "script.png", dpi=110)


def main():
    b2.prefs.codegen.target = "numpy"
    torch.set_num_threads(1)
    plt.style.use("organics_neuro.organics")
    figure, axes = plt.subplots(1, 5, figsize=(16, 3.4), width_ratios=[1.5, 0.6, 1.3, 1.3, 1.3])
    draw_circuit(axes[0])
    draw_training(axes[1:3])
    draw_experiment(axes[3])
    draw_spikes(axes[4])
    figure.savefig(HERE / "images" / "overview.png", dpi=110)
    run_readme_script()


if __name__ == "__main__":
    main()
