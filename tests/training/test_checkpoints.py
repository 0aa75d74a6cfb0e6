"""Files that are no checkpoint are refused in one sentence of our own."""

import pytest

torch = pytest.importorskip("torch")

from organics_neuro.training import checkpoints  # noqa: E402


def parts(**more):
    return {"settings": {}, "architecture": "", "model": {}, "optimizer": {}, "history": {}, "best": {}, **more}


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (lambda path: path.write_bytes(b""), "it is damaged, or no file of torch.save"),
        (lambda path: path.write_bytes(b"PK\x03\x04"), "it is damaged, or no file of torch.save"),
        (
            lambda path: path.write_text("text"),
            "no file of torch.save",
        ),
        (
            lambda path: torch.save(torch.nn.Linear(1, 1), path),
            "holds more than tensors and plain values, which could run",
        ),
        (lambda path: torch.save([1], path), "it has no settings"),
        (lambda path: torch.save({"settings": {}}, path), "it has no architecture"),
        (lambda path: torch.save(parts(best=None), path), "it has no best"),
    ],
    ids=["empty", "truncated", "text", "object", "list", "incomplete", "wrong type"],
)
def test_what_is_no_checkpoint(tmp_path, write, reason):
    path = tmp_path / "run.pt"
    write(path)
    with pytest.raises(
        ValueError, match=rf"run.pt is not a checkpoint of fit \(.*{reason}.*\); delete it or"
    ) as caught:
        checkpoints.load(path, {}, torch.nn.Linear(1, 1))
    assert not any(word in str(caught.value) for word in ("\n", "\x1b", "weights_only", "options"))


def test_what_the_optimizer_lacks_is_named():
    assert "(it has no 'param_groups')" in str(checkpoints.not_one("run.pt", KeyError("param_groups")))


def test_files_without_checksums_are_read(tmp_path):
    torch.save({"w": torch.arange(3)}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    assert torch.equal(checkpoints.read(tmp_path / "old.pt")["w"], torch.arange(3))
