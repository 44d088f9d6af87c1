"""The table of settings in `--help`."""

import textwrap
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from mardm_batch.config.compose import setting_rows
from mardm_batch.system.help_text import help_width

WIDEST_COLUMN: Final = 34
"""Columns of the terminal for a setting with its value; longer ones have a line of their own."""


def help_table(name: str, overrides: Sequence[str], flags: Namespace | None = None) -> str:
    """Every setting of a file of `conf/` with its value and what it may be, in the terminal's width."""
    rows = setting_rows(name, overrides, flags)
    return two_columns(
        {f"{row.key}={row.value}": row.help + (f" ({row.allowed})" if row.allowed else "") for row in rows}
    )


def two_columns(rows: Mapping[str, str]) -> str:
    """Names with their descriptions in the terminal's width, of at least 80 columns."""
    return "\n".join(wrapped_rows(rows)) + "\n"


def wrapped_rows(rows: Mapping[str, str]) -> Iterator[str]:
    """Lines of two columns; a long name has a line of its own."""
    indent = min(max(map(len, rows)) + 4, WIDEST_COLUMN)
    width = help_width() - indent
    for left, right in rows.items():
        first, *others = textwrap.wrap(right, width) or [""]
        if len(left) + 4 > indent:
            yield f"  {left}"
            yield " " * indent + first
        else:
            yield f"  {left}".ljust(indent) + first
        yield from (" " * indent + other for other in others)
