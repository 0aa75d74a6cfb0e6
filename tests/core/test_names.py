"""Full names of variables."""

import pickle

import pytest

from organics_neuro.core.names import Name, by_population


@pytest.mark.parametrize(
    ("text", "population", "variable"), [("y", None, "y"), ("e.v", "e", "v"), ("areas.v1.y", "areas.v1", "y")]
)
def test_a_name_is_the_text_that_users_write(text, population, variable):
    name = Name(population, variable)
    assert name == text
    assert {text: 1}[name] == 1
    assert Name.parse(text) == name
    assert (Name.parse(text).population, Name.parse(text).variable) == (population, variable)


def test_a_name_within_a_part():
    assert Name(None, "y").within("v1") == "v1.y"
    assert Name("v1", "y").within("areas").population == "areas.v1"


def test_names_survive_a_pickle():
    name = pickle.loads(pickle.dumps(Name("e", "v")))
    assert (name, name.population, name.variable) == ("e.v", "e", "v")


def test_dictionaries_by_population():
    assert by_population({"e.v": 1, "e.u": 2, "i.v": 3}) == {"e": {"v": 1, "u": 2}, "i": {"v": 3}}
    assert by_population({"y": 1}) == {None: {"y": 1}}
