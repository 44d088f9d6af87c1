"""Compare the files of an output folder with the requested poses. Nothing is written."""

from array import array
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import sample
from typing import Final

from mardm_batch.dataset.failures import FailureList
from mardm_batch.dataset.formats.json_file import JSON
from mardm_batch.dataset.layout import CARD, DONE, FAILURES, LAYOUT_RECORD, METADATA, RECORDS, REVIEWS, STAGING_PREFIX
from mardm_batch.dataset.layouts.nested import FOLDERS
from mardm_batch.dataset.layouts.registry import layout_problem
from mardm_batch.dataset.ledger import MAX_LEDGER_BYTES, Ledger
from mardm_batch.dataset.progress import Progress
from mardm_batch.dataset.records import Failure
from mardm_batch.dataset.store import PoseStore
from mardm_batch.errors import reason_of
from mardm_batch.system.error_log import read_error_log
from mardm_batch.system.files import MAX_LIST_BYTES
from mardm_batch.system.processes import available_cores
from mardm_batch.system.terminal import counted
from mardm_batch.system.workers import Workers
from mardm_batch.verify.findings import NOTES, AgreementSummary, Counts, Expected, Finding, Kind, Report
from mardm_batch.verify.inspection import Inspection, Inspector, Subject, Worker, missing_files, row_digest
from mardm_batch.verify.listing import REMOVED, Listing, find_obstacles
from mardm_batch.verify.rows import ExpectedRows
from mardm_batch.verify.runs import active_runs, lost_runs
from mardm_batch.verify.templates import settings_text

ProgressBar = Callable[[Iterable[Inspection], int], Iterable[Inspection]]
"""Takes inspections and their total number; yields the same inspections and shows the progress."""
POSES_AT_ONCE: Final = 256
FEW: Final = 20_000
"""Poses up to which threads check them: processes take longer to start than they save."""


@dataclass(frozen=True)
class Checks:
    """What is checked. `pictures`: False: they need only exist. `sample`: number of poses that are read; None: all."""

    pictures: bool = True
    sample: int | None = None


@dataclass
class Tally:
    """What is counted over the poses, one after the other."""

    listed_failures: frozenset[tuple[str, int]]
    """Of the failures in the list; of these alone it is kept whether they were generated since."""
    findings: list[Finding] = field(default_factory=list)
    generated: set[tuple[str, int]] = field(default_factory=set)
    settings: Counter[tuple[str, ...]] = field(default_factory=Counter)
    damaged: int = 0
    unknown_words: int = 0
    agreements: "array[float]" = field(default_factory=lambda: array("d"))
    not_in_ledger: int = 0

    def add(self, pose: Inspection) -> None:
        if pose.findings:
            self.findings += pose.findings
            self.damaged += not pose.undamaged
        self.unknown_words += pose.unknown_words
        self.not_in_ledger += not pose.in_ledger
        if pose.key is None:
            return
        self.settings[pose.settings] += 1
        if pose.key in self.listed_failures and pose.undamaged:
            self.generated.add(pose.key)
        if pose.agreement is not None:
            self.agreements.append(pose.agreement)


