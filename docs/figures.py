"""The figures and the numbers of the page on performance, from the results that the benchmarks have kept on each machine."""

from pathlib import Path

import matplotlib.pyplot as plt

from benchmarks.lines import LINES
from benchmarks.tables import Kept, machines

#: One colour for each program (Okabe and Ito: apart for the colour-blind, too), one marker for each machine.
_COLOURS = {"ours": "#0072b2", "Synapses": "#d55e00", "JAX": "#009e73", "NEST": "#cc79a7"}
_MARKERS = "osD^vP"

Machines = dict[str, dict[str, Kept]]


def write(folder: Path) -> None:
    """Write ``performance.png``, ``operators.png`` and ``speed.md``."""
    folder.mkdir(exist_ok=True, parents=True)
    plt.style.use("organics_neuro.organics")
    kept = {next(iter(tables.values())).machine: tables for tables in machines().values() if tables}
    figure, axes = plt.subplots(2, 1, figsize=(7.5, 8.5), layout="constrained")
    _ratios(axes[0], kept)
    _one_trial(axes[1], kept)
    figure.savefig(folder / "performance.png", dpi=130)
    plt.close(figure)
    figure, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
    _operators(ax, kept)
    figure.savefig(folder / "operators.png", dpi=130)
    plt.close(figure)
    (folder / "speed.md").write_text(_speed(kept), encoding="utf-8")


def _ratios(ax: plt.Axes, kept: Machines) -> None:
    """The ten ratios, a row each: a marker for each machine, and the aim."""
    for k, line in enumerate(LINES):
        ax.plot([line.aim] * 2, [k - 0.35, k + 0.35], color="0.3", lw=2, label="aim" if k == 0 else None)
    for (name, tables), marker in zip(kept.items(), _MARKERS, strict=False):
        found = [(value, k) for k, line in enumerate(LINES) if (value := line.kept(tables)) is not None]
        if found:
            ax.semilogx(*zip(*found, strict=True), marker, ms=6, alpha=0.8, label=name)
    ax.axvline(1, color="0.7", lw=0.8)
    ax.set_yticks(range(len(LINES)), [f"{line.what}\nagainst {line.against}" for line in LINES], fontsize="x-small")
    ticks = [0.5, 1, 2, 5, 10]
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.invert_yaxis()
    ax.set(xlabel="time of the other / time of this package", title="ten ratios: right of 1 is faster than the other")
    ax.legend(fontsize="x-small", loc="upper right")


def _one_trial(ax: plt.Axes, kept: Machines) -> None:
    shown = {
        ("Projection", "cpp"): ("this package, C++", "ours", "-"),
        ("Projection", "numpy"): ("this package, NumPy", "ours", ":"),
        ("Syn. connect", "cpp"): ("Synapses, C++", "Synapses", "-"),
        ("Syn. connect", "numpy"): ("Synapses, NumPy", "Synapses", ":"),
        ("JAX", "jit"): ("JAX, jit", "JAX", "-"),
        ("NEST", "rate neurons"): ("NEST", "NEST", "-"),
    }
    labelled = set()
    for tables, marker in zip(kept.values(), _MARKERS, strict=False):
        for (engine, target), (label, colour, style) in shown.items():
            rows = (
                tables["one_trial"].find(engine=engine, target=target, dtype="float64") if "one_trial" in tables else []
            )
            if rows:
                x, y = ([float(row[column]) for row in rows] for column in ("N", "us/step"))
                text = label if label not in labelled else None
                ax.loglog(x, y, marker + style, color=_COLOURS[colour], ms=4, label=text)
                labelled.add(label)
    ax.set(xlabel="units", ylabel="time of one step (µs)", title="one trial, all pairs coupled, double")
    ax.set_xticks([64, 256, 1024, 2048], ["64", "256", "1024", "2048"])
    ax.minorticks_off()
    ax.legend(frameon=False, fontsize="x-small")


def _operators(ax: plt.Axes, kept: Machines) -> None:
    """The table of one machine: what matters is how the curves rise."""
    table = next(tables["operators"] for tables in kept.values() if "operators" in tables)
    series: dict[str, list[tuple[int, float]]] = {}
    for row in table.rows:
        series.setdefault(row["circuit"], []).append((int(row["N"]), float(row["us/step"])))
    for (name, found), marker in zip(series.items(), "os^Dv<>", strict=False):
        ax.loglog(*zip(*found, strict=True), marker + "-", ms=4, label=name)
    ax.set(xlabel="units", ylabel="time of one step (µs)", title=f"one trial, C++, by structure; {table.machine}")
    ax.legend(frameon=False, fontsize="small")


def _speed(kept: Machines) -> str:
    """The ten ratios as a table, a column for each machine."""
    ratios = {name: [line.kept(tables) for line in LINES] for name, tables in kept.items()}
    ratios = {name: values for name, values in ratios.items() if any(value is not None for value in values)}
    lines = [["", "against", "aim", *ratios], ["---"] * (3 + len(ratios))]
    for k, line in enumerate(LINES):
        values = [values[k] for values in ratios.values()]
        lines.append([line.what, line.against, f"{line.aim:g}", *("" if v is None else f"{v:.2f}" for v in values)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
