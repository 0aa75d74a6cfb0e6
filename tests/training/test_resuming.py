"""A run that was stopped goes on bit for bit, and only its own checkpoint is taken up."""

from dataclasses import asdict

import pytest

torch = pytest.importorskip("torch")

from organics_neuro.nn import ORGaNICs, SequenceClassifier  # noqa: E402
from tests.training.models import Interrupt, fit, make_data, make_model  # noqa: E402


@pytest.mark.parametrize("batches", [3, 12, 20])
def test_interrupted_and_resumed_equals_uninterrupted(tmp_path, batches):
    """Six batches an epoch: the run stops in the first, third and fourth epoch."""
    whole, path = Interrupt(make_model(), 1000), tmp_path / "run.pt"
    expected = fit(whole, seed=3)
    with pytest.raises(KeyboardInterrupt) as stopped:
        fit(Interrupt(make_model(), batches), seed=3, checkpoint=path, resume=True)
    assert path.exists() == any("run.pt holds" in note for note in getattr(stopped.value, "__notes__", []))
    resumed = Interrupt(make_model(), 1000)
    torch.rand(5)  # what the program draws in between does not matter
    history = fit(resumed, seed=3, checkpoint=path, resume=True)
    assert history.loss == expected.loss
    assert history.validation_accuracy == expected.validation_accuracy
    for name, value in resumed.state_dict().items():
        assert torch.equal(value, whole.state_dict()[name]), name
    assert [p.name for p in tmp_path.iterdir()] == ["run.pt"]


def test_a_finished_run_resumes_to_its_result(tmp_path):
    path = tmp_path / "run.pt"
    model, again = make_model(), make_model()
    history = fit(model, checkpoint=path)
    assert asdict(fit(again, checkpoint=path, resume=True)) == asdict(history)
    assert all(map(torch.equal, model.state_dict().values(), again.state_dict().values()))


def test_checkpoints_of_other_runs_are_refused(tmp_path):
    path = tmp_path / "run.pt"
    fit(make_model(), checkpoint=path, epochs=1)
    with pytest.raises(ValueError, match="made with epochs=1, not 4; use the same settings or another path"):
        fit(make_model(), checkpoint=path, resume=True)
    other = SequenceClassifier(ORGaNICs(3, 9, batch_first=True), 2)
    with pytest.raises(ValueError, match="run.pt is of another model"):
        fit(other, checkpoint=path, resume=True, epochs=1)
    for options in ({"max_step_y": 0.4}, {"precision": "bf16"}):  # the same shapes
        changed = make_model()
        changed[1].rnn = ORGaNICs(3, 8, batch_first=True, **options)
        with pytest.raises(ValueError, match="run.pt is of another model"):
            fit(changed, checkpoint=path, resume=True, epochs=1)
    torch.save({"settings": {}}, path)
    with pytest.raises(ValueError, match="run.pt is not a checkpoint"):
        fit(make_model(), checkpoint=path, resume=True)
    path.write_bytes(b"nothing")
    with pytest.raises(ValueError, match="run.pt is not a checkpoint"):
        fit(make_model(), checkpoint=path, resume=True)


def damage(path):
    """Change one bit of a tensor, which `torch.load` does not notice."""
    weights = torch.load(path, weights_only=True)["model"]["1.readout.weight"].numpy().tobytes()
    path.write_bytes(path.read_bytes().replace(weights, bytes([weights[0] ^ 1]) + weights[1:]))


def change(path, **content):
    torch.save({**torch.load(path, weights_only=True), **content}, path)


def test_resuming_with_other_data_or_other_frozen_parameters_is_refused(tmp_path):
    path, (x, y), frozen = tmp_path / "run.pt", make_data(), make_model()
    fit(make_model(), checkpoint=path)
    frozen[1].readout.requires_grad_(False)
    for model, data, message in (
        (make_model(), (x + 1, y), "made with checksum of the data="),
        (make_model(), (x, 1 - y), "made with checksum of the data="),
        (frozen, (x, y), "made with frozen="),
    ):
        with pytest.raises(ValueError, match=message):
            fit(model, *data, checkpoint=path, resume=True)
    settings = torch.load(path, weights_only=True)["settings"]
    change(path, settings={k: v for k, v in settings.items() if k not in ("checksum of the data", "frozen")})
    assert len(fit(make_model(), checkpoint=path, resume=True)) == 4  # of a version that did not write them


