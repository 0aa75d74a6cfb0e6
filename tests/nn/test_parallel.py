"""Two processes that share every batch train the model that one process trains."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from organics_neuro.nn import ORGaNICs, SequenceClassifier, training  # noqa: E402  needs torch
from organics_neuro.nn.parallel import Team, team  # noqa: E402
from tests.nn.test_training import Interrupt, make_data  # noqa: E402

ROOT = Path(__file__).parents[2]


def train(folder, seed=0, batches=1000):
    """97 samples in batches of 16: the last batch has one sample, so one process has none."""
    x, y = (torch.as_tensor(v) for v in make_data(129))
    torch.manual_seed(seed)
    rnn = ORGaNICs(3, 8, batch_first=True, dtype=torch.float64)
    model = Interrupt(SequenceClassifier(rnn, 2), batches)
    settings = {"epochs": 3, "lr": 0.05, "batch_size": 16, "validation": (x[97:].double(), y[97:]), "progress": False}
    files = {"checkpoint": folder / "run.pt", "log": folder / "log.csv", "resume": True}
    history = training.fit(model, x[:97].double(), y[:97], **settings, **files)
    return model, history


def main(folder):
    """What each of the processes does: start apart, stop in the second epoch, go on to the end."""
    rank = int(os.environ["RANK"])
    try:
        train(folder, seed=rank, batches=10)
    except KeyboardInterrupt:
        model, history = train(folder, seed=rank)
        torch.save({"model": model.state_dict(), "loss": history.loss}, folder / f"rank{rank}.pt")


def test_two_processes_equal_one(tmp_path):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    result = subprocess.run(
        [*command, "-m", "tests.nn.test_parallel", str(tmp_path)],
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
    assert sorted(p.name for p in tmp_path.iterdir()) == ["alone", "log.csv", "rank0.pt", "rank1.pt", "run.pt"]


def test_shares_of_a_batch():
    """The shares are disjoint and complete, and their weighted means add up to the mean."""
    for samples in map(torch.arange, (1, 2, 3, 4, 5, 7)):
        parts = [Team(rank, 3).share(samples) for rank in range(3)]
        assert sorted(int(i) for part, weight in parts for i in part if weight) == samples.tolist()
        assert sum(weight * part.double().mean() for part, weight in parts) == pytest.approx(
            float(samples.double().mean())
        )
        assert all(
            len(part) >= min(2, len(samples)) for part, _ in parts
        )  # of one, batch normalization has no variance


def test_alone():
    assert team() == Team(rank=0, size=1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
