"""Two processes that share every batch train the model that one process trains."""

import atexit
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from organics_neuro import training  # noqa: E402  needs torch
from organics_neuro.nn import ORGaNICs, SequenceClassifier  # noqa: E402
from organics_neuro.training.parallel import BatchNorm1d, Team, team  # noqa: E402
from tests.training.models import Interrupt, make_data  # noqa: E402

ROOT = Path(__file__).parents[2]


def train(folder, seed=0, batches=1000):
    """99 samples in batches of 16: the last batch, of three, is too small to be shared."""
    x, y = (torch.as_tensor(v) for v in make_data(129))
    torch.manual_seed(seed)
    rnn = ORGaNICs(3, 8, batch_first=True, dtype=torch.float64)
    model = SequenceClassifier(rnn, 2, standardize=True)
    model.readout = torch.nn.Sequential(
        BatchNorm1d(8, momentum=None, dtype=torch.float64), model.readout
    )  # and parameters
    model = Interrupt(model, batches)
    settings = {"epochs": 3, "lr": 0.05, "batch_size": 16, "validation": (x[99:].double(), y[99:]), "progress": False}
    files = {"checkpoint": folder / "run.pt", "log": folder / "log.csv", "resume": True}
    history = training.fit(model, x[:99].double(), y[:99], **settings, **files)
    return model, history


def threads():
    """Names of the threads of this process, those of libraries included; none but on Linux."""
    return [file.read_text() for file in Path("/proc/self/task").glob("*/comm")]


def main(folder):
    """What each of the processes does: start apart, stop in the second epoch, go on to the end."""
    rank = int(os.environ["RANK"])
    atexit.register(lambda: (folder / f"threads{rank}").write_text("\n".join(threads())))  # runs last: it came first
    try:
        train(folder, seed=rank, batches=10)
    except KeyboardInterrupt:
        model, history = train(folder, seed=rank)
        torch.save({"model": model.state_dict(), "loss": history.loss}, folder / f"rank{rank}.pt")


def test_two_processes_equal_one(tmp_path):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    result = subprocess.run(
        [*command, "-m", "tests.training.test_parallel", str(tmp_path)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    first, second = (torch.load(tmp_path / f"rank{rank}.pt", weights_only=True) for rank in (0, 1))
    (tmp_path / "alone").mkdir()
    alone, history = train(tmp_path / "alone")
    assert first["loss"] == second["loss"]
    assert len(first["loss"]) == 3
    torch.testing.assert_close(first["loss"], history.loss, rtol=1e-12, atol=0)
    for name, value in alone.state_dict().items():
        assert torch.equal(first["model"][name], second["model"][name]), name
        torch.testing.assert_close(first["model"][name], value, rtol=1e-9, atol=1e-12, msg=name)
    for rank in (0, 1):  # a thread that outlived the group could abort the process at its end
        assert "gloo" not in (tmp_path / f"threads{rank}").read_text()
        (tmp_path / f"threads{rank}").unlink()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["alone", "log.csv", "rank0.pt", "rank1.pt", "run.pt"]


def test_shares_of_a_batch():
    """Their weighted means add up to the mean; a batch is cut into disjoint parts, or run whole by all processes."""
    for samples in map(torch.arange, (1, 2, 5, 6, 7, 11)):
        parts = []
        for rank in range(3):
            with Team(rank, 3).share(samples) as part:
                parts.append(part)
        if len(samples) < 6:  # of a part of one, batch normalization has no variance
            assert all(torch.equal(part, samples) for part, _ in parts)
        else:
            assert sorted(int(i) for part, _ in parts for i in part) == samples.tolist()
        mean = sum(weight * part.double().mean() for part, weight in parts)
        assert mean == pytest.approx(float(samples.double().mean()))


@pytest.mark.parametrize("shape", [(4,), (4, 7), (2, 8, 3)])
def test_batch_normalization_of_another_shape(shape):
    """torch takes three axes, too, of which the processes would make other sums."""
    with pytest.raises(ValueError, match=re.escape(f"input has shape {shape}, but must have (batch, 8 features)")):
        BatchNorm1d(8)(torch.zeros(shape))


def test_alone():
    assert team() == Team(rank=0, size=1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
