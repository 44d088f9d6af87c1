"""Read the captions of a prompt file, by the reader of its extension.

A reader raises an error that names the line wherever a caption would otherwise be lost or cut without notice.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from mardm_batch.errors import InputError
from mardm_batch.prompts.markdown import read_markdown
from mardm_batch.prompts.prompt_file import PromptFile
from mardm_batch.prompts.tables import read_csv, read_jsonl
from mardm_batch.system.files import MAX_LIST_BYTES, UnusableFileError, read_regular

Reader = Callable[[PromptFile], Iterator[str]]
"""The captions of a prompt file, in its order; `read_captions` strips them and drops empty ones."""


def read_lines(file: PromptFile) -> Iterator[str]:
    """Every line is a caption."""
    yield from file.lines


READERS: Final[dict[str, Reader]] = {
    ".md": read_markdown,
    ".txt": read_lines,
    ".csv": read_csv,
    ".jsonl": read_jsonl,
}
"""The reader of each file extension, in lower case. A further format is one reader and its entry here."""


def read_captions(path: Path) -> tuple[list[str], list[str]]:
    """The captions of a file in its order, each one line, and one-line warnings about the file.

    Raises:
        InputError: one line with file and line number.
    """
    file = PromptFile(path, _read_text(path))
    captions = [caption for text in READERS[path.suffix.lower()](file) if (caption := _to_one_line(text))]
    if not captions:
        no_caption = f"{path}: no caption found; write one caption a line"
        raise InputError(file.warnings[0] if file.warnings else no_caption)
    return captions, file.warnings


def _read_text(path: Path) -> str:
    """The text of a file in UTF-8, without a byte-order mark and with \\n as line end."""
    extensions = ", ".join(READERS)
    try:
        data = read_regular(path, MAX_LIST_BYTES)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; set paths.prompts to a prompt file") from None
    except UnusableFileError as error:
        raise InputError(f"{path}: {error.strerror}; name a prompt file ({extensions})") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check path and permissions") from None
    if path.suffix.lower() not in READERS:
        problem = f"unknown extension {path.suffix!r}" if path.suffix else "has no extension"
        raise InputError(f"{path}: {problem}; prompt files are {extensions}")
    data = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = error.start - data.rfind(b"\n", 0, error.start)
        problem = f"byte {byte} of this line (0x{data[error.start]:02x}) is not UTF-8"
        raise InputError(f"{path}:{line}: {problem}; save the file as UTF-8") from None
    if not text.strip():
        raise InputError(f"{path}: the file is empty; write one caption a line")
    return text


def _to_one_line(text: str) -> str:
    """The text without surrounding space, its lines joined by spaces."""
    return re.sub(r"\s*\n\s*", " ", text.replace("\r", "\n").strip())
