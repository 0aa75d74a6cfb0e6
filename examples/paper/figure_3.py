"""Figure 3: one unit with identity recurrence and three pairs of time constants, from rest and in the plane."""

import matplotlib.pyplot as plt

import organics_neuro as on

PANELS = {"a": (2e-3, 2e-3), "b": (2e-3, 10e-3), "c": (10e-3, 2e-3)}  # tau_y, tau_a

if __name__ == "__main__":
    figure, axes = plt.subplots(2, 3, figsize=(12, 6.5), layout="constrained")
    engine = on.engines.Reference(dt=1e-4, method="rk4", duration=0.15, progress=False)
    for (above, below), (letter, (tau_y, tau_a)) in zip(axes.T, PANELS.items(), strict=True):
        circuit = on.Circuit("two_type", size=1, tau_y=tau_y, tau_a=tau_a)
        on.plotting.step_response(on.experiments.step_response(circuit, [1.0], engine), ax=above)
        mode = on.theory.eigenvalues(circuit, [1.0])[0]
        facts = f"$\\lambda$ = {mode.real:.1f} ± {abs(mode.imag):.1f}i /s"
        above.set_title(f"{letter}: $\\tau_y$ = {1e3 * tau_y:g} ms, $\\tau_a$ = {1e3 * tau_a:g} ms\n{facts}")
        plane = on.experiments.phase_plane(circuit, [1.0], engine, x=(-0.2, 2.8), y=(0, 1), starts=[[0, 0.0025]])
        on.plotting.phase_plane(plane, ax=below).set_title("")
    figure.savefig("figure_3.png", dpi=80)
