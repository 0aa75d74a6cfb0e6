"""`Sum`: several operators that act together."""

from collections.abc import Iterable

from organics_neuro.core.operators.base import Cost, Operator, from_arrays


class Sum(Operator):
    """The sum of operators, each applied at the cost of its own structure; ``A + B`` makes one.

    Parameters
    ----------
    terms : sequence of Operator
        All of the same shape. A sum among them gives its terms.
    """

    kind = "sum"

    def __init__(self, terms: Iterable[Operator]):
        terms = tuple(terms) if isinstance(terms, Iterable) and not hasattr(terms, "dim") else ()
        if not terms or not all(isinstance(term, Operator) for term in terms):
            raise TypeError("a sum of weights takes one or more operators; make arrays operators with Dense(array)")
        if len({term.shape for term in terms}) > 1:
            raise ValueError(f"weights of different shapes cannot be added: {', '.join(map(repr, terms))}")
        self.terms = tuple(part for term in terms for part in getattr(term, "terms", (term,)))
        self.shape = terms[0].shape

    def apply(self, x):
        return sum(term.apply(x) for term in self.terms)

    @property
    def T(self):
        return Sum(term.T for term in self.terms)

    def apply_transposed(self, x):
        return sum(term.apply_transposed(x) for term in self.terms)

    def to_dense(self):
        return sum(term.to_dense() for term in self.terms)

    @property
    def cost(self):
        return sum((term.cost for term in self.terms), Cost(0, 0))

    @property
    def minimum(self):
        uniform = [term for term in self.terms if term.kind == "all_to_all"]
        others = [term for term in self.terms if term.kind != "all_to_all"]
        if len(others) > 1:
            return super().minimum
        return sum(term.minimum for term in uniform + others)

    @property
    def is_nonnegative(self):
        return all(term.is_nonnegative for term in self.terms) or super().is_nonnegative

    def arrays(self):
        return {
            f"{k}/{term.kind}/{name}": array
            for k, term in enumerate(self.terms)
            for name, array in term.arrays().items()
        }

    @classmethod
    def from_arrays(cls, arrays):
        parts = {}
        for path, array in arrays.items():
            number, kind, name = path.split("/")
            parts.setdefault((int(number), kind), {})[name] = array
        return cls(from_arrays(kind, parts[number, kind]) for number, kind in sorted(parts))

    def __reduce_ex__(self, protocol):
        return type(self), (self.terms,)  # a term of a class of the user's own brings this class

    def scaled(self, factor):
        return Sum(term.scaled(factor) for term in self.terms)

    def __eq__(self, other):
        if not isinstance(other, Sum):
            return super().__eq__(other)
        return len(self.terms) == len(other.terms) and all(a == b for a, b in zip(self.terms, other.terms, strict=True))

    __hash__ = None

    def __repr__(self):
        return " + ".join(map(repr, self.terms))
