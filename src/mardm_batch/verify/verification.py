"""The whole audit of an output folder, with the repair where one is requested."""

from dataclasses import replace
from pathlib import Path

from mardm_batch.dataset.formats.json_file import JSON
from mardm_batch.dataset.layout import RECORDS
from mardm_batch.dataset.locks import shard_lock
from mardm_batch.dataset.progress import read_progress_records, run_folders_hint
from mardm_batch.dataset.store import PoseStore
from mardm_batch.dataset.sweeps import unreadable_sweep
from mardm_batch.errors import InputError
from mardm_batch.prompts.shards import described_shard
from mardm_batch.verify.audit import Checks, ProgressBar, audit
from mardm_batch.verify.expected import expected_poses
from mardm_batch.verify.findings import PRUNED, Report
from mardm_batch.verify.listing import list_files
from mardm_batch.verify.repair import Aside, clear_the_way, set_aside
from mardm_batch.verify.unreadable import unreadable_names


def verify(
    output: Path,
    prompt_file: Path | None = None,
    repair: bool = False,
    prune: bool = False,
    checks_pictures: bool = True,
    progress_bar: ProgressBar = lambda inspections, total: inspections,
    sample: int | None = None,
) -> Report:
    """Audit an output folder.

    Args:
        prompt_file: the requested captions; None: those of the newest run.
        repair: set aside damaged and stray files.
        prune: set aside poses, and pictures from sides, that were not requested.
        checks_pictures: False: they need only exist.
        sample: so many poses, drawn at random, are read; of the others the files need only exist. None: all.

    Raises:
        InputError: no output folder, no usable prompt file, a run is active where files are to be moved, or unknown
            captions where poses are to be pruned.
    """
    listing = list_files(output)
    records = RECORDS in listing.folders or RECORDS in listing.misplaced
    suffixes = frozenset[str]().union(*set(listing.poses.values()))
    if not records and JSON.suffix not in suffixes:
        hint = run_folders_hint(output) or "name the folder that a run wrote to"
        raise InputError(f"{output}: no poses and no record of a run; {hint}")
    shards, unreadable = read_progress_records(output)
    unreadable |= unreadable_sweep(output)
    expected = expected_poses(output, prompt_file, shards, suffixes)
    store, checks = PoseStore(output, expected.formats, expected.list_rejected), Checks(checks_pictures, sample)
    if not (repair or prune):
        report = audit(store, listing, expected, shards, unreadable, checks, progress_bar)
        return replace(report, unreadable=unreadable_names(report.problems, shards))
    if prune and expected.prompts is None:
        raise InputError(f"{output}: nothing can be pruned, as the requested captions are {expected.source}")
    for shard in shards:
        if shard.alive:
            run = f"the run of {described_shard(shard.shard)} ({shard.place})"
            raise InputError(f"{output}: {run} is active: wait for it or stop it, then repair")
    del listing  # a million poses take some space, and files are moved
    aside = Aside(output)
    cleared = clear_the_way(output, aside) if repair else []
    store.prepare()
    with shard_lock(output, shard=None, num_shards=1):  # no run starts meanwhile
        report = audit(store, list_files(output), expected, shards, unreadable, checks, progress_bar)
        report = replace(report, unreadable=unreadable_names(report.problems, shards))
        findings = list(report.problems) if repair else []
        findings += [each for each in report.notes if prune and each.kind in PRUNED]
        if findings or cleared:
            repaired = set_aside(findings, report, store, expected, aside)
            report = replace(report, problems=[*cleared, *report.problems], repair=repaired)
    return report
