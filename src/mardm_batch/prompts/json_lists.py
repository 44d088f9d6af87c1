"""Captions of JSON: a list of strings or objects, an object of id to captions, and JSON Lines."""

import json
import math
import re
from collections.abc import Iterator
from typing import Any, Final

from mardm_batch.prompts.captions import find_control_character
from mardm_batch.prompts.prompt_file import CAPTION_COLUMNS, Entry, PromptFile, quote

_EXAMPLE: Final = '{"caption": "…"}'
_WRAPPERS: Final = ("captions", "texts", "prompts", "data", "items")
_OPENING = re.compile(r"\s*[\[{]")
_SEPARATORS = re.compile(r"[\s,:]+")
_DECODER: Final = json.JSONDecoder(parse_int=str)
_INT_64 = range(-(2**63), 2**63)


class InvalidValueError(ValueError):
    """What is wrong with a value, and what to do. `token`: as it is written in the file, where that is known."""

    def __init__(self, message: str, token: str = "") -> None:
        super().__init__(message)
        self.token = token


def read_jsonl(file: PromptFile) -> Iterator[Entry]:
    """The captions of a JSON Lines file: of the caption key of the object in each line."""
    for line, source in enumerate(file.lines, 1):
        if not source.strip():
            continue
        try:
            record = _parse(source)
            if not isinstance(record, dict):
                raise InvalidValueError(f"not an object: {quote(source)}; write {_EXAMPLE}")
            yield from _entries_of_object(record, file)
        except (json.JSONDecodeError, RecursionError):
            raise file.error(line, f"not JSON: {quote(source)}; write {_EXAMPLE}") from None
        except InvalidValueError as problem:
            raise file.error(line, str(problem)) from None


def read_json(file: PromptFile) -> Iterator[Entry]:
    """The captions of a JSON file: a list of strings or objects, or an object of id to caption, captions or object."""
    try:
        document = _parse(file.text)
    except json.JSONDecodeError as error:
        advice = "save it as .jsonl" if error.msg == "Extra data" else 'write ["…", "…"]'
        raise file.error(error.lineno, f"not JSON ({error.msg}, character {error.colno}); {advice}") from None
    except RecursionError:
        raise file.error(1, 'JSON nested too deeply; write ["…", "…"]') from None
    except InvalidValueError as problem:
        line = file.text.count("\n", 0, max(file.text.rfind(problem.token), 0)) + 1
        raise file.error(line, str(problem)) from None
    if not isinstance(document, list | dict):
        raise file.error(1, f'neither a list nor an object; write ["…", "…"] or {_EXAMPLE}')
    if isinstance(document, dict) and _is_row(document, file):
        document = [document]
    ids = list(document) if isinstance(document, dict) and not _is_wrapper(document) else None
    for index, item in enumerate(document.values() if isinstance(document, dict) else document):
        try:
            for entry in _entries(item, file):
                yield (
                    entry
                    if ids is None
                    else Entry(entry.caption, {"id": plain_value(ids[index], "id"), **entry.source})
                )
        except InvalidValueError as problem:
            raise file.error(_line_of_item(file.text, index), str(problem)) from None


def _is_row(document: dict[str, Any], file: PromptFile) -> bool:
    """Whether an object is that of one caption rather than one of id to captions."""
    names = list(document)
    column = file.find_caption_column(names)
    named = column is not None and (len(names) > 1 or names[0].casefold() in CAPTION_COLUMNS)
    return named and isinstance(document[names[column or 0]], str)


def _is_wrapper(document: dict[str, Any]) -> bool:
    """Whether an object has nothing but a list of captions, under a name that is not an id."""
    return len(document) == 1 and next(iter(document)).casefold() in _WRAPPERS


