"""Figure 6: leading eigenvalues over training. Epochs of the shipped networks were not kept: a small layer is trained here."""

import pandas as pd
import torch
import xarray as xr

import organics_neuro as on

if __name__ == "__main__":
    torch.manual_seed(0)
    digits = on.datasets.load("static")
    layer = on.nn.DivisiveNormalization(784, 40, recurrence="learned")
    model = torch.nn.Sequential(layer, torch.nn.BatchNorm1d(40), torch.nn.Linear(40, 10))
    found = [on.experiments.leading_eigenvalues(layer, digits.x_test[:50])]  # before training
    fit = {"epochs": 6, "lr": 0.005, "callback": lambda model, history: found.append(measure(model[0]))}

    def measure(layer):
        return on.experiments.leading_eigenvalues(layer, digits.x_test[:50])

    history = on.training.fit(model, digits.x_train[:6000], digits.y_train[:6000], **fit)
    epochs = xr.concat(found, dim=pd.Index(range(len(found)), name="epoch"), combine_attrs="override")
    on.plotting.leading_eigenvalues(epochs).figure.savefig("figure_6.png", dpi=80)
    print(f"validation accuracy {history.validation_accuracy[-1]:.3f}")
