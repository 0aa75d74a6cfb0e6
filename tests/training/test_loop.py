"""Training: it learns, it resumes bit for bit, and bad data gives one clear sentence."""

import csv
import sys
from dataclasses import asdict

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from organics_neuro import training  # noqa: E402  needs torch
from organics_neuro.nn import ORGaNICs, SequenceClassifier  # noqa: E402
from organics_neuro.training import schedule  # noqa: E402


def make_data(samples=120, steps=6):
    """Two classes: the sign of the mean of a noisy sequence."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, samples)
    x = rng.normal(size=(samples, steps, 3)) + 2 * (2 * y - 1)[:, None, None]
    return x.astype(np.float32), y


def make_model():
    torch.manual_seed(0)
    rnn = ORGaNICs(3, 8, batch_first=True)
    classifier = SequenceClassifier(rnn, 2)
    return torch.nn.Sequential(torch.nn.Dropout(0.2), classifier)  # dropout: randomness besides the order of samples


def fit(model, x=None, y=None, **changed):
    if x is None:
        x, y = make_data()
    settings = {"epochs": 4, "lr": 0.05, "batch_size": 16, "validation": 0.25, "progress": False, **changed}
    return training.fit(model, x, y, **settings)


def test_it_learns_and_keeps_the_best_epoch():
    (x, y), model = make_data(), make_model()
    held_out = x[:30], y[:30]
    history = fit(model, x[30:], y[30:], validation=held_out, epochs=8)
    assert len(history.loss) == len(history.validation_accuracy) == len(history.seconds) == 8
    assert history.loss[-1] < history.loss[0]
    assert not model.training
    assert training.accuracy(model, *held_out) == max(history.validation_accuracy) > 0.9
    assert history.validation_accuracy[history.best_epoch] == max(history.validation_accuracy)


def test_accuracy_leaves_the_mode_of_every_part():
    """Some may be frozen while others are trained."""
    (x, y), model = make_data(), make_model()
    model.train()
    model[1].eval()
    before = [module.training for module in model.modules()]
    assert len(set(before)) == 2
    training.accuracy(model, x, y)
    assert [module.training for module in model.modules()] == before


class Merged(torch.nn.Linear):
    """Does more than note its mode, as adapters do."""

    merged = False

    def train(self, mode=True):
        self.merged = not mode
        return super().train(mode)


def test_accuracy_puts_the_model_back_into_training_by_its_own_method():
    model = Merged(3, 2)
    training.predict(model, np.zeros((4, 3), dtype=np.float32))
    assert model.training
    assert not model.merged


def test_predictions_are_labels():
    x, _ = make_data()
    labels = training.predict(make_model(), x, batch_size=50)
    assert labels.shape == (120,)
    assert labels.dtype == torch.int64


def test_settings_may_be_numbers_of_numpy(tmp_path):
    plain = {"epochs": 2, "lr": 0.5, "validation": 0.25, "seed": 3, "lr_factors": {"W_r": 0.5}}
    arrays = {
        "epochs": np.int64(2),
        "lr": np.float32(0.5),
        "validation": np.float32(0.25),
        "seed": np.int64(3),
        "lr_factors": {"W_r": np.float32(0.5)},
    }
    history = fit(make_model(), **arrays, checkpoint=tmp_path / "run.pt")
    assert history.loss == fit(make_model(), **plain).loss
    assert fit(make_model(), **plain, checkpoint=tmp_path / "run.pt", resume=True).loss == history.loss


@pytest.mark.parametrize("rnn", [torch.nn.LSTM(3, 8), torch.nn.GRU(3, 8, batch_first=True)])
def test_other_networks_can_be_classifiers(rnn):
    assert SequenceClassifier(rnn, 2)(torch.zeros(4, 4, 3)).shape == (4, 2)
    assert SequenceClassifier(rnn, 2)(torch.zeros(4, 3)).shape == (2,)


def test_sequences_of_different_lengths_can_be_classified():
    torch.manual_seed(0)
    model, sequences = SequenceClassifier(ORGaNICs(3, 8), 2, dropout=0.5), [torch.randn(n, 3) for n in (4, 6, 1)]
    packed = torch.nn.utils.rnn.pack_sequence(sequences, enforce_sorted=False)
    assert not torch.equal(model(packed), model(packed))
    model.eval()
    torch.testing.assert_close(model(packed), torch.stack([model(x) for x in sequences]))


def test_what_is_read_can_be_standardized():
    """Units that hardly differ are then read as well as others, and the readout of what was trained is still linear."""
    torch.manual_seed(0)
    model = SequenceClassifier(ORGaNICs(3, 8), 2, standardize=True)
    y = 5 + 1e-3 * torch.randn(200, 8)
    torch.testing.assert_close(
        model.scores(y), model.readout((y - y.mean(0)) / y.std(0, correction=0)), rtol=0, atol=0.02
    )
    model.eval()
    scores = model.scores(torch.stack([y[0], y[1], (y[0] + y[1]) / 2]))
    torch.testing.assert_close(scores[2], (scores[0] + scores[1]) / 2)


@pytest.mark.parametrize(
    ("size", "expected"), [(4, [4, 5]), (3, [3, 3, 3]), (1, [1] * 9), (8, [9]), (9, [9]), (5, [5, 4])]
)
def test_no_batch_of_one_sample_is_left(size, expected):
    """Of one sample there is no standard deviation."""
    batches = schedule.batches(torch.arange(9), size)
    assert [len(batch) for batch in batches] == expected
    assert torch.equal(torch.cat(batches), torch.arange(9))
    model = SequenceClassifier(ORGaNICs(3, 8, batch_first=True), 2, standardize=True)
    if size > 1:
        x, y = make_data(9)
        assert len(fit(model, x, y, validation=(x, y), batch_size=size, epochs=1, lr=1e-3)) == 1


def test_part_of_the_input_is_dropped_in_training_alone():
    """What is left is scaled up, as everywhere in torch: with a linear network the mean of the scores stays."""

    class Last(torch.nn.Linear):
        hidden_size, batch_first = 3, True

        def forward(self, x):
            return None, (super().forward(x).transpose(0, 1),)  # the state, as an LSTM has it

    model, x = SequenceClassifier(Last(3, 3), 2, dropout=0.5), torch.ones(20_000, 1, 3)
    torch.manual_seed(0)
    scores, expected = model(x), model.eval()(x)
    assert len(scores.detach().round(decimals=4).unique(dim=0)) == 2**3
    torch.testing.assert_close(scores.mean(0), expected.mean(0), rtol=0, atol=0.03)
    assert len(expected.unique(dim=0)) == 1


class Interrupt(torch.nn.Module):
    """A model that stops after so many training batches."""

    def __init__(self, model, batches):
        super().__init__()
        self.model = model
        self.batches = batches

    def forward(self, x):
        if self.training:
            self.batches -= 1
        if self.batches < 0:
            raise KeyboardInterrupt
        return self.model(x)


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


def test_log_and_callback(tmp_path):
    """The log is whole after a resumption; the callback sees the model of each epoch and may draw random numbers."""
    seen, path, log = [], tmp_path / "run.pt", tmp_path / "log.csv"

    def look(model, history):
        torch.rand(3)
        seen.append((len(history), next(model.parameters()).sum().item()))

    with pytest.raises(KeyboardInterrupt):
        fit(Interrupt(make_model(), 20), checkpoint=path, log=log, callback=look)
    history = fit(Interrupt(make_model(), 1000), checkpoint=path, resume=True, log=log, callback=look)
    assert [epoch for epoch, _ in seen] == [1, 2, 3, 4]
    assert len({total for _, total in seen}) == 4
    assert history.loss == fit(make_model()).loss
    with log.open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["epoch", "loss", "validation_accuracy", "lr", "seconds"]
    assert [row[0] for row in rows] == ["1", "2", "3", "4"]
    columns = list(zip(*rows, strict=True))[1:]
    assert [[float(v) for v in column] for column in columns] == list(asdict(history).values())


def test_learning_rate_rises_and_falls():
    lr = fit(make_model(), epochs=10, lr=0.02).lr
    assert max(lr) <= 0.02
    assert int(np.argmax(lr)) in (1, 2)
    assert lr[-1] < 2e-4


def test_learning_rates_of_some_parameters(tmp_path):
    """Adam's first step is as long as the learning rate: by it one sees which factor a parameter got."""
    factors, model = {"W_b0": 0.1, "W_b": 0.0, "readout": 2.0}, make_model()
    before = {name: value.clone() for name, value in model.named_parameters()}
    fit(model, epochs=1, batch_size=1000, lr=0.01, lr_factors=factors)
    moved = {name: float((value - before[name]).detach().abs().max()) for name, value in model.named_parameters()}
    first = 0.01 * 1e-3 / schedule.RISE
    expected = {"1.rnn.cells.0.W_zx": 1, "1.rnn.cells.0.W_b0y": 0.1, "1.rnn.cells.0.W_by": 0, "1.readout.bias": 2}
    assert {name: moved[name] for name in expected} == pytest.approx(
        {n: f * first for n, f in expected.items()}, rel=0.02
    )
    path = tmp_path / "run.pt"
    fit(make_model(), checkpoint=path, lr_factors=factors)
    with pytest.raises(ValueError, match="made with lr_factors={'W_b0': 0.1, .*}, not None"):
        fit(make_model(), checkpoint=path, resume=True)


