"""Figure 5: leading eigenvalues of the trained layers of the static task, over test images."""

from pathlib import Path

import matplotlib.pyplot as plt
import torch

import organics_neuro as on

DATA, SAMPLES = Path(__file__).parents[2] / "data" / "weights", 200

if __name__ == "__main__":
    images = torch.as_tensor(on.datasets.load("static").x_test[:SAMPLES])
    network = on.recipes.load(DATA / "static-120-60.safetensors").model.eval()
    layers = [module for module in network.modules() if isinstance(module, on.nn.DivisiveNormalization)]
    received = []
    for layer in layers:
        layer.register_forward_pre_hook(lambda _, given: received.append(given[0].detach()))
    network(images)
    figure, axes = plt.subplots(1, len(layers), figsize=(10, 3.6), layout="constrained")
    for k, (ax, layer, given) in enumerate(zip(axes, layers, received, strict=True), 1):
        found = on.experiments.leading_eigenvalues(layer, given)
        title = f"layer {k}: {found.leading.max().item():.3g}/s at most"
        on.plotting.leading_eigenvalues(found, ax=ax).set_title(title)
    figure.savefig("figure_5.png", dpi=80)
