"""Full names: of a variable in a circuit, and of a population in a joined one."""

from __future__ import annotations

#: As a variable of a population of neurons: its spikes, counted as a rate.
FIRING_RATE = "firing_rate"


class Name(str):
    """Full name of a variable: ``y`` in a circuit of one population, ``e.v`` in a joined one.

    It is a string, so that dictionaries by full name can be read with the text that users write.

    Parameters
    ----------
    population : str or None
        None in a circuit of one population. In nested joins it holds dots itself: ``areas.v1``.
    variable : str

    Examples
    --------
    >>> Name("e", "v"), Name(None, "y"), Name.parse("areas.v1.y").population
    ('e.v', 'y', 'areas.v1')
    """

    population: str | None
    variable: str

    def __new__(cls, population: str | None, variable: str) -> Name:
        name = super().__new__(cls, variable if population is None else f"{population}.{variable}")
        name.population, name.variable = population, variable
        return name

    def __getnewargs__(self):
        return self.population, self.variable

    @classmethod
    def parse(cls, text: str) -> Name:
        """The name that a user writes as ``text``."""
        population, dot, variable = text.rpartition(".")
        return cls(population if dot else None, variable)

    def within(self, part: str) -> Name:
        """The name in a circuit of which ``part`` is the one that has it now."""
        return Name(within(part, self.population), self.variable)


def within(part: str, population: str | None) -> str:
    """Full name of a population of ``part``; the only population of a circuit takes the name of the part."""
    return part if population is None else f"{part}.{population}"


def by_population(given) -> dict:
    """A dictionary by full name as one dictionary by variable for each population that it names."""
    result: dict = {}
    for text, value in given.items():
        name = Name.parse(text)
        result.setdefault(name.population, {})[name.variable] = value
    return result
