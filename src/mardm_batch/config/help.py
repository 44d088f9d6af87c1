"""The table of settings in `--help`."""

import shutil
import textwrap
from collections.abc import Sequence

from mardm_batch.config.compose import setting_rows


def help_table(name: str, overrides: Sequence[str]) -> str:
    """Every setting of a file of `conf/` with its value and what it may be, in the terminal's width."""
    rows = [(f"  {row.key}={row.value}", row) for row in setting_rows(name, overrides)]
    indent = max(len(setting) for setting, _ in rows) + 2
    width = max(80, min(130, shutil.get_terminal_size().columns)) - indent
    lines = []
    for setting, row in rows:
        first, *others = textwrap.wrap(row.help + (f" ({row.allowed})" if row.allowed else ""), width)
        lines += [f"{setting:<{indent}}{first}", *(" " * indent + other for other in others)]
    return "\n".join(lines) + "\n"
