"""The figures and the numbers of the page on performance, from the results that the benchmarks have kept."""

import csv
from pathlib import Path

import matplotlib.pyplot as plt

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"
#: One colour for each program, in all panels (Okabe and Ito: apart for the colour-blind, too).
COLOURS = {"ours": "#0072b2", "Synapses": "#d55e00", "JAX": "#009e73", "NEST": "#cc79a7", "torch": "#e69f00"}


def read(name: str) -> list[dict[str, str]]:
    """The rows of a table; comments are left out."""
    with (RESULTS / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def write(folder: Path) -> None:
    """Write ``performance.png``, ``operators.png`` and ``speed.md``."""
    folder.mkdir(exist_ok=True, parents=True)
    plt.style.use("organics_neuro.organics")
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.8), layout="constrained", width_ratios=[1.3, 1, 1.1])
    _one_trial(axes[0])
    _trials(axes[1])
    _training(axes[2])
    figure.savefig(folder / "performance.png", dpi=130)
    plt.close(figure)
    figure, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
    _operators(ax)
    figure.savefig(folder / "operators.png", dpi=130)
    plt.close(figure)
    (folder / "speed.md").write_text(_speed(), encoding="utf-8")


def _one_trial(ax: plt.Axes) -> None:
    shown = {
        ("Projection", "cpp"): ("this package, C++", "ours", "o-"),
        ("Projection", "numpy"): ("this package, NumPy", "ours", "o:"),
        ("Syn. connect", "cpp"): ("Synapses, C++", "Synapses", "s-"),
        ("Syn. connect", "numpy"): ("Synapses, NumPy", "Synapses", "s:"),
        ("JAX", "jit"): ("JAX, jit", "JAX", "^-"),
        ("NEST", "rate neurons"): ("NEST", "NEST", "D-"),
    }
    rows = [row for row in read("one_trial") if row["dtype"] == "float64"]
    for (engine, target), (label, colour, style) in shown.items():
        found = [(int(r["N"]), float(r["us/step"])) for r in rows if (r["engine"], r["target"]) == (engine, target)]
        ax.loglog(*zip(*found, strict=True), style, color=COLOURS[colour], ms=4, label=label)
    ax.set(xlabel="units", ylabel="time of one step (µs)", title="one trial, all pairs coupled")
    ax.set_xticks([64, 256, 1024, 2048], ["64", "256", "1024", "2048"])
    ax.minorticks_off()
    ax.legend(frameon=False, fontsize="x-small")


def _trials(ax: plt.Axes) -> None:
    names = {"Projection": ("this package", "ours"), "JAX": ("JAX, jit", "JAX"), "Synapses": ("Synapses", "Synapses")}
    rows = [r for r in read("trials") if (r["N"], r["trials"], r["dtype"]) == ("256", "64", "float64")]
    found = {r["engine"]: float(r["us/trial-step"]) for r in rows if r["target"] in ("cpp", "jit")}
    engines = [name for name in names if name in found]
    bars = ax.bar(
        [names[e][0] for e in engines], [found[e] for e in engines], color=[COLOURS[names[e][1]] for e in engines]
    )
    ax.bar_label(bars, [f"{found[e]:.1f}" for e in engines], fontsize="small")
    ax.set(ylabel="time of a step of one trial (µs)", yscale="log", ylim=(1, 500), title="256 units, 64 trials, C++")


def _training(ax: plt.Axes) -> None:
    names = {
        "fused": ("this package", "ours"),
        "fused bf16": ("with bfloat16", "ours"),
        "nn.LSTM": ("nn.LSTM", "torch"),
        "nn.GRU": ("nn.GRU", "torch"),
        "JAX gradient": ("same cell, JAX", "JAX"),
        "torch loop": ("same cell, torch", "torch"),
    }
    rows = {r["layer"]: r for r in read("training") if (r["batch"], r["steps"]) == ("256", "784")}
    times = [float(rows[name]["times LSTM"]) for name in names]
    bars = ax.barh([n for n, _ in names.values()], times, color=[COLOURS[c] for _, c in names.values()])
    ax.bar_label(bars, [f" {t:.2f}" for t in times], fontsize="small")
    ax.axvline(1, color="0.5", lw=0.8)
    ax.invert_yaxis()
    ax.set(xlabel="time of a training step / that of nn.LSTM", xlim=(0, 2.3), title="training, 784 steps")


def _operators(ax: plt.Axes) -> None:
    series: dict[str, list[tuple[int, float]]] = {}
    for row in read("operators"):
        series.setdefault(row["circuit"], []).append((int(row["N"]), float(row["us/step"])))
    for (name, found), marker in zip(series.items(), "os^Dv<>", strict=False):
        ax.loglog(*zip(*found, strict=True), marker + "-", ms=4, label=name)
    ax.set(xlabel="units", ylabel="time of one step (µs)", title="one trial, C++, by structure of the weights")
    ax.legend(frameon=False, fontsize="small")


def _speed() -> str:
    """Ratios in words, of the same files."""
    one = {(r["N"], r["engine"], r["target"], r["dtype"]): float(r["times C++"]) for r in read("one_trial")}
    many = {(r["N"], r["trials"], r["engine"], r["target"], r["dtype"]): float(r["times C++"]) for r in read("trials")}
    layers = {(r["batch"], r["steps"], r["layer"]): r for r in read("training")}
    lines = [
        f"* One trial of 256 units: `Synapses` take {one['256', 'Syn. connect', 'cpp', 'float64']:.1f} times as long in C++, "
        f"a jitted JAX scan {one['256', 'JAX', 'jit', 'float64']:.2f} times, NEST's rate neurons "
        f"{one['256', 'NEST', 'rate neurons', 'float64']:.0f} times (`python -m benchmarks.one_trial`).",
        f"* 64 trials of 256 units: `Synapses` {many['256', '64', 'Synapses', 'cpp', 'float64']:.0f} times, JAX "
        f"{many['256', '64', 'JAX', 'jit', 'float64']:.2f} times (`python -m benchmarks.trials`).",
        f"* A training step over 784 steps: {1 / float(layers['256', '784', 'fused']['times LSTM']):.1f} times as fast as `nn.LSTM`, "
        f"{float(layers['256', '784', 'torch loop']['times fused']):.1f} times as fast as the same cell in torch's own "
        "operations (`python -m benchmarks.training`).",
    ]
    return "\n".join(lines) + "\n"