@pytest.mark.parametrize(
    "harm",
    [
        damage,
        lambda path: change(path, best=None),
        lambda path: change(path, optimizer={}),
        lambda path: change(path, history={"loss": [1.0], "accuracy": [1.0]}),
        lambda path: torch.save([1], path),
    ],
)
def test_damaged_checkpoints_are_refused(tmp_path, harm):
    path = tmp_path / "run.pt"
    fit(make_model(), checkpoint=path, epochs=1)
    harm(path)
    with pytest.raises(ValueError, match="run.pt is not a checkpoint of fit"):
        fit(make_model(), checkpoint=path, epochs=1, resume=True)


def edited(part, edit):
    """A change of a part of a checkpoint, whose checksums fit again."""

    def harm(path):
        content = torch.load(path, weights_only=True)
        edit(content[part])
        torch.save(content, path)

    return harm


def longer(history):
    for values in history.values():
        values *= 50


CRAFTED = {
    "NaN in best": (
        edited("best", lambda best: best["1.readout.bias"].fill_(float("nan"))),
        "'1.readout.bias' of its best is not finite",
    ),
    "infinity in model": (
        edited("model", lambda model: model["1.readout.bias"].fill_(float("inf"))),
        "'1.readout.bias' of its model is not finite",
    ),
    "double precision": (
        edited("best", lambda best: best.update({"1.readout.bias": best["1.readout.bias"].double()})),
        "is of another model",
    ),
    "more epochs than the run has": (
        edited("history", longer),
        "its history has 100 epochs, more than the 2 of the run",
    ),
    "no epochs": (edited("history", lambda h: [v.clear() for v in h.values()]), "its history has not one number"),
    "one loss too many": (edited("history", lambda h: h["loss"].append(1.0)), "its history has not one number of each"),
    "NaN in history": (
        edited("history", lambda h: h.update(loss=[1.0, float("nan")])),
        "'loss' of its history holds what is no finite number",
    ),
    "text in history": (edited("history", lambda h: h.update(lr=[0.1, "1"])), "'lr' of its history holds what is no"),
    "optimizer of other shapes": (
        edited("optimizer", lambda o: o["state"][0].update(exp_avg=torch.zeros(3, 3))),
        "'exp_avg' of its optimizer has another shape than the parameter 0",
    ),
    "NaN in the optimizer": (
        edited("optimizer", lambda o: o["state"][0]["exp_avg_sq"].fill_(float("nan"))),
        "'exp_avg_sq' of its optimizer is not finite",
    ),
    "a moment is missing": (
        edited("optimizer", lambda o: o["state"][0].pop("exp_avg")),
        "its optimizer has not exp_avg, exp_avg_sq, step of a parameter 0",
    ),
    "a parameter that is not there": (
        edited("optimizer", lambda o: o["state"].update({99: {}})),
        "its optimizer has not .* of a parameter 99",
    ),
    "other settings of Adam": (
        edited("optimizer", lambda o: o["param_groups"][0].update(betas=(0.5, float("nan")))),
        "the group 0 of its optimizer is another one",
    ),
    "a group too many": (
        edited("optimizer", lambda o: o["param_groups"].append({"lr": 1})),
        "its optimizer has 2 groups, not 1",
    ),
    "a tensor for a setting": (edited("settings", lambda s: s.update(lr=torch.ones(2))), r"made with lr=tensor\("),
}


@pytest.mark.parametrize(("harm", "message"), CRAFTED.values(), ids=CRAFTED)
def test_crafted_checkpoints_are_refused(tmp_path, harm, message):
    """Their checksums fit, their content does not."""
    path = tmp_path / "run.pt"
    fit(make_model(), checkpoint=path, epochs=2)
    harm(path)
    with pytest.raises(ValueError, match=message) as caught:
        fit(make_model(), checkpoint=path, epochs=2, resume=True)
    assert "\n" not in str(caught.value)


def test_a_lost_log_is_written_again(tmp_path):
    files = {"checkpoint": tmp_path / "run.pt", "log": tmp_path / "log.csv"}
    fit(make_model(), **files)
    expected = files["log"].read_text()
    files["log"].unlink()
    fit(make_model(), **files, resume=True)
    assert files["log"].read_text() == expected
