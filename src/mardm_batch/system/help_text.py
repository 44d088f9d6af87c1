"""Help texts of the commands in the width of the terminal: examples in two columns, paragraphs wrapped."""

import argparse
import re
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

LEAST_FOR_DESCRIPTIONS: Final = 30
"""Columns; with fewer beside the longest command each description goes below its command."""
DEEPEST_EXAMPLE: Final = 4
"""Spaces before an example at most; a line with more continues the description above it."""


class HelpFormatter(argparse.HelpFormatter):
    """argparse's, with examples and paragraphs as `wrap_help` has them."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return wrap_help(text, width)


def help_width() -> int:
    """The width of a help text: the terminal's, but at least 80 columns, and few enough to be read with ease."""
    return max(80, min(130, shutil.get_terminal_size().columns))


def wrap_help(text: str, width: int) -> str:
    """Wrap a text of paragraphs and of examples; an example begins with two spaces: command, spaces, description."""
    parts: list[str] = []
    for kind, lines in groupby(text.rstrip("\n").split("\n"), kind_of_line):
        if kind == "example":
            parts += wrapped_examples(read_examples(list(lines)), width)
        elif kind == "paragraph":
            parts += textwrap.wrap(" ".join(lines), width, break_on_hyphens=False)
        else:
            parts += [""] * len(list(lines))
    return "\n".join(parts)


def kind_of_line(line: str) -> str:
    if not line.strip():
        return "empty"
    return "example" if line.startswith("  ") else "paragraph"


def read_examples(lines: Sequence[str]) -> list[tuple[str, str]]:
    """Commands with their descriptions."""
    examples: list[tuple[str, str]] = []
    for line in lines:
        if len(line) - len(line.lstrip()) > DEEPEST_EXAMPLE and examples:
            command, description = examples.pop()
            examples.append((command, f"{description} {line.strip()}".strip()))
        else:
            command, *descriptions = re.split(r" {2,}", line.strip(), maxsplit=1)
            examples.append((command, "".join(descriptions)))
    return examples


def wrapped_examples(examples: Sequence[tuple[str, str]], width: int) -> Iterator[str]:
    """Lines: two columns where there is room, else each description below its command."""
    column = max(len(command) for command, _ in examples) + 6
    below = width - column < min(LEAST_FOR_DESCRIPTIONS, max(len(description) for _, description in examples))
    for command, description in examples:
        indent = 6 if below else column
        first, *others = textwrap.wrap(description, width - indent, break_on_hyphens=False) or [""]
        if below:
            pieces = textwrap.wrap(command, width - 4, break_on_hyphens=False, break_long_words=False)
            yield "  " + " \\\n    ".join(pieces)
            others = [first, *others] if first else others
        else:
            yield f"  {command}".ljust(column) + first if first else f"  {command}"
        yield from (" " * indent + other for other in others)