def test_factors_must_be_named():
    with pytest.raises(TypeError, match="lr_factors must be a dictionary of names and factors, got 0.5"):
        fit(make_model(), lr_factors=0.5)


def test_another_loss():
    """The loss function is what is minimized: with the labels exchanged, the accuracy falls below chance."""
    exchanged = lambda model, x, y: training.cross_entropy(model, x, 1 - y)  # noqa: E731
    assert fit(make_model(), loss=exchanged).validation_accuracy[-1] < 0.1


def test_seeds():
    model, other = make_model(), make_model()
    assert fit(model, seed=1).loss == fit(make_model(), seed=1).loss != fit(other, seed=2).loss


def test_the_global_random_state_and_denormals_are_left_alone():
    torch.manual_seed(7)
    expected = torch.rand(1)
    model = make_model()
    torch.manual_seed(7)
    fit(model, epochs=1)
    assert torch.rand(1) == expected
    assert sys.float_info.min / 2 > 0


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


def test_a_lost_log_is_written_again(tmp_path):
    files = {"checkpoint": tmp_path / "run.pt", "log": tmp_path / "log.csv"}
    fit(make_model(), **files)
    expected = files["log"].read_text()
    files["log"].unlink()
    fit(make_model(), **files, resume=True)
    assert files["log"].read_text() == expected


