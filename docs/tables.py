"""Write the tables of the documentation that the code knows: ``python docs/tables.py``."""

import re
from pathlib import Path

from organics_neuro.core import schemes
from organics_neuro.experiments import registry

DOCS = Path(__file__).parent
#: By file and name: the function that makes the table between ``<!-- name: ... -->`` and ``<!-- end -->``.
TABLES = {("simulation.md", "schemes"): schemes.table, ("experiments.md", "experiments"): registry.table}


def pages() -> dict[Path, str]:
    """Each file with its tables as they should be."""
    texts: dict[Path, str] = {}
    for (file, name), table in TABLES.items():
        text = texts.setdefault(DOCS / file, (DOCS / file).read_text(encoding="utf-8"))
        between = re.compile(rf"(<!-- {name}: .* -->\n).*?(<!-- end -->)", re.DOTALL)
        texts[DOCS / file] = between.sub(lambda match, table=table: f"{match[1]}{table()}\n{match[2]}", text)
    return texts


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
