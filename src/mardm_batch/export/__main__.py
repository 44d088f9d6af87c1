"""Export finished poses into the formats of other programs: Blender, SMPL, pose estimation, data sets.

python -m mardm_batch.export OUTPUT_DIR --to FORMAT [--output DIR] [--select CONDITION …] [--clips]
"""

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from rich.progress import track

from mardm_batch.export.exporting import export_poses
from mardm_batch.export.formats.format import ExportOptions
from mardm_batch.export.formats.registry import FORMATS, format_for
from mardm_batch.export.formats.video import CONTAINERS
from mardm_batch.export.poses import ExportPose
from mardm_batch.export.selection import parse_condition
from mardm_batch.system.commands import command_parser, report_user_errors, run_main
from mardm_batch.system.processes import available_cores
from mardm_batch.system.signals import Interrupted, raise_on_signals
from mardm_batch.system.terminal import CONSOLE, counted, print_output, printable, replace_unencodable_output

USAGE = """\
Formats (--to FORMAT)
{formats}

Examples
  python -m mardm_batch.export SinglePose --to bvh    every finished pose, into SinglePose_bvh
  python -m mardm_batch.export SinglePose --to glb --select "caption~arms raised"    those whose captions say so
  python -m mardm_batch.export SinglePose --to parquet --select "agreement>=0.8" --select review=accept    both
  python -m mardm_batch.export SinglePose --to coco --views 0 45 90 180    2D keypoints from four cameras
  python -m mardm_batch.export SinglePose --to bvh --clips    whole motions, kept with output.clip=true
  python -m mardm_batch.export SinglePose --to video --container mp4    the same drawn

A condition is KEY=VALUE, KEY!=VALUE (with * and ? for any text), KEY~WORDS, or KEY>=NUMBER (also <=, >, <); KEY is
caption, name, agreement, review (accept, reject, unsure, none), model, seed or a column of the prompt file. Quote what
the shell would read, such as > and spaces.

Files that are up to date are not written again: run the same command after an interruption, or when poses were added.
DIR holds this export alone: export.json describes it, export.jsonl says which file belongs to which pose.

Exit codes: 0 done; 2 bad arguments or input, nothing to export; 130/143 interrupted.
"""


def build_parser() -> argparse.ArgumentParser:
    formats = "\n".join(f"  {name}    {each.SUMMARY}" for name, each in FORMATS.items())
    parser = command_parser("export", __doc__, USAGE.format(formats=formats))
    parser.add_argument("output_dir", type=Path, help="folder that a run wrote its poses to")
    parser.add_argument("--to", required=True, choices=list(FORMATS), metavar="FORMAT", help="see below")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where the files go (default: OUTPUT_DIR_FORMAT)")
    parser.add_argument(
        "--select",
        action="append",
        default=[],
        metavar="CONDITION",
        help="only poses that meet it; several: all of them",
    )
    parser.add_argument(
        "--clips", action="store_true", help="whole clips, which runs with output.clip=true keep, not single poses"
    )
    parser.add_argument(
        "--views",
        nargs="+",
        type=int,
        metavar="DEGREES",
        help="cameras around the person: 0 in front, 90 at the left hand (default: 0; for formats in 2D)",
    )
    parser.add_argument(
        "--container", choices=CONTAINERS, help="kind of video: gif needs nothing, mp4 the extra video (default: gif)"
    )
    parser.add_argument(
        "--processes", type=positive, metavar="N", help="processes that write (default: one for each core)"
    )
    return parser


def positive(text: str) -> int:
    """An argparse type: a whole number from 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not allowed; use 1 or more")
    return number


def progress_bar(poses: Iterable[ExportPose], total: int) -> Iterable[ExportPose]:
    return track(poses, "poses", total, console=CONSOLE, transient=True, disable=not CONSOLE.is_terminal)


def main(arguments: Sequence[str] | None = None) -> int:
    options = build_parser().parse_args(arguments)
    replace_unencodable_output()
    with report_user_errors():
        try:
            with raise_on_signals():
                return export(options)
        except Interrupted as interruption:
            print("interrupted: the same command exports the rest", file=sys.stderr)
            return interruption.exit_code


def export(options: argparse.Namespace) -> int:
    """Export as the arguments say, and print what was done."""
    conditions = [parse_condition(text) for text in options.select]
    format = format_for(
        options.to, ExportOptions(options.clips, options.views and tuple(options.views), options.container)
    )
    output: Path = options.output_dir
    whole = Path(os.path.realpath(output))
    folder: Path = options.output or whole.with_name(f"{whole.name}_{options.to}")
    processes = options.processes or available_cores()
    result = export_poses(output, format, folder, conditions, processes, progress_bar)
    before = result.poses - result.written
    up_to_date = f", {before:,} of them up to date already" if before else ""
    exported = f"{counted(result.poses, 'pose')} in {counted(result.files, 'file')}"
    with suppress(OSError, ValueError):  # shorter, where it is in the working folder
        folder = folder.relative_to(Path.cwd())
    print_output(printable(f"{folder}: {exported}{up_to_date}"))
    if (error := result.joint_error_mm) is not None:
        print_output(
            f"joints are {error['mean']:.1f} mm from where they were on average, {error['max']:.1f} mm at most"
        )
    return 0


if __name__ == "__main__":
    run_main(main)
