"""Captions of a Parquet file."""

import io
from collections.abc import Iterator
from typing import Any, Final

from mardm_batch.errors import InputError, first_line
from mardm_batch.prompts.json_lists import InvalidValueError, entries_of_row
from mardm_batch.prompts.prompt_file import Entry, PromptFile

_PANDAS_INDEX: Final = "__index_level_"
_JSON_TYPES: Final = (str, int, float, bool, type(None))


def read_parquet(file: PromptFile) -> Iterator[Entry]:
    """The captions of a Parquet file: of its caption column, or of its only column. Binary columns are set aside."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        advice = "pip install 'mardm-batch[parquet]', or save the file as .csv or .jsonl"
        raise InputError(f"{file.path}: reading .parquet needs the package pyarrow; {advice}") from None
    try:
        content = parquet.ParquetFile(io.BytesIO(file.data))
        fields = [field for field in content.schema_arrow if not field.name.startswith(_PANDAS_INDEX)]
        names = [field.name for field in fields]
        column = file.find_caption_column(names)
        if column is None:
            raise InputError(f"{file.path}: {file.no_caption_column(names)}")
        binary = [field.name for field in fields if field.name != names[column] and _is_binary(field.type)]
        file.set_aside += [f"binary column {name!r}" for name in binary]
        kept = [name for name in names if name not in binary]
        row = 0
        for batch in content.iter_batches(columns=kept, use_threads=False):
            for record in batch.to_pylist():
                row += 1
                values = {name: _json_value(record[name]) for name in kept}
                try:
                    yield from entries_of_row(values, names[column])
                except InvalidValueError as problem:
                    raise InputError(f"{file.path}: row {row}: {problem}") from None
    except (pyarrow.ArrowException, OSError, KeyError, UnicodeDecodeError) as error:
        raise InputError(f"{file.path}: not a valid Parquet file ({first_line(error)}); save it again") from None


def _is_binary(kind: Any) -> bool:
    from pyarrow import types

    tests = (types.is_binary, types.is_large_binary, types.is_fixed_size_binary)
    fields = [kind.field(index).type for index in range(kind.num_fields)]
    return any(test(kind) for test in tests) or any(map(_is_binary, fields))


def _json_value(value: Any) -> Any:
    """A value as JSON has it: dates and times in ISO form, other types as text."""
    if isinstance(value, dict):
        return {str(key): _json_value(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(each) for each in value]
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value if isinstance(value, _JSON_TYPES) else str(value)