class Undefined(torch.nn.Module):
    """A model whose scores are NaN in evaluation, of some samples or all."""

    def __init__(self, model, samples):
        super().__init__()
        self.model, self.samples = model, samples

    def forward(self, x):
        scores = self.model(x)
        if not self.training and len(x) > 1:
            scores[: self.samples] = torch.nan
        return scores


@pytest.mark.parametrize(
    ("samples", "message"), [(1, "scores are NaN for 1 of 30 samples"), (1000, "scores are NaN for 30 of 30 samples")]
)
def test_scores_that_are_not_numbers_are_reported(samples, message):
    (x, y), model = make_data(), Undefined(make_model(), samples)
    for call in (
        lambda: fit(model, epochs=1),
        lambda: training.predict(model, x[:30]),
        lambda: training.accuracy(model, x[:30], y[:30]),
    ):
        with pytest.raises(FloatingPointError, match=message):
            call()


def test_divergence_is_reported():
    with pytest.raises(FloatingPointError, match="the loss is no longer finite in epoch 1"):
        fit(make_model(), lr=1e38)


def test_a_gradient_that_is_not_finite_is_reported_and_not_used():
    """The loss may be finite where its gradient is not; the parameters then stay as they were."""

    def steep(model, x, y):
        loss = training.cross_entropy(model, x, y)
        return loss + torch.sqrt(loss - loss)

    model = make_model()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(FloatingPointError, match="the gradient is no longer finite in epoch 1; try a smaller lr"):
        fit(model, loss=steep)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


