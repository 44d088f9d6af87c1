"""An export from start to end: poses in, files and a record of them out. What is up to date is not written again."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

from mardm_batch import __version__
from mardm_batch.errors import InputError
from mardm_batch.export.formats.format import Archive, ExportFormat, ExportTotals, FilesPerPose
from mardm_batch.export.poses import ExportPose, finished_poses, open_finished
from mardm_batch.export.record import LIST, SUMMARY, ExportedFiles, ExportList, ExportSummary, write_summary
from mardm_batch.export.selection import Condition, Selection
from mardm_batch.export.workers import ExportWorkers
from mardm_batch.system.files import partial_files, read_regular
from mardm_batch.system.folders import NO_FOLDER, folder_problem
from mardm_batch.system.json_records import parse_json

BATCH: Final = 64
"""Poses that are encoded together."""
FEW: Final = 300
"""Poses up to which starting processes takes longer than it saves."""

ProgressBar = Callable[[Iterable[ExportPose], int], Iterable[ExportPose]]
"""Takes poses and about how many there are; yields the same poses and shows the progress."""


@dataclass(frozen=True)
class ExportResult:
    """What an export did. `written`: poses whose files were made anew; the others were up to date."""

    folder: Path
    poses: int
    written: int
    files: int
    joint_error_mm: Mapping[str, float] | None
    """See `ExportSummary`."""


def export_poses(
    output: Path,
    format: ExportFormat,
    folder: Path,
    conditions: Sequence[Condition] = (),
    processes: int = 1,
    progress_bar: ProgressBar = lambda poses, total: poses,
) -> ExportResult:
    """Export the finished poses of an output folder that meet all conditions.

    Args:
        folder: of the files. It is made, and ends with the files of this export: of those that `export.jsonl` lists
            from an earlier one, what is not of this export is removed.

    Raises:
        InputError: there are no such poses, a pose lacks its clip, or the folder is another's.
        OSError: a file cannot be read or written.
    """
    store = open_finished(output)
    check_folder(folder, output, format)
    selection, models = Selection(conditions, output), Counter[str]()
    total = len(store.complete_poses())
    found = progress_bar(finished_poses(store, format.options.clips), total)
    selected = count_models(selection.filter(found), models)
    first = next(selected, None)
    if not selection.seen:
        raise InputError(f"{output}: no finished poses; name the folder that a run wrote to (its paths.output)")
    if first is None:
        selection.check()
    poses = chain([] if first is None else [first], selected)
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    for _, path in partial_files(folder):
        path.unlink(missing_ok=True)
    lines = ExportList(folder, format)
    if isinstance(format, FilesPerPose):
        current, written = write_files(format, poses, folder, lines, processes if total > FEW else 0)
    else:
        assert isinstance(format, Archive)
        current, written = write_archives(format, poses, folder, lines)
    try:
        selection.check()
    except InputError:
        if is_new:
            shutil.rmtree(folder)
        raise
    files = lines.finish(current)
    format.finish(folder, ExportTotals(selection.selected, dict(sorted(models.items())), lines.whole_digest))
    summary = ExportSummary(
        format.NAME,
        __version__,
        str(output),
        tuple(f"{each.key}{each.operator}{each.value}" for each in conditions),
        asdict(format.options),
        format.facts(),
        selection.selected,
        files,
        dict(sorted(models.items())),
        lines.whole_digest,
        lines.joint_error_mm,
    )
    write_summary(folder, summary)
    return ExportResult(folder, selection.selected, written, files, summary.joint_error_mm)


def check_folder(folder: Path, output: Path, format: ExportFormat) -> None:
    """Raises InputError for a path that can be no folder, or a folder that holds the poses themselves, the export of
    another format, or other files."""
    if (problem := folder_problem(folder)) not in (None, NO_FOLDER):
        raise InputError(f"--output {folder}: {problem}; name another folder")
    if folder.resolve() == output.resolve() or output.resolve() in folder.resolve().parents:
        raise InputError(f"--output {folder}: is inside the folder of the poses; name one outside it")
    earlier: Any = None
    with suppress(OSError, ValueError):
        earlier = parse_json(read_regular(folder / SUMMARY))
    name = earlier.get("format") if isinstance(earlier, dict) else None
    if name is not None and name != format.NAME:
        raise InputError(f"--output {folder}: holds an export in the format {name}; name another folder")
    present = {path.name for path in folder.iterdir() if path.name[0] != "."} if folder.is_dir() else set()
    if present and not present & {SUMMARY, LIST}:
        raise InputError(f"--output {folder}: holds files that are of no export; name a new folder")


def count_models(poses: Iterable[ExportPose], models: Counter[str]) -> Iterator[ExportPose]:
    for pose in poses:
        models[f"{pose.document.model or 'unknown'} {pose.document.weights_sha256 or ''}".strip()] += 1
        yield pose


def write_files(
    format: FilesPerPose, poses: Iterable[ExportPose], folder: Path, lines: ExportList, processes: int
) -> tuple[set[str], int]:
    """Write the files of poses that are not up to date. Returns the first file of each pose, and how many it wrote."""
    current: set[str] = set()
    written = 0
    batch: list[tuple[ExportPose, ExportedFiles]] = []
    lines.begin()
    with ExportWorkers(format, folder, processes) as workers:
        for pose in poses:
            names = format.file_names(pose.name)
            digest = lines.digest([pose.digest])
            current.add(names[0])
            if lines.is_up_to_date(names, digest):
                continue
            batch.append((pose, ExportedFiles(tuple(names), 1, digest, pose.name, pose.caption)))
            written += 1
            if len(batch) == BATCH:
                for each in workers.write(batch):
                    lines.add(each)
                batch = []
        if batch:
            for each in workers.write(batch):
                lines.add(each)
        for each in workers.done():
            lines.add(each)
    return current, written


def write_archives(
    format: Archive, poses: Iterator[ExportPose], folder: Path, lines: ExportList
) -> tuple[set[str], int]:
    """Write the archives that are not up to date. Returns the first file of each, and how many poses it wrote.

    One that holds all poses is written always: to know whether it is up to date takes as long.
    """
    if format.POSES_PER_FILE is None:
        names, digests = format.file_names(0), list[str]()
        count = format.write(remember_digests(poses, digests), folder, 0)
        lines.add([ExportedFiles(tuple(names), count, lines.digest(digests))])
        return {names[0]}, count
    current: set[str] = set()
    written = 0
    for number in range(10**6):
        held = list(islice(poses, format.POSES_PER_FILE))
        if not held:
            break
        names, digest = format.file_names(number), lines.digest(pose.digest for pose in held)
        current.add(names[0])
        if not lines.is_up_to_date(names, digest):
            written += format.write(iter(held), folder, number)
            lines.add([ExportedFiles(tuple(names), len(held), digest)])
    return current, written


def remember_digests(poses: Iterable[ExportPose], digests: list[str]) -> Iterator[ExportPose]:
    for pose in poses:
        digests.append(pose.digest)
        yield pose
