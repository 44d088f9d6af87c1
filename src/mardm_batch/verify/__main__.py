"""Audit an output folder: is every requested pose present, complete and undamaged?

python -m mardm_batch.verify OUTPUT_DIR [--prompts FILE] [--repair] [--prune] [--no-pictures] [--sample N] [--json]

Only --repair and --prune change files.
"""

import argparse
import json
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from rich.progress import track

from mardm_batch.dataset.layout import LAYOUT_RECORD, METADATA
from mardm_batch.sampling.vocabulary import advice_about_unreadable
from mardm_batch.system.commands import command_parser, report_user_errors, run_main
from mardm_batch.system.terminal import CONSOLE, Output, counted, print_output, printable, replace_unencodable_output
from mardm_batch.verify.findings import NOTES, PRUNED, Finding, Kind, Report
from mardm_batch.verify.inspection import Inspection
from mardm_batch.verify.verification import verify

EXAMPLES_SHOWN: Final = 10
WITHOUT_FILES: Final = (Kind.MISSING_POSE, Kind.FAILED)
"""Problems of poses of which there is no file that a repair could set aside."""
RESTORED: Final = {
    Kind.METADATA: f"--repair rebuilds {METADATA} from the poses",
    Kind.LAYOUT: f"--repair restores {LAYOUT_RECORD} by where the poses lie",
}
"""Problems of files that a repair writes anew."""

USAGE = """\
  python -m mardm_batch.verify SinglePose                          check the poses that the newest run was to generate
  python -m mardm_batch.verify SinglePose --prompts captions.md    check the poses of these captions
  python -m mardm_batch.verify SinglePose --repair                 set aside damaged files; the next run replaces them
  python -m mardm_batch.verify SinglePose --prompts captions.md --prune    set aside poses of other captions

Exit codes: 0 no problems (there may be notes); 1 problems were found, also where --repair has mended them; 2 bad
arguments, or a run is active in a folder that is to be repaired.
"""


def show(report: Report, repair: bool, prune: bool, prompts: Path | None) -> None:
    """The report for people: counts first, then at most ten examples of each kind of finding.

    Args:
        repair, prune, prompts: the arguments of the command.
    """
    console = Output(markup=False, emoji=False, highlight=False, soft_wrap=True)
    counts = [(name, n) for name, n in vars(report.counts).items() if n is not None and name != "unknown_words"]
    console.print(f"poses: {', '.join(f'{n:,} {name}' for name, n in counts)}", style="bold")
    console.print(printable(f"requested captions: {report.source}"))
    if report.counts.unknown_words:
        console.print(f"captions with words that the model does not know: {report.counts.unknown_words:,}")
    if (agreement := report.agreement) is not None:
        measured = f"agreement with the captions, measured on {counted(agreement.poses, 'pose')}"
        low = f"{100 * agreement.below_half:.1f} % below 0.5"
        console.print(f"{measured}: mean {agreement.mean:.3f}, {low}")
    by_kind: dict[str, list[Finding]] = {}
    for each in (*report.problems, *report.notes):
        by_kind.setdefault(each.kind, []).append(each)
    for kind, findings in by_kind.items():
        is_note = kind in NOTES
        console.print(f"{'note: ' * is_note}{kind}: {len(findings):,}", style="bold" if is_note else "bold red")
        for each in findings[:EXAMPLES_SHOWN]:
            console.print(printable(f"  {each.where}" + (f": {each.detail}" if each.detail else "")))
        if len(findings) > EXAMPLES_SHOWN:
            console.print(f"  and {len(findings) - EXAMPLES_SHOWN:,} more")
    if report.disk:
        console.print("disk use", style="bold")
    for file_type, (files, size) in report.disk.items():
        console.print(printable(f"  {file_type:<10} {counted(files, 'file'):>13} {amount(size):>13}"))
    if not report.problems:
        console.print("no problems", style="bold green")
    for advice in ways_to_mend(report, repair, prompts):
        console.print(advice, style="bold")
    if by_kind.keys() & PRUNED and not prune:
        console.print("--prune sets aside what was not requested; nothing is deleted", style="bold")
    if report.repair is not None:
        folder = f", in {report.repair.folder}" if report.repair.folder else ""
        console.print(printable(f"set aside: {counted(report.repair.moved, 'file')}{folder}"))
        if Kind.METADATA in by_kind:
            console.print(f"rebuilt: {METADATA}")
        console.print(f"poses that the next run generates: {report.repair.to_generate:,}", style="bold")


def amount(size: int) -> str:
    """A number of bytes, for people."""
    return f"{size / 1e3:,.1f} kB" if size < 1e6 else f"{size / 1e6:,.1f} MB"


def ways_to_mend(report: Report, repair: bool, prompts: Path | None) -> Iterator[str]:
    """What can be done about the problems.

    Args:
        repair: files have been set aside.
        prompts: the list of the captions; None for that of the newest run, with its limit.
    """
    missing = {each.where for each in report.problems if each.kind in WITHOUT_FILES} - report.unreadable
    kinds = {each.kind for each in report.problems}
    if not repair and not kinds <= {*WITHOUT_FILES, *RESTORED}:
        yield "--repair sets aside damaged and stray files; the next run generates their poses"
    yield from (words for kind, words in RESTORED.items() if kind in kinds and not repair)
    if not repair and missing:
        poses = "missing pose" if len(missing) == 1 else f"{len(missing):,} missing poses"
        words = "" if prompts is None else f" with {shlex.quote(f'paths.prompts={prompts}')} and without limit"
        yield printable(f"the command that made these poses, run again{words}, makes the {poses}")
    if report.unreadable:
        yield advice_about_unreadable(len(report.unreadable))


def progress_bar(inspections: Iterable[Inspection], total: int) -> Iterable[Inspection]:
    disabled = not CONSOLE.is_terminal
    return track(inspections, "poses", total, console=CONSOLE, transient=True, disable=disabled)


def poses_to_read(text: str) -> int:
    """An argparse type: a whole number from 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not allowed; use 1 or more")
    return number


def main(arguments: Sequence[str] | None = None) -> int:
    parser = command_parser("verify", __doc__, USAGE)
    parser.add_argument("output_dir", type=Path, help="folder that a run wrote its poses to")
    parser.add_argument(
        "--prompts", type=Path, metavar="FILE", help="the requested captions (default: those of the newest run)"
    )
    parser.add_argument(
        "--repair", action="store_true", help="move damaged and stray files out of the way; nothing is deleted"
    )
    parser.add_argument(
        "--prune",
        action="store_true",
        help="move finished poses and pictures that were not requested out of the way too",
    )
    parser.add_argument("--no-pictures", action="store_true", help="do not decode the pictures: much faster")
    parser.add_argument(
        "--sample",
        type=poses_to_read,
        metavar="N",
        help="read the files of N poses, drawn at random; of the others they need only exist",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object with all findings")
    options = parser.parse_args(arguments)
    replace_unencodable_output()
    with report_user_errors():
        report = verify(
            options.output_dir,
            options.prompts,
            options.repair,
            options.prune,
            not options.no_pictures,
            progress_bar,
            options.sample,
        )
    if options.json:
        print_output(json.dumps(report.to_json(), indent=1))
    else:
        show(report, options.repair, options.prune, options.prompts)
    return report.exit_code


if __name__ == "__main__":
    run_main(main)
