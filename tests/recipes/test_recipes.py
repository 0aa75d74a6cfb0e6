"""The table of recipes: every network fits its task, and no two recipes are confused."""

import json
import shutil
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from organics_neuro.core import files  # noqa: E402
from organics_neuro.nn.classifiers import AutoencoderClassifier  # noqa: E402  needs torch
from organics_neuro.recipes import RECIPES, Card, find, load, networks, table, train, tune  # noqa: E402
from organics_neuro.recipes.results import read_rows  # noqa: E402
from organics_neuro.recipes.weights import resave  # noqa: E402

DATA = Path(__file__).parents[2] / "data"
SHAPES = {"static": (784,), "rows": (28, 28), "pixels-14": (196, 1), "smnist": (784, 1), "psmnist": (784, 1)}


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_networks_classify_what_their_task_presents(recipe):
    model, shape = recipe.model(), SHAPES[recipe.task]
    x = torch.rand(2, *shape)
    assert model(x).shape == (2, 10)
    assert recipe.loss(model, x, torch.tensor([3, 7])).shape == ()


def test_a_model_depends_on_its_seed_alone():
    state = torch.get_rng_state()
    first, same, other = (find("rows").model(seed).readout.weight for seed in (1, 1, 2))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state)


def test_results_tell_recipes_apart():
    assert len({(r.task, r.network) for r in RECIPES.values()}) == len(RECIPES)
    assert all(name == recipe.name for name, recipe in RECIPES.items())


@pytest.mark.parametrize("task", SHAPES)
def test_baselines_have_the_same_budget(task):
    recipes = [recipe for recipe in RECIPES.values() if recipe.task == task and recipe.name != "demo"]
    assert len({(recipe.epochs, recipe.batch_size) for recipe in recipes}) == 1
    baselines = ["mlp"] if task == "static" else ["lstm", "gru", "mlp"]
    assert {f"{task}-{network}" for network in baselines} < {recipe.name for recipe in recipes}


@pytest.mark.parametrize("width", [14, 28])
def test_oscillators_for_images_have_the_lowest_spatial_frequencies(width):
    """A grating of u cycles across and v cycles down, read row by row, has one of the frequencies that are held."""
    angles = torch.tensor(networks._image_angles(width, 64), dtype=torch.float64)
    assert len(angles.unique()) == 64
    assert 0 == angles.min() < angles.max() <= torch.pi
    row, column = torch.meshgrid(*[torch.arange(width, dtype=torch.float64)] * 2, indexing="ij")
    for u, v in [(0, 1), (1, 0), (3, 2), (5, -4), (6, 4)]:
        grating = torch.exp(2j * torch.pi * (u * column + v * row) / width).flatten()
        held = (grating * torch.exp(-1j * angles[:, None] * torch.arange(width**2))).mean(1).abs()
        assert held.max() > 0.85  # v down within a row, too, from which sinc(v / width) remains


@pytest.mark.parametrize("name", ["pixels-14-lstm", "pixels-14-gru"])
def test_gated_baselines_start_with_memories_as_long_as_the_sequence(name):
    """What is left after a step, of cells that hold 1 and hear nothing."""
    rnn = find(name).model().rnn
    with torch.no_grad():
        for parameter in (rnn.weight_ih_l0, rnn.weight_hh_l0):
            parameter.zero_()
    is_lstm, one = isinstance(rnn, torch.nn.LSTM), torch.ones(1, 1, 128)
    left = rnn(torch.zeros(1, 1, 1), (one, one) if is_lstm else one)[1]
    steps = 1 / (1 - (left[1] if is_lstm else left))
    assert steps.min() >= 2
    assert steps.max() <= 196
    assert steps.std() > 40  # as of U(2, 196)


