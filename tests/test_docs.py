"""The documentation: every page is reached, links lead somewhere, and what stands in its code blocks runs.

The site itself is built, without warnings, by ``make docs``, or by ``make docs-quick`` without running its tutorials.
"""

import importlib
import re
from pathlib import Path

import pytest

import organics_neuro as on
from tests.test_examples import run

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
#: Pages that the build makes (docs/made.py), the text that a page includes, and pages for readers of the source alone.
MADE = ("api/", "gallery/", "tutorials/", "command_line", "made/")
SOURCE_ONLY = {"index", "architecture"}
#: Pages whose code blocks are one script that a reader can follow.
FOLLOWED = ["start/brian2", "start/torch", "start/paper", "howto/moving", "howto/profile", "howto/saving", "model"]


def written():
    """The pages in the source, by name."""
    pages = {path.relative_to(DOCS).with_suffix("").as_posix(): path for path in DOCS.rglob("*.md")}
    return {name: path for name, path in pages.items() if not name.startswith((*MADE, "_build"))}


def reached():
    found = set()
    for path in written().values():
        for block in re.findall(r"```\{toctree\}\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL):
            found |= {line.strip() for line in block.splitlines() if line.strip() and not line.startswith(":")}
    return found


def test_every_page_is_reached():
    assert set(written()) - reached() == SOURCE_ONLY


def test_every_entry_is_a_page():
    assert {name for name in reached() - set(written()) if not name.startswith(MADE)} == set()


def links(path):
    """Links of a Markdown file to other files, without the part of the page."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [
        link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link and link[0] != "#"
    ]


@pytest.mark.parametrize(
    "path", [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *written().values()], ids=lambda path: path.stem
)
def test_links_lead_to_files(path):
    for link in links(path):
        target = (path.parent / link).resolve()
        source = ROOT / "tutorials" / Path(link).with_suffix(".py").name  # notebooks are made of them
        made = target.relative_to(DOCS).as_posix().startswith(MADE) if target.is_relative_to(DOCS) else False
        assert target.exists() or (source.is_file() if "tutorials/" in link else made), f"{path.name}: {link}"


@pytest.mark.parametrize("name", FOLLOWED)
def test_a_reader_can_follow_the_page(name, tmp_path):
    if name == "start/torch":
        pytest.importorskip("torch")
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / f"{name}.md").read_text(encoding="utf-8"), re.DOTALL)
    script = tmp_path / "page.py"
    script.write_text("\n".join(blocks), encoding="utf-8")
    run(script, tmp_path)


def test_every_public_name_has_a_page(monkeypatch):
    pytest.importorskip("torch")
    pytest.importorskip("jupytext")
    pytest.importorskip("matplotlib")
    monkeypatch.syspath_prepend(str(DOCS))
    made = importlib.import_module("made")
    listed = set(re.findall(r"^   (\w+)$", made._top(), re.MULTILINE))
    assert listed == set(on._NAMES) - {"MODELS"}
    shown = {home.removeprefix("organics_neuro.").removeprefix("core.") for home in made.MODULES.values()}
    assert set(on._MODULES) - shown == {"plotting"}, (
        "give the module a page in docs/made.py; plots stand with experiments"
    )
