"""Move the poses of an output folder into another layout; none is made again.

python -m mardm_batch.relayout OUTPUT_DIR --to flat|nested|shards
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from rich.progress import track

from mardm_batch.dataset.formats.json_file import JSON
from mardm_batch.dataset.formats.registry import formats_in_use
from mardm_batch.dataset.layout import RECORDS
from mardm_batch.dataset.layouts.layout import Layout
from mardm_batch.dataset.layouts.registry import LAYOUTS, layout_of, read_moving, record_layout
from mardm_batch.dataset.locks import shard_lock
from mardm_batch.dataset.metadata import rebuild_metadata
from mardm_batch.dataset.records import Finished
from mardm_batch.dataset.store import PoseStore
from mardm_batch.errors import InputError
from mardm_batch.prompts.shards import shard_name
from mardm_batch.system.commands import command_parser, report_user_errors, run_main
from mardm_batch.system.files import write_atomically
from mardm_batch.system.folders import check_folder
from mardm_batch.system.terminal import CONSOLE, counted, print_output, printable

USAGE = """\
  python -m mardm_batch.relayout SinglePose --to nested    in 1,024 folders, ab/NAME.png
  python -m mardm_batch.relayout SinglePose --to shards    in tars of 1,000 poses with a Parquet file beside each
  python -m mardm_batch.relayout SinglePose --to flat      side by side again

Further runs into the folder need output.layout=LAYOUT. A move that was interrupted goes on where it ended when the same
command is given again. Exit codes: 0; 2 for bad arguments, or while a run is active in the folder.
"""

POSES_AT_ONCE: Final = 1000
ProgressBar = Callable[[Sequence[str]], Iterable[str]]
"""Takes the names of poses, yields them and shows the progress."""


def relayout(output: Path, to: str, progress_bar: ProgressBar = lambda names: names) -> int:
    """Move the poses of an output folder into a layout.

    Returns:
        The number of poses that were moved; 0 where they lie so already.

    Raises:
        InputError: there is no such folder, a run is active in it, or an interrupted move to another layout is to be
            finished first.
        OSError: a file cannot be moved.
    """
    check_folder(output, "name the folder that a run wrote its poses to")
    moving = read_moving(output)
    if moving not in (None, to):
        raise InputError(f"{output}: a move to the layout {moving} was interrupted; finish it first with --to {moving}")
    source, target = layout_of(output), LAYOUTS[to](output)
    if to == source.NAME:
        return 0
    (output / RECORDS).mkdir(exist_ok=True)
    with shard_lock(output, shard=None, num_shards=1):  # no run starts meanwhile
        poses = poses_to_move(source, target)
        record_layout(output, source.NAME, moving_to=to)
        target.prepare()
        if target.HAS_FILES and source.HAS_FILES:
            for name in progress_bar(sorted(poses)):
                move_pose(name, poses[name], source, target)
        else:
            repack(poses, source, target, progress_bar)
        remove_empty_folders(source)
        record_layout(output, to)
        suffixes = set(layout_of(output).poses().values())
        rebuild_metadata(PoseStore(output, formats_in_use(frozenset.intersection(*suffixes) if suffixes else ())))
    return len(poses)


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
        moved = relayout(options.output_dir, options.to, show_progress)
    print_output(printable(f"{options.output_dir}: {counted(moved, 'pose')} moved, the layout is {options.to}"))
    return 0


if __name__ == "__main__":
    run_main(main)