def audit(
    store: PoseStore,
    listing: Listing,
    expected: Expected,
    shards: Sequence[Progress],
    unreadable: Mapping[str, str],
    checks: Checks,
    progress_bar: ProgressBar,
) -> Report:
    """Check every file once.

    Args:
        listing: of the output folder, taken just now.
        unreadable: progress records that cannot be read, and why.
    """
    find_obstacles(listing, store.layout, expected.prompts or ())
    names = listing.finished_or_damaged
    read = names if checks.sample is None or checks.sample >= len(names) else sorted(sample(names, checks.sample))
    requested = expected.prompts or {}
    missing = [each for name, each in requested.items() if JSON.suffix not in listing.poses.get(name, ())]
    active = active_runs(store.output, shards)
    failures, broken_list = ([], []) if FAILURES in listing.misplaced else read_failures(store.output)
    tally = Tally(frozenset(each.key for each in failures))
    with ExpectedRows() as rows:
        found = progress_bar(inspections(store, expected, listing, checks, read), len(read))
        for name, pose in zip(read, found, strict=True):
            tally.add(pose)
            rows.add(name, pose)
        others = names if len(read) < len(names) else []
        others = others and sorted(set(others).difference(read))
        complete = sum(listing.poses[each].issuperset(store.suffixes) for each in others)
        row_of = partial(row_digest, store, listing.poses)
        about_metadata = list(rows.check(store, complete, row_of))
    findings = [
        *(Finding(Kind.MISSING_POSE, each.name, each.caption) for each in missing),
        *broken_list,
        *check_failures(failures, expected, tally.generated),
        *check_size(listing, REVIEWS, MAX_LIST_BYTES, Kind.REVIEWS),
        *tally.findings,
        *(each for name in others for each in missing_files(store, subject_of(name, listing, expected, store.ledger))),
        *check_strays(store, listing, expected.file, bool(active)),
        *(Finding(Kind.MISPLACED, path, what, (path,)) for path, what in listing.misplaced.items()),
        *check_layout_record(store.output),
        *(
            Finding(Kind.TABLE, path, "the next run writes it again from its tar")
            for path in store.layout.broken_tables()
            if path not in listing.misplaced
        ),
        *(Finding(Kind.RECORD, path, why, (path,)) for path, why in unreadable.items() if path in listing.sizes),
        *about_metadata,
        *check_ledger(store, tally.not_in_ledger),
        *(each for path in ledger_files(store) for each in check_size(listing, path, MAX_LEDGER_BYTES, Kind.LEDGER)),
        *check_settings(tally.settings),
        *check_folders(listing.folders),
        *check_error_logs(shards),
        *lost_runs(shards),
        *(Finding(Kind.ACTIVE_RUN, each) for each in active),
    ]
    findings.sort(key=lambda finding: finding.order)
    counts = Counts(
        requested=None if expected.prompts is None else len(expected.prompts),
        missing=None if expected.prompts is None else len(missing),
        found=len(names),
        damaged=tally.damaged,
        unknown_words=tally.unknown_words,
        checked=None if len(read) == len(names) else len(read),
    )
    problems, notes = ([each for each in findings if (each.kind in NOTES) == is_note] for is_note in (False, True))
    agreement = AgreementSummary.of(tally.agreements)
    return Report(store.output, expected.source, counts, problems, notes, listing.disk, agreement)


def inspections(
    store: PoseStore, expected: Expected, listing: Listing, checks: Checks, names: Sequence[str]
) -> Iterator[Inspection]:
    """The inspections of poses, in the order of their names, by threads or processes on every core."""
    store.layout.look()
    inspector, cores = Inspector(store, expected.prompts is not None, checks.pictures), available_cores()
    ledger = Ledger(store.output)
    ledger.read_others(())
    texts = [settings_text(each) for each in ledger.settings]
    batches = (
        [subject_of(name, listing, expected, ledger, texts) for name in names[start : start + POSES_AT_ONCE]]
        for start in range(0, len(names), POSES_AT_ONCE)
    )
    pool: Executor
    inspect = inspector.inspect_several
    if len(names) > FEW and cores > 1:
        pool = Workers(cores, Worker.start, (inspector,))
        inspect = Worker.inspect_several
    else:  # decoding pictures releases the interpreter lock; for all else threads would wait for each other
        pool = ThreadPoolExecutor(cores if checks.pictures else 1)
    with pool:
        waiting = deque[Future[list[Inspection]]]()
        for batch in batches:
            waiting.append(pool.submit(inspect, batch))
            if len(waiting) > 2 * cores:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


def subject_of(name: str, listing: Listing, expected: Expected, ledger: Ledger, texts: Sequence[str] = ()) -> Subject:
    """A pose that is to be inspected. `texts`: of the ledger's settings."""
    prompt = (expected.prompts or {}).get(name) or expected.left_out.get(name)
    row = ledger.rows.get(name)
    known = None if row is None else (row.changed, row.key, texts[row.settings], row.unknown_words)
    return Subject(name, listing.poses[name], None if prompt is None else prompt.key, known)


