"""Files of a run replace those of the same model and nothing else."""

from dataclasses import asdict

import pytest

torch = pytest.importorskip("torch")

from organics_neuro.nn import ORGaNICs, SequenceClassifier  # noqa: E402
from tests.training.models import fit, make_model, never  # noqa: E402
from tests.training.test_resuming import damage  # noqa: E402


@pytest.mark.parametrize("changed", [{}, {"epochs": 2, "lr": 0.02, "seed": 1}])
def test_a_run_starts_anew_over_its_own_files(tmp_path, changed):
    files = {"checkpoint": tmp_path / "run.pt", "log": tmp_path / "log.csv"}
    fit(make_model(), **files)
    files["log"].write_text(files["log"].read_text())  # other ends of lines, as git may leave them
    history = fit(make_model(), **files, **changed)
    assert history.loss == fit(make_model(), **changed).loss
    assert torch.load(files["checkpoint"], weights_only=True)["history"] == asdict(history)
    assert len(files["log"].read_text().splitlines()) == 1 + len(history)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("checkpoint", b"nothing"),
        ("checkpoint", b""),
        ("checkpoint", {"weight": torch.zeros(3)}),
        ("log", b"chapter,page\n1,1\n"),
        ("log", b"epoch,loss,validation_accuracy,lr,seconds,mine\n"),
        ("log", b"\xff\xfe" * 1000),
        ("log", b""),
    ],
)
def test_files_that_are_not_of_a_run_are_not_replaced(tmp_path, name, content):
    path = tmp_path / "file"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match=f"the {name} .*file .*; delete it or give another path"):
        fit(make_model(), loss=never, resume=name == "log", **{name: path})
    assert path.read_bytes() == before


def test_checkpoints_of_other_models_are_not_replaced(tmp_path):
    path = tmp_path / "run.pt"
    fit(make_model(), checkpoint=path, epochs=1)
    for harm in (lambda path: None, damage):
        harm(path)
        before = path.read_bytes()
        with pytest.raises(FileExistsError, match="not one of this model, or is damaged; delete it or give"):
            fit(SequenceClassifier(ORGaNICs(3, 9, batch_first=True), 2), loss=never, checkpoint=path)
        assert path.read_bytes() == before
    with pytest.raises(FileExistsError, match="is not one of this model"):  # what is damaged could be anyone's
        fit(make_model(), loss=never, checkpoint=path)


def test_log_and_checkpoint_are_two_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="checkpoint and log must be two files, got .*same for both"):
        fit(make_model(), loss=never, checkpoint="same", log=tmp_path / "same")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["checkpoint", "log"])
def test_files_that_cannot_be_written_are_found_before_the_first_step(tmp_path, name):
    for path, message in ((tmp_path / "missing" / "file", "missing does not exist"), (tmp_path, "is a folder")):
        with pytest.raises(OSError, match=message):
            fit(make_model(), loss=never, **{name: path})


def test_a_full_disk_is_one_sentence_and_leaves_the_old_checkpoint(tmp_path):
    """A limit on the size of files stands for the disk."""
    path, resource = tmp_path / "run.pt", pytest.importorskip("resource")
    fit(make_model(), checkpoint=path, epochs=1)
    before, old = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, old[1]))
    try:
        with pytest.raises(OSError, match=r"run.pt could not be written \(File too large\); what was there .* kept$"):
            fit(make_model(), checkpoint=path, epochs=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["run.pt"]
