"""Move the poses of an output folder into another layout; none is made again.

python -m mardm_batch.relayout OUTPUT_DIR --to flat|nested|shards
"""

import os
import sys
from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from rich.progress import track

from mardm_batch.dataset import obstacles
from mardm_batch.dataset.formats.json_file import JSON
from mardm_batch.dataset.formats.registry import formats_in_use, split_file_name
from mardm_batch.dataset.layout import LAYOUT_RECORD, RECORDS, repair_command
from mardm_batch.dataset.layouts.layout import Layout
from mardm_batch.dataset.layouts.registry import LAYOUTS, layout_of, layout_problem, read_moving, record_layout
from mardm_batch.dataset.locks import shard_lock
from mardm_batch.dataset.metadata import rebuild_metadata
from mardm_batch.dataset.records import Finished, PoseDocument
from mardm_batch.dataset.store import PoseStore
from mardm_batch.errors import ExitCode, InputError
from mardm_batch.prompts.shards import shard_name
from mardm_batch.system.commands import command_parser, report_user_errors, run_main
from mardm_batch.system.files import write_atomically
from mardm_batch.system.folders import check_folder
from mardm_batch.system.json_records import parse_json
from mardm_batch.system.terminal import CONSOLE, counted, print_output, printable

USAGE = """\
  python -m mardm_batch.relayout SinglePose --to nested    in 1,024 folders, ab/NAME.png
  python -m mardm_batch.relayout SinglePose --to shards    in tars of 1,000 poses with a Parquet file beside each
  python -m mardm_batch.relayout SinglePose --to flat      side by side again

Further runs into the folder need output.layout=LAYOUT. A move that was interrupted goes on where it ended when the same
command is given again. Exit codes: 0; 1 where poses that lack files were not moved; 2 for bad arguments, something in
the way, or while a run is active in the folder.
"""

POSES_AT_ONCE: Final = 1000
POSES_NAMED: Final = 3
"""Of those that are not moved."""
ProgressBar = Callable[[Sequence[str]], Iterable[str]]
"""Takes the names of poses, yields them and shows the progress."""


def relayout(
    output: Path, to: str, progress_bar: ProgressBar = lambda names: names
) -> tuple[Collection[str], Collection[str]]:
    """Move the poses of an output folder into a layout.

    Returns:
        The names of the poses that were moved, none where they lie so already; and of those that lack files and stay.

    Raises:
        InputError: there is no such folder, a run is active in it, something is in the way, or an interrupted move to
            another layout is to be finished first; nothing was moved.
        OSError: a file cannot be moved.
    """
    check_folder(output, "name the folder that a run wrote its poses to")
    moving = read_moving(output)
    if moving not in (None, to):
        raise InputError(f"{output}: a move to the layout {moving} was interrupted; finish it first with --to {moving}")
    source, target = layout_of(output), LAYOUTS[to](output)
    if to == source.NAME:
        return (), ()
    check_way(source, target)
    (output / RECORDS).mkdir(exist_ok=True)
    with shard_lock(output, shard=None, num_shards=1):  # no run starts meanwhile
        poses = poses_to_move(source, target)
        check_files(poses, target)
        target.prepare()
        record_layout(output, source.NAME, moving_to=to)
        if target.HAS_FILES and source.HAS_FILES:
            for name in progress_bar(sorted(poses)):
                move_pose(name, poses[name], source, target)
        else:
            repack(poses, source, target, progress_bar)
        remove_empty_folders(source)
        record_layout(output, to)
        suffixes = set(layout_of(output).poses().values())
        rebuild_metadata(PoseStore(output, formats_in_use(frozenset.intersection(*suffixes) if suffixes else ())))
    return poses, [name for name in source.poses() if name[0] != "." and is_pose(name, source)]


def check_way(source: Layout, target: Layout) -> None:
    """Raises InputError where something is in the place of a folder, lock or list that a move writes."""
    output = source.output
    if (problem := layout_problem(output, source.NAME)) is not None:
        raise InputError(f"{output}: {LAYOUT_RECORD} {problem}; {repair_command(output)} restores it")
    of_poses = (output / place for layout in (source, target) for place in layout.obstacles())
    for path in (*obstacles.in_records(output), *obstacles.in_lists(output), *of_poses):
        raise InputError(obstacles.described(output, path))


