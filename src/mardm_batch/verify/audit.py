"""Compare the files of an output folder with the requested poses. Nothing is written."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from mardm_batch.dataset.failures import FailureList
from mardm_batch.dataset.formats.json_file import JSON
from mardm_batch.dataset.formats.registry import split_file_name, views_among
from mardm_batch.dataset.layout import CARD, FAILURES, METADATA, RECORDS, REVIEWS, STAGING_PREFIX
from mardm_batch.dataset.metadata import metadata_rows
from mardm_batch.dataset.progress import Progress
from mardm_batch.dataset.records import Failure, MetadataRow, PoseDocument
from mardm_batch.dataset.store import PoseStore
from mardm_batch.system.error_log import read_error_log
from mardm_batch.system.files import MAX_LIST_BYTES, read_regular
from mardm_batch.system.json_records import json_lines, parse_json
from mardm_batch.system.processes import available_cores
from mardm_batch.system.terminal import counted
from mardm_batch.verify.findings import NOTES, AgreementSummary, Counts, Expected, Finding, Kind, Report
from mardm_batch.verify.inspection import Inspection, inspect
from mardm_batch.verify.listing import REMOVED, list_files
from mardm_batch.verify.runs import active_runs, lost_runs

ProgressBar = Callable[[Iterable[Inspection], int], Iterable[Inspection]]
"""Takes inspections and their total number; yields the same inspections and shows the progress."""


def audit(
    store: PoseStore,
    expected: Expected,
    shards: Sequence[Progress],
    unreadable: Mapping[str, str],
    checks_pictures: bool,
    progress_bar: ProgressBar,
) -> Report:
    """Check every file once.

    Args:
        unreadable: progress records that cannot be read, and why.
        checks_pictures: False: they need only exist.
    """
    listing = list_files(store.output, expected.prompts or ())
    sizes = listing.sizes
    names = sorted(path.removesuffix(JSON.suffix) for path in sizes if path.endswith(JSON.suffix) and path[0] != ".")
    # Threads, not processes: reading and decoding release the interpreter lock.
    with ThreadPoolExecutor(available_cores()) as pool:
        inspections = pool.map(
            partial(inspect, store, expected, sizes.keys(), views_among(sizes), checks_pictures), names
        )
        poses = list(progress_bar(inspections, len(names)))
    documents = [pose.document for pose in poses if pose.document is not None]
    generated = {pose.document.key for pose in poses if pose.document is not None and pose.undamaged}
    missing = [each for each in (expected.prompts or {}).values() if each.name + JSON.suffix not in sizes]
    active = active_runs(store.output, shards)
    findings = [
        *(Finding(Kind.MISSING_POSE, each.name, each.caption) for each in missing),
        *check_failures(store.output, expected, generated),
        *(finding for pose in poses for finding in pose.findings),
        *check_strays(store.output, sizes.keys(), expected.file, bool(active)),
        *(Finding(Kind.MISPLACED, path, what, (path,)) for path, what in listing.misplaced.items()),
        *(Finding(Kind.RECORD, path, why, (path,)) for path, why in unreadable.items() if path in sizes),
        *check_metadata(store),
        *check_settings(documents),
        *(Finding(Kind.FOLDER, folder) for folder in listing.folders if folder != RECORDS),
        *check_error_logs(shards),
        *lost_runs(shards),
        *(Finding(Kind.ACTIVE_RUN, each) for each in active),
    ]
    findings.sort(key=lambda finding: finding.order)
    counts = Counts(
        requested=None if expected.prompts is None else len(expected.prompts),
        missing=None if expected.prompts is None else len(missing),
        found=len(poses),
        damaged=sum(not pose.undamaged for pose in poses),
        unknown_words=sum(bool(document.unknown_words) for document in documents),
    )
    problems, notes = ([each for each in findings if (each.kind in NOTES) == is_note] for is_note in (False, True))
    agreement = AgreementSummary.of([each.agreement for each in documents if each.agreement is not None])
    return Report(store.output, expected.source, counts, problems, notes, disk_use(sizes), agreement)


def check_strays(output: Path, paths: Collection[str], prompt_file: Path | None, active: bool) -> Iterator[Finding]:
    """Files that belong to no pose. `active`: temporary files may belong to a run."""
    known = {METADATA, FAILURES, REVIEWS, CARD}
    if prompt_file is not None and prompt_file.parent.resolve() == output.resolve():
        known.add(prompt_file.name)
    for path in sorted(paths):
        folder, _, file_name = path.rpartition("/")
        name, format = split_file_name(file_name) or (None, None)
        if path in known or path.startswith(f"{REMOVED}/"):
            continue
        if file_name.startswith(".") or path.startswith((f"{RECORDS}/{STAGING_PREFIX}", f"{RECORDS}/probe-")):
            kind = Kind.TEMPORARY
        elif folder or format is JSON or (format is not None and f"{name}{JSON.suffix}" in paths):
            continue
        else:
            kind = Kind.UNKNOWN_FILE if format is None else Kind.ORPHAN
        if kind is not Kind.TEMPORARY or not active:
            yield Finding(kind, path, files=(path,))


def check_metadata(store: PoseStore) -> Iterator[Finding]:
    """Whether `metadata.jsonl` has one line for each finished pose."""
    listed: Counter[bytes] = Counter()
    try:
        finished = Counter(json_lines([row]) for row in metadata_rows(store))
        lines = read_regular(store.output / METADATA, MAX_LIST_BYTES).splitlines()
    except FileNotFoundError:
        lines = []
    except OSError as error:
        yield Finding(Kind.METADATA, METADATA, error.strerror or str(error))
        return
    for line in lines:
        try:
            listed[json_lines([MetadataRow.from_json(parse_json(line))])] += 1
        except ValueError:
            listed[line] += 1
    if finished != listed:
        missing, surplus = (finished - listed).total(), (listed - finished).total()
        detail = f"finished poses that are not listed: {missing:,}; lines that match no finished pose: {surplus:,}"
        yield Finding(Kind.METADATA, METADATA, detail)


def check_failures(output: Path, expected: Expected, generated: Collection[tuple[str, int]]) -> Iterator[Finding]:
    """Poses that failed and were not generated since: of the requested captions, where they are known."""
    failures = FailureList(output)
    try:
        lines = read_regular(failures.path, MAX_LIST_BYTES).decode().splitlines()
        listed = failures.read()
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        yield Finding(Kind.UNKNOWN_FILE, FAILURES, str(error), (FAILURES,))
        return
    unreadable = sum(not is_failure(line) for line in lines if line)
    if unreadable:
        yield Finding(Kind.UNKNOWN_FILE, FAILURES, f"lines that are not failures: {unreadable:,}", (FAILURES,))
    for each in listed:
        prompt = (expected.prompts or {}).get(each.name)
        requested = expected.prompts is None or (prompt is not None and prompt.key == each.key)
        if requested and each.key not in generated:
            yield Finding(Kind.FAILED, each.name, f"{each.stage}: {each.error}")


def is_failure(line: str) -> bool:
    try:
        Failure.from_json(parse_json(line))
    except ValueError:
        return False
    return True


def check_settings(documents: Sequence[PoseDocument]) -> Iterator[Finding]:
    """The groups of poses with different settings, each described by the settings in which it differs."""
    settings = (tuple(f"{key}={value}" for key, value in each.settings().items()) for each in documents)
    groups = Counter(settings)
    shared = set.intersection(*map(set, groups)) if groups else set()
    for group, number in groups.most_common() if len(groups) > 1 else []:
        different = ", ".join(each for each in group if each not in shared)
        yield Finding(Kind.MIXED_SETTINGS, counted(number, "pose"), different)


def check_error_logs(shards: Sequence[Progress]) -> Iterator[Finding]:
    for shard in shards:
        path, errors = read_error_log(Path(shard.run_folder))
        if errors:
            last = errors[-1]
            yield Finding(Kind.LOG, str(path), f"{len(errors):,}, the last: {last.time} {last.logger}: {last.message}")


def disk_use(sizes: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Number of files and bytes of each type of file, the largest first."""
    use: dict[str, tuple[int, int]] = {}
    for path, size in sizes.items():
        kind = "set aside" if path.startswith(f"{REMOVED}/") else Path(path).suffix or "other"
        files, total = use.get(kind, (0, 0))
        use[kind] = (files + 1, total + size)
    return dict(sorted(use.items(), key=lambda item: -item[1][1]))