def _line_of_item(text: str, index: int) -> int:
    """The line, from 1, in which an item of a valid list or object starts."""
    start = _OPENING.match(text)
    assert start is not None
    is_object, position = start[0].endswith("{"), start.end()
    values = 0
    while True:
        separators = _SEPARATORS.match(text, position)
        position = position if separators is None else separators.end()
        if values == index * (1 + is_object):
            return text.count("\n", 0, position) + 1
        position = _DECODER.raw_decode(text, position)[1]
        values += 1


def _entries(item: Any, file: PromptFile) -> Iterator[Entry]:
    if isinstance(item, str):
        check_text(item)
        yield Entry(item)
    elif isinstance(item, dict):
        yield from _entries_of_object(item, file)
    elif isinstance(item, list):
        for each in item:
            if isinstance(each, list):
                raise InvalidValueError(f"a list in a list: {quote(json.dumps(each))}; write its captions as strings")
            yield from _entries(each, file)
    else:
        raise InvalidValueError(f"not a string: {quote(json.dumps(item))}; write the caption in double quotes")


def _entries_of_object(record: dict[str, Any], file: PromptFile) -> Iterator[Entry]:
    names = list(record)
    column = file.find_caption_column(names)
    if column is None:
        raise InvalidValueError(file.no_caption_column(names, "key"))
    yield from entries_of_row(record, names[column])


def entries_of_row(record: dict[str, Any], column: str) -> Iterator[Entry]:
    """The caption or captions in a column of a row, each with the other columns.

    Raises:
        InvalidValueError: it is no string, or has characters that no caption can have.
    """
    captions = record[column]
    source = {name: plain_value(value, name) for name, value in record.items() if name != column}
    for caption in captions if isinstance(captions, list) else [captions]:
        if not isinstance(caption, str):
            shown = quote(json.dumps(record, ensure_ascii=False, default=str))
            raise InvalidValueError(f"{column!r} is not a string in {shown}; make it one")
        check_text(caption, f"{column!r} has ")
        yield Entry(caption, source)


def check_text(text: str, subject: str = "") -> None:
    """Check that a text may be a caption.

    Raises:
        InvalidValueError: it has half of a surrogate pair, or a control character but tabs and line breaks.
    """
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidValueError(f"{subject}half of a surrogate pair (\\ud800…); write both halves")
    start = find_control_character(text, line_breaks="\r\n")
    if start is not None:
        name = "NUL" if text[start] == "\0" else "the control character"
        raise InvalidValueError(f"{subject}{name} \\u{ord(text[start]):04x} in {quote(text)}; remove it")


def plain_value(value: Any, column: str) -> Any:
    """A value of another column as JSON has it: numbers that are none (NaN) are null.

    Raises:
        InvalidValueError: a number or text that other programs cannot read.
    """
    if isinstance(value, dict):
        return {plain_value(key, column): plain_value(each, column) for key, each in value.items()}
    if isinstance(value, list):
        return [plain_value(each, column) for each in value]
    if isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidValueError(f"{column!r} has half of a surrogate pair (\\ud800…); write both halves")
    if isinstance(value, int) and value not in _INT_64:
        raise _big_number(f"{column!r} has ", str(value))
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _big_number(subject: str, digits: str) -> InvalidValueError:
    size = f"{len(digits.lstrip('-')):,} digits, which does not fit into 64 bits"
    return InvalidValueError(f"{subject}a whole number of {size}; write it in double quotes, as text", digits)


def _parse(source: str) -> Any:
    """The JSON value of a text.

    Raises:
        InvalidValueError: a key occurs twice in an object, or a number has thousands of digits.
    """
    return json.loads(source, object_pairs_hook=_object, parse_int=_whole_number)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        problem = f"the key {quote(twice)} occurs twice in an object; rename one of them"
        raise InvalidValueError(problem, json.dumps(twice, ensure_ascii=False))
    return record


def _whole_number(digits: str) -> int:
    try:
        return int(digits)
    except ValueError:  # Python reads 4,300 digits
        raise _big_number("", digits) from None
