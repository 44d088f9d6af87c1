"""Read the captions of a prompt file, by the reader of its extension.

A reader raises an error that names the line wherever a caption would otherwise be lost or cut without notice.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from mardm_batch.errors import InputError
from mardm_batch.prompts.captions import normalize_caption
from mardm_batch.prompts.forms import set_aside_forms
from mardm_batch.prompts.json_lists import read_json, read_jsonl
from mardm_batch.prompts.parquet import read_parquet
from mardm_batch.prompts.plain_text import read_lines
from mardm_batch.prompts.prompt_file import Entry, PromptFile
from mardm_batch.prompts.tables import read_csv
from mardm_batch.system.files import MAX_LIST_BYTES, UnusableFileError, read_regular

Reader = Callable[[PromptFile], Iterator[Entry]]
"""The entries of a prompt file, in its order; `read_entries` normalizes their captions and drops empty ones."""


def read_markdown(file: PromptFile) -> Iterator[Entry]:
    """See `markdown.read_markdown`: its parser takes a while to load, and most runs have a list that was parsed before
    or is of another kind."""
    from mardm_batch.prompts import markdown

    return markdown.read_markdown(file)


READERS: Final[dict[str, Reader]] = {
    ".md": read_markdown,
    ".txt": read_lines,
    ".csv": read_csv,
    ".tsv": read_csv,
    ".jsonl": read_jsonl,
    ".json": read_json,
    ".parquet": read_parquet,
}
"""The reader of each file extension, in lower case. A further format is one reader and its entry here."""


def read_entries(path: Path, column: str | None = None, reads_lengths: bool = False) -> tuple[list[Entry], list[str]]:
    """The entries of a file in its order, each caption one line, and one-line warnings about the file.

    Args:
        reads_lengths: of clips, beside captions; else they are set aside.

    Raises:
        InputError: one line with file and line number.
    """
    file = PromptFile(path, _read_bytes(path), column, reads_lengths)
    entries = []
    for entry in READERS[path.suffix.lower()](file):
        caption = normalize_caption(entry.caption)
        if caption:
            entries.append(entry if caption is entry.caption else Entry(caption, entry.source))
    if not entries:
        no_caption = f"{path}: no caption found; write one caption a line"
        raise InputError(file.warnings[0] if file.warnings else no_caption)
    entries = set_aside_forms(entries, file)
    if file.set_aside:
        file.warnings.append(f"{path}: set aside, not part of captions: {'; '.join(file.set_aside)}")
    return entries, file.warnings


def _read_bytes(path: Path) -> bytes:
    """The content of a file of a known extension."""
    extensions = ", ".join(READERS)
    try:
        data = read_regular(path, MAX_LIST_BYTES)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; set paths.prompts to a prompt file") from None
    except UnusableFileError as error:
        raise InputError(f"{path}: {error.strerror}; name a prompt file ({extensions})") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check path and permissions") from None
    except ValueError as error:  # a NUL in the path
        raise InputError(f"{path}: cannot be read ({error}); check the path") from None
    if path.suffix.lower() not in READERS:
        problem = f"unknown extension {path.suffix!r}" if path.suffix else "has no extension"
        raise InputError(f"{path}: {problem}; prompt files are {extensions}")
    return data