@pytest.mark.parametrize("name", ["static-ssn-50-50", "static-ssn-80-20"])
def test_supralinear_networks_start_weak_and_keep_their_signs(name):
    """Activity stays finite, and what is learned leaves weights positive."""
    model = find(name).model()
    rnn = model.classifier[1].rnn
    state = rnn.final_state(torch.rand(20, 40, 50)).v
    assert state.isfinite().all()
    assert state.abs().max() < 5
    excite, inhibit = (int(n) for n in name.split("-")[-2:])
    circuit = rnn.to_circuit()
    assert circuit.parameters["signs"].tolist() == [1.0] * excite + [-1.0] * inhibit
    assert circuit.weights["W"].is_nonnegative


COUNTS = json.loads((DATA.parent / "tests" / "reference_values_systems.json").read_text())[
    "parameter_counts_128_units_1_input_10_classes"
]


@pytest.mark.parametrize(
    ("name", "golden"),
    [
        ("lstm", "lstm_torch"),
        ("gru", "gru_torch"),
        ("cornn", "cornn"),
        ("lipschitz", "lipschitz"),
        ("antisymmetric", "antisymmetric_full_ungated"),
    ],
)
def test_golden_parameter_counts(name, golden):
    """Of 128 units, one input and ten classes."""
    model = find(f"pixels-14-{name}").model()
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) == COUNTS[golden]


@pytest.mark.parametrize("name", ["rows", "static-80"])
def test_loaded_networks_are_ready_to_use(name):
    """Nothing is dropped, and scores depend neither on the other samples nor on the calls before."""
    model = load(DATA / "weights" / f"{name}.safetensors").model
    x = torch.rand(500, *SHAPES[name.split("-")[0]])
    torch.testing.assert_close(model(x)[:2], model(x[:2]), rtol=1e-4, atol=1e-4)


def test_unknown_recipe():
    with pytest.raises(ValueError, match=f"unknown recipe 'lines'; known: {', '.join(map(repr, RECIPES))}$"):
        find("lines")


@pytest.mark.parametrize("function", [train, tune])
def test_a_name_is_no_recipe(function):
    with pytest.raises(TypeError, match=r"recipe must be a Recipe, got 'rows'; recipes.find\(name\) gives one"):
        function("rows")


def test_autoencoder():
    """The loss is that of the scores plus that of the reconstruction, and reaches all parameters."""
    torch.manual_seed(0)
    model = AutoencoderClassifier((12, 8, 3), torch.nn.Linear(3, 4))
    x, y = torch.rand(5, 12), torch.tensor([0, 1, 2, 3, 0])
    code = model.encoder(x)
    assert code.shape == (5, 3)
    reconstruction = (model.decoder(code) - x).square().mean()
    scores = torch.log_softmax(model(x), 1)[range(5), y].mean()
    torch.testing.assert_close(model.loss(x, y), reconstruction - scores)
    model.loss(x, y).backward()
    assert all(p.grad.abs().sum() > 0 for p in model.parameters())


def test_the_table_in_the_documents_is_that_of_the_results():
    assert table(DATA) in (DATA.parent / "docs" / "reproduce.md").read_text()


def test_shipped_networks_are_those_of_their_recipes():
    """All load as what their recipes make, with a card, and only those with a published result ship."""
    paths = list((DATA / "weights").glob("*.safetensors"))
    assert {path.stem for path in paths} == {name for name, recipe in RECIPES.items() if recipe.ships}
    for path in paths:
        recipe, card = load(path).recipe, Card.load(path.with_suffix(".json"))
        assert (card.recipe, card.task, card.seed) == (path.stem, recipe.task, 0)
        commands = [row["command"] for row in read_rows(DATA / "results" / f"{card.task}.csv")]
        assert card.command in commands
        assert files.load(path, "circuit", "network").checksum


@pytest.mark.parametrize("name", ["rows", "smnist", "static-autoencoder", "rows-lstm"])
def test_shipped_networks_can_be_written_again(tmp_path, name):
    path = shutil.copy(DATA / "weights" / f"{name}.safetensors", tmp_path)
    before = files.load(path, "circuit", "network")
    resave(path)
    after = files.load(path, "circuit", "network")
    assert after.arrays.keys() == before.arrays.keys()
    assert all(after.arrays[k].tobytes() == before.arrays[k].tobytes() for k in before.arrays)
    assert after.checksum