def check_strays(store: PoseStore, listing: Listing, prompt_file: Path | None, active: bool) -> Iterator[Finding]:
    """Files that belong to no pose. `active`: temporary files may belong to a run."""
    known = {METADATA, FAILURES, REVIEWS, CARD}
    if prompt_file is not None and prompt_file.parent.resolve() == store.output.resolve():
        known.add(prompt_file.name)
    found = []
    for path in listing.sizes:
        folder, _, file_name = path.rpartition("/")
        if path in known or path.startswith(f"{REMOVED}/"):
            continue
        if file_name.startswith(".") or path.startswith((f"{RECORDS}/{STAGING_PREFIX}", f"{RECORDS}/probe-")):
            if not active:
                found.append(Finding(Kind.TEMPORARY, path, files=(path,)))
        elif folder.partition("/")[0] != RECORDS:
            found.append(Finding(Kind.UNKNOWN_FILE, path, files=(path,)))
    for name, suffixes in listing.poses.items():
        if JSON.suffix not in suffixes:
            places = [store.layout.place(name, suffix) for suffix in suffixes]
            found += [Finding(Kind.ORPHAN, place, files=(place,)) for place in places if place not in known]
    yield from sorted(found, key=lambda finding: finding.where)


def check_ledger(store: PoseStore, wrong: int) -> Iterator[Finding]:
    """Whether the ledgers say what the JSON files hold; a repair removes them, and they are made anew."""
    if wrong:
        detail = f"poses of which it says something else: {wrong:,}"
        yield Finding(Kind.LEDGER, f"{RECORDS}/{DONE}", detail, ledger_files(store))


def ledger_files(store: PoseStore) -> tuple[str, ...]:
    """The ledgers of an output folder, by their paths from it."""
    ledgers = sorted((store.output / RECORDS / DONE).glob("*.jsonl"))
    return tuple(path.relative_to(store.output).as_posix() for path in ledgers)


def check_size(listing: Listing, path: str, max_bytes: int, kind: Kind) -> Iterator[Finding]:
    """Whether a file, if there is one, is small enough to be read."""
    if listing.sizes.get(path, 0) > max_bytes:
        yield Finding(kind, path, f"is larger than {max_bytes / 2**20:,.0f} MiB", (path,))


def read_failures(output: Path) -> tuple[list[Failure], list[Finding]]:
    """The failures that are listed, and what is wrong with the list."""
    failures = FailureList(output)
    try:
        listed, bad = failures.read_counting_ignored()
    except OSError as error:
        return [], [Finding(Kind.FAILURES, FAILURES, reason_of(error), (FAILURES,))]
    return listed, [Finding(Kind.FAILURES, FAILURES, counted(bad, "bad line"), (FAILURES,))] if bad else []


def check_failures(
    failures: Sequence[Failure], expected: Expected, generated: Collection[tuple[str, int]]
) -> Iterator[Finding]:
    """Poses that failed and were not generated since: of the requested captions, where they are known."""
    for each in failures:
        prompt = (expected.prompts or {}).get(each.name)
        requested = expected.prompts is None or (prompt is not None and prompt.key == each.key)
        if requested and each.key not in generated:
            yield Finding(Kind.FAILED, each.name, f"{each.stage}: {each.error}")


def check_settings(groups: Counter[tuple[str, ...]]) -> Iterator[Finding]:
    """The groups of poses with different settings, each described by the settings in which it differs."""
    shared = set.intersection(*map(set, groups)) if groups else set()
    for group, number in groups.most_common() if len(groups) > 1 else []:
        different = ", ".join(each for each in group if each not in shared)
        yield Finding(Kind.MIXED_SETTINGS, counted(number, "pose"), different)


def check_folders(folders: Sequence[str]) -> Iterator[Finding]:
    """The folders that were not audited; those of the layout nested, of which there are many, are counted."""
    nested = [each for each in folders if each in FOLDERS]
    if len(nested) > 1:
        yield Finding(Kind.FOLDER, f"{nested[0]} … {nested[-1]}", f"{len(nested):,} folders of the layout nested")
    passed_over = {RECORDS, *(nested if len(nested) > 1 else ())}
    yield from (Finding(Kind.FOLDER, each) for each in folders if each not in passed_over)


def check_layout_record(output: Path) -> Iterator[Finding]:
    """Whether the record of the layout says how the poses lie."""
    if (problem := layout_problem(output)) is not None:
        yield Finding(Kind.LAYOUT, LAYOUT_RECORD, problem)


def check_error_logs(shards: Sequence[Progress]) -> Iterator[Finding]:
    for shard in shards:
        path, errors = read_error_log(Path(shard.run_folder))
        if errors:
            last = errors[-1]
            yield Finding(Kind.LOG, str(path), f"{len(errors):,}, the last: {last.time} {last.message}")
