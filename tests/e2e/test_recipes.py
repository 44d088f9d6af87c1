"""The recipes of docs/architecture.md are followed to the letter, in a copy of the sources, and do what they say."""

import re
import shutil
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.documents import FENCE, RECIPES, ROOT, Block, run_words, small, write_programs

STEP = re.compile(r"(Write|Append to|In)\s+`([^`]+)`(?:,\s+below\s+`([^`]+)`)?:\n\n$")
"""What comes before a block that is to be written: the file, and in one that is there the line to write it below."""


def recipes() -> dict[str, str]:
    """Each by its heading."""
    titles = re.findall(r"^### (.+)$", RECIPES, re.MULTILINE)
    return dict(zip(titles, re.split(r"^### .+$", RECIPES, flags=re.MULTILINE)[1:], strict=True))


def steps(recipe: str) -> Iterator[tuple[str, Block]]:
    """The blocks of a recipe, each with the text before it."""
    before = 0
    for match in FENCE.finditer(recipe):
        yield recipe[before : match.start()], Block("", *match.groups(default=""))
        before = match.end()


def write(folder: Path, words: str, file: str, line: str, text: str) -> None:
    """Write a new file, or into one that is there, indented as the line below which it is to be."""
    path = folder / file
    assert path.exists() == (words != "Write"), file
    if words == "Write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return
    before = path.read_text(encoding="utf-8")
    if words == "Append to":
        path.write_text(f"{before}\n\n{text}", encoding="utf-8")
        return
    (found,) = [each for each in before.splitlines() if each.strip() == line]
    indent = " " * (len(found) - len(found.lstrip()) + 4 * line.endswith(("{", "(", "[", ":")))
    path.write_text(before.replace(f"{found}\n", f"{found}\n{textwrap.indent(text, indent)}", 1), encoding="utf-8")


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A copy of what a checkout has."""
    for name in ("src", "conf"):
        shutil.copytree(ROOT / name, tmp_path / name)
    write_programs(tmp_path / "bin")
    (tmp_path / "captions.md").write_text("- A person waving\n- A person sitting\n")
    return tmp_path


@pytest.mark.parametrize("title", recipes())
def test_a_recipe_does_what_it_says(title: str, sources: Path, fluent_weights: Path) -> None:
    commands = 0
    for before, block in steps(recipes()[title]):
        if block.language == "bash":
            for command in block.commands:
                words = ["bash", "-c", small(command, fluent_weights)]
                run_words(words, sources, sources / "bin", PYTHONPATH=str(sources / "src"))
                commands += 1
            continue
        step = STEP.search(before)
        assert step is not None, block.text
        words, file, line = step.groups(default="")
        write(sources, words, file, re.sub(r"\s+", " ", line), block.text)
    assert commands


def test_there_is_a_recipe_for_everything_that_can_be_added() -> None:
    assert [title.removeprefix("A ").removeprefix("An ") for title in recipes()] == [
        "preset",
        "look",
        "prompt format",
        "model",
        "output format",
        "renderer",
        "engine",
        "tracker",
    ]
