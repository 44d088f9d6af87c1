"""Captions of prompt files with columns or keys: CSV and JSON Lines."""

import csv
import io
import json
import re
from collections.abc import Iterator

from mardm_batch.prompts.prompt_file import CAPTION_COLUMNS, PromptFile, find_caption_column, quote


def read_csv(file: PromptFile) -> Iterator[str]:
    """The captions of a CSV file: of its caption column, or of its only column."""
    column: int | None = None
    width = 0
    for line, row in _csv_rows(file):
        if column is None:
            column, width = find_caption_column(row), len(row)
            if column is None:
                columns = ", ".join(map(quote, row))
                raise file.error(line, f"no column 'caption' or 'text' among {columns}; rename the column of captions")
            cells = re.split(r"[;\t]", row[0])
            if len(cells) > 1 == width and find_caption_column(cells) is not None:
                raise file.error(line, f"no comma in the header {quote(row[0])}; separate columns with commas")
            if width > 1 or re.fullmatch(r"[\w.-]+", row[0].strip(), re.ASCII):
                if width == 1 and row[0].strip().casefold() not in CAPTION_COLUMNS:
                    file.warn(line, f"{quote(row[0])} is read as the column's header, not as a caption")
                continue
            file.warn(line, f"one column without a header; {quote(row[0])} is read as a caption")
        if len(row) != width:
            problem = f"{len(row)} cells where the header has {width}"
            raise file.error(line, f"{problem}; put a caption that has a comma in double quotes")
        yield row[column]


def _csv_rows(file: PromptFile) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not empty, with the number of the line in which it starts."""
    reader = csv.reader(io.StringIO(file.text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            advice = "close each double quote, and double those inside a caption"
            raise file.error(line, f"not valid CSV ({error}); {advice}") from None
        if any(cell.strip() for cell in row):
            yield line, row


def read_jsonl(file: PromptFile) -> Iterator[str]:
    """The captions of a JSON Lines file: of the key `caption`, else `text`, of the object in each line."""
    for line, source in enumerate(file.lines, 1):
        if not source.strip():
            continue
        try:
            record = json.loads(source)
        except (ValueError, RecursionError):
            raise file.error(line, f'not JSON: {quote(source)}; write {{"caption": "…"}}') from None
        if not isinstance(record, dict):
            raise file.error(line, f'not an object: {quote(source)}; write {{"caption": "…"}}')
        key = next((key for key in CAPTION_COLUMNS if key in record), None)
        if key is None:
            keys = ", ".join(map(quote, record)) or "none"
            raise file.error(line, f"no key 'caption' or 'text' among {keys}; add one with the caption")
        caption = record[key]
        if not isinstance(caption, str):
            raise file.error(line, f"{key!r} is not a string in {quote(source)}; make it one")
        if any("\ud800" <= character <= "\udfff" for character in caption):
            raise file.error(line, f"{key!r} has half of a surrogate pair (\\ud800…); write both halves")
        yield caption