def check_files(poses: Container[str], target: Layout) -> None:
    """Raises InputError where a folder is in the place of a file of a pose."""
    for folder in target.folders() if target.HAS_FILES else ():
        for path in (target.output / folder).iterdir():
            split = split_file_name(path.name)
            if split and split[0] in poses and path == target.path(split[0], split[1].suffix) and path.is_dir():
                raise InputError(f"{path} is a folder in the place of a file: move it away, then run this again")


def is_pose(name: str, layout: Layout) -> bool:
    """Whether the JSON of that name is one of a pose."""
    try:
        PoseDocument.from_json(parse_json(layout.read(name, JSON.suffix)))
    except (OSError, ValueError):
        return False
    return True


def repack(poses: Mapping[str, frozenset[str]], source: Layout, target: Layout, progress_bar: ProgressBar) -> None:
    """Move poses out of or into larger files; they leave their old place, a thousand at once, when they have a new."""
    target.start(shard_name(None, 1), [each.suffix for each in formats_in_use(())])
    settled: list[str] = []
    for name in progress_bar(sorted(poses, key=lambda name: source.place(name, JSON.suffix))):
        for suffix in (*(each for each in poses[name] if each != JSON.suffix), JSON.suffix):
            write_atomically(target.landing.path(name, suffix), source.read(name, suffix))
        settled += [each.name for each in target.settle(Finished(name, (0, 0), 0, {}, False))]
        if len(settled) >= POSES_AT_ONCE:
            source.remove(settled)
            settled = []
    source.remove([*settled, *(each.name for each in target.flush())])


def poses_to_move(source: Layout, target: Layout) -> dict[str, frozenset[str]]:
    """The suffixes of the files of each whole pose by its name; some may have been moved before."""
    needed = [each.suffix for each in formats_in_use(())]

    def is_whole(name: str, suffixes: frozenset[str]) -> bool:
        return all(each in suffixes or target.changed(name, each) is not None for each in needed)

    return {name: suffixes for name, suffixes in source.poses().items() if name[0] != "." and is_whole(name, suffixes)}


def move_pose(name: str, suffixes: Iterable[str], source: Layout, target: Layout) -> None:
    """Move the files of a pose, its JSON last: wherever its JSON is, its other files are too."""
    for suffix in (*(each for each in suffixes if each != JSON.suffix), JSON.suffix):
        os.replace(source.path(name, suffix), target.path(name, suffix))


def remove_empty_folders(layout: Layout) -> None:
    for folder in [each for each in layout.folders() if each]:
        with suppress(OSError):  # something else is in it
            (layout.output / folder).rmdir()


def show_progress(names: Sequence[str]) -> Iterable[str]:
    return track(names, "poses", console=CONSOLE, transient=True, disable=not CONSOLE.is_terminal)


def main(arguments: Sequence[str] | None = None) -> int:
    """Move the poses. Bad input ends the process with one line and exit code 2."""
    parser = command_parser("relayout", __doc__, USAGE)
    parser.add_argument("output_dir", type=Path, help="folder that a run wrote its poses to")
    parser.add_argument("--to", choices=sorted(LAYOUTS), required=True, help="the layout that the poses are to have")
    options = parser.parse_args(arguments)
    with report_user_errors():
        moved, left = relayout(options.output_dir, options.to, show_progress)
    print_output(printable(f"{options.output_dir}: {counted(len(moved), 'pose')} moved, the layout is {options.to}"))
    if left:
        named = ", ".join(sorted(left)[:POSES_NAMED]) + ", …" * (len(left) > POSES_NAMED)
        words = f"not moved, as files are missing: {counted(len(left), 'pose')} ({named}); the next run makes them anew"
        print(printable(f"error: {words}"), file=sys.stderr)
    return ExitCode.SOME_FAILED if left else ExitCode.ALL_FINISHED


if __name__ == "__main__":
    run_main(main)