X, Y = make_data()
NAN = X.copy()
NAN[17, 2, 1] = np.nan


def never(model, x, y):
    raise AssertionError("a step was taken")


@pytest.mark.parametrize(
    ("x", "y", "changed", "message"),
    [
        (NAN, Y, {}, "x must be finite, but sample 17 holds NaN"),
        (X.astype(int), Y, {}, "x must be an array of floats"),
        (X, Y[:-1], {}, r"one label .* for each of the 120 samples, got torch.int64 of shape \(119,\)"),
        (X, Y.astype(float), {}, "y must hold one label"),
        (X, Y - 1, {}, "with the label -1"),
        (X, Y + 0j, {}, "y must hold one label .* got torch.complex128"),
        (X, Y.astype(np.uint16) + np.uint16(7), {}, "y holds the label 8, but the model has scores for 2 classes"),
        (X, Y + 7, {}, "y holds the label 8, but the model has scores for 2 classes"),
        (None, Y, {}, "x must be one array of numbers, samples of equal shape on its first axis, got NoneType"),
        ("digits", Y, {}, "x must be one array of numbers, .* got str"),
        ([*map(torch.as_tensor, X)], Y, {}, "x must be one array of numbers, .* got list"),
        (
            X[:, 0],
            Y,
            {},
            r"the model must return scores \(samples, classes\), but returned shape \(2,\) for x of shape",
        ),
        (X, Y, {"validation": (X, Y + 7)}, "validation y holds the label 8, but the model has scores for 2 classes"),
        (X, Y, {"validation": (X[..., :2], Y)}, "input_size=3"),
        (X, Y, {"validation": (X.astype(float), Y)}, "input is torch.float64, but the parameters are torch.float32"),
        (X, Y, {"seed": None}, "seed must be a whole number, 0 or larger, got None"),
        (X, Y, {"seed": 1.5}, "seed must be a whole number, 0 or larger, got 1.5"),
        (X, Y, {"seed": 2**64}, r"seed must be smaller than 2\*\*64, got 18446744073709551616"),
        (X, Y, {"lr": None}, "lr must be a number larger than 0, got None"),
        (X, Y, {"lr": "a"}, "lr must be a number larger than 0, got 'a'"),
        (X, Y, {"lr": float("inf")}, "lr must be a number larger than 0, got inf"),
        (X, Y, {"lr": True}, "lr must be a number larger than 0, got True"),
        (X, Y, {"validation": 0.001}, "sets 0 of 120 samples aside"),
        (X, Y, {"validation": float("nan")}, "validation must be a fraction between 0 and 1, or a pair"),
        (X, Y, {"validation": (X, Y, Y)}, "validation must be a fraction between 0 and 1, or a pair"),
        (X, Y, {"validation": X}, r"or a pair \(x, y\), got array\(\[\[\[[^\n]{1,100}\.\.\.$"),
        (X.astype(object), Y, {}, "x must be one array of numbers, .* got ndarray of object"),
        (X, Y, {"validation": (NAN, Y)}, "validation x must be finite"),
        (X[..., :2], Y, {}, "input_size=3"),
        (X, Y, {"lr_factors": {"W_br": 1}}, "lr_factors: no parameter is called 'W_br'"),
        (X, Y, {"lr_factors": {"W_by": -1}}, r"lr_factors\['W_by'\] must be 0 or larger, got -1"),
        (X, Y, {"lr_factors": {"W_by": "slow"}}, r"lr_factors\['W_by'\] must be 0 or larger, got 'slow'"),
        (X, Y, {"epochs": 0}, "epochs must be a positive whole number, got 0"),
        (X, Y, {"batch_size": 0}, "batch_size must be a positive whole number, got 0"),
        (X, Y, {"batch_size": 2.5}, "batch_size must be a positive whole number, got 2.5"),
    ],
)
def test_bad_data(x, y, changed, message):
    """Before the first step."""
    with pytest.raises(ValueError, match=message):
        training.fit(make_model(), x, y, **{"epochs": 4, "lr": 0.05, "loss": never, **changed}, progress=False)


