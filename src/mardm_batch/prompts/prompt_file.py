"""A prompt file for its reader: text, caption column, errors and warnings."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from mardm_batch.errors import InputError

CAPTION_COLUMNS: Final = ("caption", "text")
"""Names of a column or key that holds captions, the preferred one first."""
_MAX_QUOTED: Final = 60  # characters


@dataclass
class PromptFile:
    """A prompt file's text, with \\n as line end, and the warnings that its reader has about it."""

    path: Path
    text: str
    warnings: list[str] = field(default_factory=list)

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the text. Not `splitlines()`: a caption may contain other Unicode line separators."""
        return self.text.split("\n")

    def error(self, line: int, message: str) -> InputError:
        """An error about a line, counted from 1; for the reader to raise."""
        return InputError(f"{self.path}:{line}: {message}")

    def warn(self, line: int, message: str) -> None:
        """Add a warning about a line, counted from 1."""
        self.warnings.append(f"{self.path}:{line}: {message}")


def find_caption_column(header: Sequence[str]) -> int | None:
    """The index of the column of captions: `caption`, else `text`, else the only column, else None."""
    names = [cell.strip().casefold() for cell in header]
    for name in CAPTION_COLUMNS:
        if name in names:
            return names.index(name)
    return 0 if len(names) == 1 else None


def quote(value: str) -> str:
    """A value in quotes for a message, cut where it is long."""
    return repr(value if len(value) <= _MAX_QUOTED else value[:_MAX_QUOTED] + "…")
