"""Figure 4: the iteration arrives at the fixed point of 30 random circuits of 10 units and 10 normalizers."""

import numpy as np

import organics_neuro as on


def random_circuit(rng, n=10):
    recurrence = rng.normal(size=(n, n))
    weights = {"W_r": recurrence / np.linalg.norm(recurrence, 2), "W": rng.uniform(size=(n, n))}
    return on.Circuit("two_type", weights, tau_a=2e-3, **{key: rng.uniform(size=n) for key in ("b", "b0", "sigma")})


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    circuits, z = [random_circuit(rng) for _ in range(30)], rng.normal(size=(30, 10))
    found = on.experiments.solver_iteration(circuits, z / np.linalg.norm(z, axis=1, keepdims=True))
    on.plotting.solver_iteration(found).figure.savefig("figure_4.png", dpi=80)
    for k in (1, 2, 3, 5, 10, 20):
        print(f"iteration {k}: mean distance of y {found.error_y[k].mean().item():.1e}")
