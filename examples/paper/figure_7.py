"""Figure 7: how far the states of the trained network are from 0 while it reads digits pixel by pixel."""

from pathlib import Path

import matplotlib.pyplot as plt

import organics_neuro as on

if __name__ == "__main__":
    circuit = on.load(Path(__file__).parents[2] / "data" / "weights" / "smnist.safetensors")
    pixels = on.datasets.load("smnist").x_test[:10]
    found = on.experiments.trajectories(circuit, pixels, eigenvalues_every=112)
    figure, axes = plt.subplots(1, 3, figsize=(13, 3.6), layout="constrained")
    for ax, state in zip(axes, ("y", "a"), strict=False):
        on.plotting.trajectories(found, state=state, ax=ax)
    axes[2].plot(found.linearised_step, found.leading.T, "o-", ms=3, lw=0.8)
    axes[2].axhline(0, color="black", ls="--", lw=1)
    axes[2].set(xlabel="step", ylabel="real part of the leading eigenvalue (1/s)", title="Around the states visited")
    figure.savefig("figure_7.png", dpi=80)
    print(f"leading eigenvalues up to {found.leading.max().item():.3g}/s")
