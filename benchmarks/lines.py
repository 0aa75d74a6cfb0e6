"""The ratios that matter: what is compared, and what each ratio must be."""

from dataclasses import dataclass

#: The training step: batch, steps, inputs.
TASK = (256, 784, 1)
#: What is compared, as in the tables.
OURS, READING, JAX, SYNAPSES, LSTM = "Projection", "reading alone", "JAX", "Syn. connect", "nn.LSTM"
_NAMES = {JAX: "JAX scan", SYNAPSES: "Synapses connect()"}


@dataclass(frozen=True)
class Line:
    """The time of another divided by ours: for a step of a dense circuit, or for the training step.

    Parameters
    ----------
    other : str
    aim : float
        What the ratio must be at least.
    units, trials : int
        0 for the training step.
    dtype : str
    """

    other: str
    aim: float
    units: int = 0
    trials: int = 0
    dtype: str = "float32"

    @property
    def what(self):
        if not self.units:
            return f"training step of {TASK[1]} steps"
        count = "1 trial" if self.trials == 1 else f"{self.trials} trials"
        return f"{self.units} units, {count}, {'double' if self.dtype == 'float64' else 'float32'}"

    @property
    def against(self):
        return _NAMES.get(self.other, self.other)

    def kept(self, tables):
        """The ratio in the tables of a machine, by name: that of "quick", else that of the whole benchmarks; None without."""
        if "quick" in tables:
            rows = tables["quick"].find(what=self.what, against=self.against)
            return float(rows[0]["ratio"]) if rows and rows[0]["ratio"] else None
        if self.other == LSTM:
            rows = _find(tables, "training", layer="fused", batch=TASK[0], steps=TASK[1], inputs=TASK[2])
            return 1 / float(rows[0]["times LSTM"]) if rows else None
        name, where = ("one_trial", {}) if self.trials == 1 else ("trials", {"trials": self.trials})
        rows = _find(tables, name, N=self.units, engine=self.other, dtype=self.dtype, **where)
        return next((float(row["times C++"]) / _ours(tables[name], self, where) for row in rows), None)


LINES = [
    *(Line(JAX, 1.1, n, 1, "float64") for n in (64, 256, 1024)),
    *(Line(JAX, 1.0, n, 1, "float32") for n in (256, 1024)),
    Line(READING, 0.9, 1024, 1, "float64"),
    Line(SYNAPSES, 4.0, 64, 1, "float64"),
    Line(SYNAPSES, 8.0, 256, 1, "float64"),
    Line(JAX, 1.0, 256, 64, "float64"),
    Line(LSTM, 1.5),
]


def _find(tables, name, **values):
    """Rows of the C++ programs, or of what has no other target."""
    rows = tables[name].find(**values) if name in tables else []
    return [row for row in rows if row.get("target") not in ("cython", "numpy")]


def _ours(table, line, where):
    """How long ours takes in the type of a line, against the first row of its circuit."""
    (row,) = table.find(N=line.units, engine=OURS, target="cpp", dtype=line.dtype, **where)
    return float(row["times C++"])
