"""What the modules of the authors' public code register: names and shapes, with random numbers."""

import numpy as np
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

N, INPUTS, STEPS, DT = 5, 3, 15, 1e-3
MAX_STEPS = {"max_step_y": 0.3, "max_step_a": 0.2, "max_step_b": 0.4}
GATED = {"cell": "gated", **MAX_STEPS}


class Weight(nn.Module):
    def __init__(self, *shape):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(*shape, dtype=torch.float64))


class Recurrent(nn.Module):
    """What the recurrent cell registers."""

    def __init__(self, spectral):
        super().__init__()
        self.Wzx, self.Wr = Weight(N, INPUTS), Weight(N, N)
        if spectral:
            spectral_norm(self.Wr, "weight")
        if spectral == "both":  # branch feature_constrained_matrices
            spectral_norm(self.Wzx, "weight")
        elif spectral:
            self.B0_const = nn.Parameter(torch.ones(N))
        for k in (0, 1):
            for name, columns in (("Wbx", INPUTS), ("Wby", N), ("Wba", N)):
                setattr(self, f"{name}{k}", nn.Parameter(torch.randn(N, columns, dtype=torch.float64)))
        self.log_Way = nn.Parameter(torch.rand(N, N, dtype=torch.float64) - 0.8)
        self.sigma = nn.Parameter(torch.ones(N))
        for name in ("tauy", "taua", "taub0", "taub1"):
            setattr(self, f"param_dt_{name}", nn.Parameter(torch.randn(N, dtype=torch.float64)))


class Classifier(nn.Module):
    def __init__(self, spectral=False):
        super().__init__()
        torch.manual_seed(0)
        self.org, self.fc = Recurrent(spectral), nn.Linear(N, 2)
        for name in ("y0", "a0", "b00", "b10"):
            self.register_buffer(name, torch.rand(N, dtype=torch.float64))


class Static(nn.Module):
    """What the static layer registers, with parameters as after some training."""

    def __init__(self, inputs, n, learned):
        super().__init__()
        self.Wzx, self.Wbx = nn.Parameter(torch.randn(n, inputs)), nn.Parameter(torch.randn(n, inputs))
        self.Wr = Weight(n, n)
        with torch.no_grad():
            self.Wr.weight = nn.Parameter(torch.randn(n, n) if learned else torch.eye(n))
        if learned:
            spectral_norm(self.Wr, "weight")
        self.identity_matrix = nn.Parameter(torch.eye(n), requires_grad=False)
        self.log_Way, self.b0 = nn.Parameter(torch.rand(n, n) - 1), nn.Parameter(torch.randn(n))
        self.sigma = nn.Parameter(torch.tensor(1.0), requires_grad=False)


def save(tmp_path, content):
    torch.save(content, tmp_path / "model.ckpt")
    return tmp_path / "model.ckpt"


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def relu(x):
    return np.maximum(x, 0)


def changed(**tensors):
    return {**Classifier().state_dict(), **tensors}


def convolutional(prefix=""):
    """What the convolutional static layer holds: 2 channels of 3 by 3."""
    tensors = {"input_kernel": torch.rand(2, 1, 3, 3), "attention_kernel": torch.rand(2, 1, 3, 3)}
    tensors |= {"b0": torch.zeros(2, 3, 3), "log_Way": torch.zeros(2, 9, 9), "sigma": torch.tensor(1.0)}
    return {f"{prefix}{name}": tensor for name, tensor in tensors.items()}
