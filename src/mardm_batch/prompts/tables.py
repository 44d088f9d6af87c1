"""Captions of tables as text: CSV and TSV, separated by commas, semicolons or tabs."""

import csv
import io
import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from mardm_batch.prompts.captions import normalize_caption
from mardm_batch.prompts.prompt_file import CAPTION_COLUMNS, Entry, PromptFile, other_columns, quote

_DELIMITERS: Final = {".csv": ",;\t", ".tsv": "\t,;"}
"""The delimiters of each extension, the expected one first."""
_NAMES: Final = {",": "commas", ";": "semicolons", "\t": "tabs"}
_EXCEL_LINE = re.compile(r'\s*"?sep=(.)"?[,; \t]*', re.IGNORECASE)  # the first line, for Excel alone
_ROWS_LOOKED_AT: Final = 100
_COLUMN_NAME = re.compile(r"\s*[^\W\d][\w.-]*(?: [\w.-]+){0,2}\s*")
_ID = re.compile(r"\s*[\w.:/-]{1,64}\s*")

Row = tuple[int, list[str]]
"""The number of the line in which a row starts, and its cells."""


def read_csv(file: PromptFile) -> Iterator[Entry]:
    """The captions of a table: of its caption column, or of its only column."""
    delimiter, skipped = _find_delimiter(file)
    rows = _rows(file, delimiter, skipped)
    line, header = next(rows, (1, [""]))
    column = file.find_caption_column(header)
    if column is None:
        raise file.error(line, _no_header(file, header, delimiter, [row for _, row in islice(rows, _ROWS_LOOKED_AT)]))
    width = len(header)
    names = [normalize_caption(cell).casefold() for cell in header]
    if names.count(names[column]) > 1:
        raise file.error(line, f"several columns are named {quote(header[column])}; give each a name of its own")
    if width == 1 and not _is_header(header[0], file, line):
        yield Entry(header[0])
    for line, row in rows:
        while len(row) > width and not row[-1].strip():  # spreadsheets fill rows up
            row.pop()
        if len(row) != width:
            raise file.error(line, f"{len(row)} cells where the header has {width}; {_advice(delimiter)}")
        yield Entry(row[column], other_columns(header, row, column) if width > 1 else {})


def _is_header(cell: str, file: PromptFile, line: int) -> bool:
    """Whether the first cell of the only column names it; warns unless that is certain."""
    if cell.strip().casefold() in CAPTION_COLUMNS or file.column is not None:
        return True
    if re.fullmatch(r"[\w.-]+", cell.strip(), re.ASCII):
        file.warn(line, f"{quote(cell)} is read as the column's header, not as a caption")
        return True
    file.warn(line, f"one column without a header; {quote(cell)} is read as a caption")
    return False


def _no_header(file: PromptFile, header: list[str], delimiter: str, rows: list[list[str]]) -> str:
    """The problem of a table without a caption column: a header that has other names, or captions without quotes."""
    if file.column is not None or all(map(_COLUMN_NAME.fullmatch, header)):
        return file.no_caption_column(header)
    found = f"{len(header)} cells separated by {_NAMES.get(delimiter, repr(delimiter))}, and no header"
    if all(_ID.fullmatch(row[0]) for row in [header, *rows] if len(row) == len(header)):
        return f"{found}; name the columns in a first line such as {f'id{delimiter}caption'!r}"
    return f"{found}; {_advice(delimiter)}"


def _advice(delimiter: str) -> str:
    name = _NAMES[delimiter].removesuffix("s") if delimiter in _NAMES else quote(delimiter)
    return f"put each caption that has a {name} in it in double quotes, or save the file as .txt"


def _find_delimiter(file: PromptFile) -> tuple[str, int]:
    """The delimiter, and the number of lines before the table: Excel's `sep=` line, where there is one."""
    first = next((number for number, line in enumerate(file.lines) if line.strip()), 0)
    excel = _EXCEL_LINE.fullmatch(file.lines[first])
    if excel:
        return excel[1], first + 1
    candidates = _DELIMITERS.get(file.path.suffix.lower(), ",;\t")
    tables = {each: _first_rows(file, each) for each in candidates}
    for delimiter, rows in [*tables.items(), ("|", _first_rows(file, "|"))]:
        if rows and len(rows[0]) > 1 and file.find_caption_column(rows[0]) is not None:
            return delimiter, 0
    for delimiter, rows in tables.items():
        if len(rows) > 1 and {len(row) for row in rows} == {len(rows[0])} != {1}:
            named = all(map(_COLUMN_NAME.fullmatch, rows[0])) and any(" " not in cell.strip() for cell in rows[0])
            if named or all(_ID.fullmatch(row[0]) for row in rows):
                return delimiter, 0
    return candidates[0], 0


def _first_rows(file: PromptFile, delimiter: str) -> list[list[str]]:
    """The first rows by a delimiter; empty where they are not valid by it."""
    try:
        reader = csv.reader(io.StringIO(file.text, newline=""), delimiter=delimiter, strict=True)
        return [row for row in islice(reader, _ROWS_LOOKED_AT) if any(cell.strip() for cell in row)]
    except csv.Error:
        return []


def _rows(file: PromptFile, delimiter: str, skipped: int) -> Iterator[Row]:
    """Each row that is not empty. A TSV with quotation marks that are part of its text has no quoted cells."""
    text = file.text if not skipped else "\n".join(file.lines[skipped:])
    if delimiter == "\t":
        try:
            yield from list(_parse(text, delimiter, csv.QUOTE_MINIMAL, skipped))
        except csv.Error:
            yield from _parse(text, delimiter, csv.QUOTE_NONE, skipped)
        return
    try:
        yield from _parse(text, delimiter, csv.QUOTE_MINIMAL, skipped)
    except csv.Error as error:
        problem, line = error.args
        advice = "close each double quote, and double those inside a caption"
        raise file.error(line, f"not valid CSV ({problem}); {advice}") from None


def _parse(text: str, delimiter: str, quoting: int, skipped: int) -> Iterator[Row]:
    """The rows that are not empty. A csv.Error of it has the line as second argument."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting, strict=True)  # type: ignore[arg-type]
    while True:
        line = skipped + reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise csv.Error(str(error), line) from None
        if any(cell.strip() for cell in row):
            yield line, row
