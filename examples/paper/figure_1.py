"""Figure 1: phase planes of one unit and its normalizer at z = 1, for three circuits; rectified below."""

import matplotlib.pyplot as plt

import organics_neuro as on

PANELS = [("a", 0.5, 0.5, 0.1), ("b", 2.0, 0.5, 0.1), ("c", 2.0, 1.0, 1.0)]  # recurrence, gain b0, semisaturation
MODELS, Z = {"two_type": "abc", "two_type_rectified": "def"}, 1.0


def draw(z, file):
    figure, axes = plt.subplots(2, 3, figsize=(12, 7), layout="constrained")
    for row, (model, letters) in zip(axes, MODELS.items(), strict=True):
        for ax, letter, (_, w_r, b0, sigma) in zip(row, letters, PANELS, strict=True):
            circuit = on.Circuit(model, {"W_r": [[w_r]], "W": [[1.0]]}, b0=b0, sigma=sigma, tau_a=2e-3)
            found = on.experiments.phase_plane(circuit, [z], starts=[[-1, 1], [1, 1], [0.2, 0.1], [-0.2, 0.1]])
            on.plotting.phase_plane(found, ax=ax)
            kind = "rectified" if "rectified" in model else "main"
            ax.set_title(f"{letter}: {kind}, $w_r$ = {w_r:g}, $b_0$ = {b0:g}, $\\sigma$ = {sigma:g}")
    figure.savefig(file, dpi=80)


if __name__ == "__main__":
    draw(Z, "figure_1.png")
