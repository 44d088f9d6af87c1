"""Compare runs: settings that differ, speed, quality, and pictures of the same captions.

python -m mardm_batch.compare RUN_DIR… [--page FILE.html]

Reads the file `summary.json` of Hydra's run folders, so it needs no account and no network. The shards of a sweep are
one run. The same tables go to the terminal and, with pictures, to the page.
"""

import argparse
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from mardm_batch.compare.fidelity import add_fidelity
from mardm_batch.compare.page import write_page
from mardm_batch.compare.runs import find_runs
from mardm_batch.compare.tables import Cell, Comparison, compare
from mardm_batch.system.commands import command_parser, report_user_errors, run_main
from mardm_batch.system.files import writable_file
from mardm_batch.system.terminal import Output, printable, replace_unencodable_output

LABEL_WIDTH = 22
RUN_WIDTHS = (16, 32)
SEPARATOR = 3
"""Widths in characters: of the labels, of a run's column (least, most), between columns."""

USAGE = """\
examples:
  python -m mardm_batch.compare outputs/2026-05-01           the runs of a day
  python -m mardm_batch.compare multirun/2026-05-01/10-30-00-123456
                                                             a sweep; its shards are one run
  python -m mardm_batch.compare outputs multirun --page all.html
                                                             every run so far

Prints a table and writes one HTML page that needs no other file; works offline. ★ marks the best run where a metric
has a better direction, such as more poses per second, unless more than two thirds of the runs share the best value. An
incomplete run is marked and never the best. Exit codes: 0; 2 if a folder has no run.
"""


def terminal_tables(comparison: Comparison, width: int) -> Iterator[Table]:
    """Tables of every run, each at most `width` characters wide."""
    narrowest, widest = RUN_WIDTHS
    room = max(width - LABEL_WIDTH, narrowest + SEPARATOR)
    at_once = min(len(comparison.runs), room // (narrowest + SEPARATOR))
    run_width = min(widest, room // at_once - SEPARATOR)
    for start in range(0, len(comparison.runs), at_once):
        runs = slice(start, start + at_once)
        table = Table(show_edge=False, pad_edge=False)
        table.add_column("", width=LABEL_WIDTH, overflow="fold")
        for run, name, folder in zip(
            comparison.runs[runs], comparison.names[runs], comparison.folders[runs], strict=True
        ):
            words = Text(f"{name}\n").append("" if folder in name else folder, style="not bold cyan")
            if run.incomplete:
                words.append("\nincomplete", style="yellow")
            table.add_column(words, justify="right", width=run_width, overflow="fold")
        for section in comparison.sections:
            table.add_row(Text(section.title, style="bold"))
            for row in section.rows:
                table.add_row(Text(broken(row.label, LABEL_WIDTH)), *map(terminal_cell, row.cells[runs]))
            table.add_section()
        yield table


def broken(label: str, width: int) -> str:
    """A label in lines of at most `width` characters, which end with a word or with a part of a dotted key."""
    lines = [""]
    for part in re.findall(r"[^\s._]*[\s._]?", label):
        if len(lines[-1]) + len(part.rstrip()) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(line.rstrip() for line in lines)


def terminal_cell(cell: Cell) -> Text:
    style = "bold green" if cell.best else "yellow" if cell.warning else ""
    text = Text(f"★ {cell.text}" if cell.best else cell.text, style)
    return text.append(f"  {cell.detail}", style="dim") if cell.detail else text


def build_parser() -> argparse.ArgumentParser:
    parser = command_parser("compare", __doc__, USAGE)
    parser.add_argument(
        "run_dirs",
        type=Path,
        nargs="+",
        metavar="RUN_DIR",
        help="folder of a run (with summary.json), of a sweep, or one above them",
    )
    parser.add_argument(
        "--page",
        type=writable_file,
        default="comparison.html",
        metavar="FILE",
        help="the page (default: %(default)s)",
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables and write the page. Bad input ends the process with one line and exit code 2."""
    options = build_parser().parse_args(arguments)
    with report_user_errors():
        runs, skipped = find_runs(options.run_dirs)
        comparison = add_fidelity(compare(runs))
        captions = write_page(comparison, options.page)
    replace_unencodable_output()
    console = Output(highlight=False, markup=False, emoji=False)
    for table in terminal_tables(comparison, console.width):
        console.print(table, end="\n\n")
    for reason in skipped:
        console.print(printable(f"skipped: {reason}"), soft_wrap=True)
    console.print(f"{options.page}: runs: {len(runs)}, captions with pictures: {captions}", soft_wrap=True)
    return 0


if __name__ == "__main__":
    run_main(main)
