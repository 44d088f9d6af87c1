"""A prompt file for its reader: text, caption column, errors and warnings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple

from mardm_batch.errors import InputError
from mardm_batch.prompts.captions import drop_marks_at_line_starts, find_control_character, normalize_caption

CAPTION_COLUMNS: Final = ("caption", "text", "prompt")
"""Names of a column or key that holds captions, the preferred one first."""
_MAX_QUOTED: Final = 60  # characters
_UTF_16_SHARE: Final = 0.3  # of the bytes in even or in odd places: so many are NUL in UTF-16, none in UTF-8
_UTF_32_SHARE: Final = 0.6  # of all bytes
_MARKS: Final = {b"\xff\xfe\0\0": "UTF-32", b"\0\0\xfe\xff": "UTF-32", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_NO_COLUMNS: Final[Mapping[str, Any]] = {}


class Entry(NamedTuple):
    """A caption of a prompt file and the other columns of its row, plain JSON values.

    `frames`: the length of its clip, where the file says it and lengths are read.
    """

    caption: str
    source: Mapping[str, Any] = _NO_COLUMNS
    frames: int | None = None


@dataclass
class PromptFile:
    """A prompt file's content, and what its reader sets aside or warns about."""

    path: Path
    data: bytes
    column: str | None = None
    """The column of captions; None: `caption`, `text`, `prompt` or the only one."""
    reads_lengths: bool = False
    """Whether lengths of clips beside captions are read; else they are set aside."""
    warnings: list[str] = field(default_factory=list)
    set_aside: list[str] = field(default_factory=list)
    """What is not part of captions, and how often."""

    @cached_property
    def text(self) -> str:
        r"""The text, with \n as line end and without byte-order marks before lines.

        Raises:
            InputError: it is empty, not UTF-8, or has control characters.
        """
        data = self.data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        encoding = guess_encoding(self.data)
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            byte = error.start - data.rfind(b"\n", 0, error.start)
            problem = f"byte {byte} of this line (0x{data[error.start]:02x}) is not UTF-8"
            guess = f" (it looks like {encoding})" if encoding else ""
            raise self.error(line, f"{problem}{guess}; save the file as UTF-8") from None
        start = find_control_character(text)
        if start is not None:
            line = text.count("\n", 0, start) + 1
            if encoding:
                raise self.error(line, f"the file looks like {encoding}; save it as UTF-8")
            raise self.error(line, control_character_problem(text[start], start - text.rfind("\n", 0, start)))
        text = drop_marks_at_line_starts(text)
        if not text.strip():
            raise InputError(f"{self.path}: the file is empty; write one caption a line")
        return text

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the text. Not `splitlines()`: a caption may contain other Unicode line separators."""
        return self.text.split("\n")

    def find_caption_column(self, header: Sequence[str]) -> int | None:
        """The index of the column of captions: of `column`, else of `CAPTION_COLUMNS`, else the only one, else None."""
        names = [normalize_caption(cell).casefold() for cell in header]
        for name in CAPTION_COLUMNS if self.column is None else (normalize_caption(self.column).casefold(),):
            if name in names:
                return names.index(name)
        return 0 if len(names) == 1 and self.column is None else None

    def no_caption_column(self, names: Sequence[str], kind: str = "column") -> str:
        """The problem that none of the columns is that of captions, for an error or a warning."""
        among = ", ".join(map(quote, names)) or "none"
        if self.column is not None:
            return f"no {kind} {quote(self.column)} among {among}; set prompts.column to that of the captions"
        first, *others = map(repr, CAPTION_COLUMNS)
        wanted = f"{first}, {others[0]} or {others[1]}"
        return f"no {kind} {wanted} among {among}; name that of the captions with prompts.column=NAME"

    def error(self, line: int, message: str) -> InputError:
        """An error about a line, counted from 1; for the reader to raise."""
        return InputError(f"{self.path}:{line}: {message}")

    def warn(self, line: int, message: str) -> None:
        """Add a warning about a line, counted from 1."""
        self.warnings.append(f"{self.path}:{line}: {message}")


def other_columns(names: Sequence[str], cells: Sequence[str], column: int) -> dict[str, str]:
    """The cells of a row but that of the caption by the names of their columns; without a name by their places."""
    return {
        normalize_caption(name) or f"column_{index + 1}": cell.strip()
        for index, (name, cell) in enumerate(zip(names, cells, strict=False))
        if index != column and (name.strip() or cell.strip())
    }


def guess_encoding(data: bytes) -> str | None:
    """UTF-16 or UTF-32 where the bytes begin with its mark or have its NULs; None: neither."""
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            return encoding
    if data.count(0) > _UTF_32_SHARE * len(data):
        return "UTF-32"
    halves = (data[0::2], data[1::2]) if b"\0" in data else ()
    return "UTF-16" if any(half.count(0) > _UTF_16_SHARE * len(half) for half in halves) else None


def control_character_problem(character: str, column: int) -> str:
    """What is wrong with a character, and what to do. `column`: counted from 1."""
    name = "NUL" if character == "\0" else "control character"
    return f"{name} (U+{ord(character):04X}) as character {column} of this line; remove it"


def quote(value: str) -> str:
    """A value in quotes for a message, cut where it is long."""
    return repr(value if len(value) <= _MAX_QUOTED else value[:_MAX_QUOTED] + "…")
