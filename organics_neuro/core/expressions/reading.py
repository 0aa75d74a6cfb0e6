"""Text of an expression, read with `ast` within a budget: nothing is evaluated, and nothing takes long.

Text comes from users and from files. It is counted before it is parsed, and parsed before SymPy sees it: a short text
can stand for a number, or for an expression, that no computer holds.
"""

import ast
import re

#: The largest expression: characters, nodes of the syntax tree and how deep they lie inside each other.
CHARACTERS, NODES, DEPTH = 10_000, 500, 100
#: The largest expression when the abbreviations in it are written out, in nodes.
EXPANDED = 1_000
#: The largest exponent that is a number.
EXPONENT = 1_000

_TOKEN = re.compile(r"\w+|\S")


def shorten(text: str) -> str:
    """``text`` as a message shows it."""
    return repr(text if len(text) <= 200 else f"{text[:90]} ... {text[-90:]}")


def read(text: str) -> ast.expr:
    """The syntax tree of an expression.

    Raises
    ------
    TypeError
        If ``text`` is not text.
    ValueError
        If it is not valid syntax, or larger than any expression of a model.
    """
    if not isinstance(text, str):
        raise TypeError(f"an expression must be text such as 'relu(y)**2', got {type(text).__name__}")
    if len(text) > CHARACTERS:
        raise _too_large(text, f"it has {len(text)} characters, at most {CHARACTERS} are read")
    _count_tokens(text)
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        raise ValueError(f"cannot read the expression {shorten(text)}: it is not valid syntax") from None
    except (RecursionError, MemoryError):
        raise _too_large(text, f"it is nested more than {DEPTH} deep") from None
    _count_nodes(tree, text)
    return tree


def _too_large(text: str, why: str) -> ValueError:
    return ValueError(f"the expression {shorten(text)} is too large: {why}; name parts of it in lines of their own")


def _count_tokens(text: str) -> None:
    """Refuse what the parser of Python itself could stumble over."""
    opened = row = 0
    for tokens, match in enumerate(_TOKEN.finditer(text)):
        token = match[0]
        opened += (token in "([{") - (token in ")]}")
        row = 0 if token[0].isalnum() else row + 1  # signs in a row, as in ----x
        if tokens > 3 * NODES:
            raise _too_large(text, f"it has more than {NODES} parts")
        if opened > DEPTH or row > 2 * DEPTH:
            raise _too_large(text, f"it is nested more than {DEPTH} deep")


def _count_nodes(tree: ast.expr, text: str) -> None:
    count, level, depth = 0, [tree], 0
    while level:
        count, depth = count + len(level), depth + 1
        if count > NODES:
            raise _too_large(text, f"it has more than {NODES} parts")
        if depth > DEPTH:
            raise _too_large(text, f"it is nested more than {DEPTH} deep")
        level = [child for node in level for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]


def check_syntax(text: str) -> None:
    """Raise `ValueError` if ``text`` cannot be an expression, of whatever names and functions."""
    if isinstance(text, str):  # Brian2 takes several lines, with comments
        text = " ".join(re.sub("#.*", "", text).split())
    read(text)


def names(text: str) -> set[str]:
    """The names of the variables in ``text``."""
    nodes = list(ast.walk(read(text)))
    calls = {node.func for node in nodes if isinstance(node, ast.Call)}
    return {node.id for node in nodes if isinstance(node, ast.Name) and node not in calls}


def called(text: str) -> set[str]:
    """The names of the functions that ``text`` calls."""
    return {ast.unparse(node.func) for node in ast.walk(read(text)) if isinstance(node, ast.Call)}