@pytest.mark.parametrize("name", ["checkpoint", "log"])
def test_files_that_cannot_be_written_are_found_before_the_first_step(tmp_path, name):
    for path, message in ((tmp_path / "missing" / "file", "missing does not exist"), (tmp_path, "is a folder")):
        with pytest.raises(OSError, match=message):
            fit(make_model(), loss=never, **{name: path})


def test_what_is_predicted_is_checked():
    model = make_model()
    for call, message in (
        (lambda: training.predict(model, NAN), "x must be finite, but sample 17 holds NaN"),
        (lambda: training.predict(model, X[:, 0]), r"the model must return scores \(samples, classes\)"),
        (lambda: training.predict(model, X, batch_size=0), "batch_size must be a positive whole number, got 0"),
        (lambda: training.accuracy(model, NAN, Y), "x must be finite, but sample 17 holds NaN"),
        (lambda: training.accuracy(model, X, Y[:, None]), r"one label .* got torch.int64 of shape \(120, 1\)"),
        (lambda: training.accuracy(model, X, [1]), r"one label .* got torch.int64 of shape \(1,\)"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def frozen():
    return make_model().requires_grad_(False)


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (ORGaNICs(3, 8, batch_first=True), ValueError, "but returned a tuple for .*; SequenceClassifier makes"),
        (torch.nn.LSTM(3, 8, batch_first=True), ValueError, "but returned a tuple for .*; SequenceClassifier makes"),
        (None, TypeError, "model must be a torch.nn.Module, got None"),
        (ORGaNICs, TypeError, "model must be a torch.nn.Module, got <class"),
        (torch.nn.Flatten(), ValueError, "model has no parameter that can be trained"),
        (frozen(), ValueError, "model has no parameter that can be trained"),
    ],
)
def test_what_cannot_be_trained(tmp_path, model, error, message):
    for files in ({}, {"checkpoint": tmp_path / "run.pt"}):
        with pytest.raises(error, match=message):
            fit(model, *make_data(), loss=never, **files)
    if "trained" not in message:
        with pytest.raises(error, match=message):
            training.predict(model, X)


def test_a_model_without_parameters_predicts():
    assert training.predict(torch.nn.Flatten(), X).tolist() == X.reshape(len(X), -1).argmax(1).tolist()


@pytest.mark.parametrize(
    ("loss", "got"),
    [
        (lambda model, x, y: model(x)[:, 0], r"tensor\(\[[^\n]*\.\.\."),
        (lambda model, x, y: training.cross_entropy(model, x, y).item(), r"[0-9.]+$"),
        (lambda model, x, y: training.cross_entropy(model, x, y).detach(), r"tensor\([0-9.]+\)$"),
        (lambda model, x, y: None, "None$"),
    ],
)
def test_a_loss_is_one_number_with_a_gradient(loss, got):
    with pytest.raises(ValueError, match=f"loss must return one number, .*with a gradient, got {got}"):
        fit(make_model(), loss=loss)


@pytest.mark.parametrize(("samples", "batch_size"), [(120, 1), (2, 16)])
def test_batch_normalization_needs_two_samples(samples, batch_size):
    model = SequenceClassifier(ORGaNICs(3, 8, batch_first=True), 2, standardize=True)
    with pytest.raises(ValueError, match="batch normalization needs two samples or more; give a larger batch_size"):
        fit(model, *make_data(samples), validation=0.5, batch_size=batch_size)


def test_the_layout_of_the_data_does_not_matter():
    """Whatever can be copied to an array of torch is; parameters alone are trained."""
    (x, y), fields = make_data(), np.zeros((120, 6, 3), [("x", "f4"), ("one byte", "i1")])
    fields["x"] = x
    graph = 1 * torch.tensor(x, requires_grad=True)
    expected = fit(make_model(), x, y, epochs=2).loss
    for same_x, same_y in [
        (x[::-1].copy()[::-1], y),
        (x.astype(">f4"), y.astype(">i8")),
        (fields["x"], y[::-1].copy()[::-1]),
        (graph, y),
    ]:
        assert fit(make_model(), same_x, same_y, epochs=2).loss == expected
