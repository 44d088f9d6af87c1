"""The whole audit of an output folder, with the repair where one is requested."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from mardm_batch.dataset.formats.format import Format
from mardm_batch.dataset.formats.json_file import JSON
from mardm_batch.dataset.layout import RECORDS
from mardm_batch.dataset.locks import shard_lock
from mardm_batch.dataset.progress import read_progress
from mardm_batch.dataset.store import PoseStore
from mardm_batch.errors import InputError
from mardm_batch.verify.audit import ProgressBar, audit, list_files
from mardm_batch.verify.expected import expected_poses
from mardm_batch.verify.findings import Report
from mardm_batch.verify.repair import set_aside


def verify(
    output: Path,
    prompt_file: Path | None = None,
    repair: bool = False,
    unchecked: Collection[Format] = (),
    progress_bar: ProgressBar = lambda inspections, total: inspections,
) -> Report:
    """Audit an output folder.

    Args:
        prompt_file: the requested captions; None: those of the newest run.
        repair: set aside damaged and stray files.
        unchecked: formats whose files need only exist.

    Raises:
        InputError: no output folder, no usable prompt file, or a run is active where a repair is requested.
    """
    sizes, folders = list_files(output)
    if RECORDS not in folders and not any(path.endswith(JSON.suffix) for path in sizes):
        raise InputError(f"{output}: no poses and no record of a run; name the folder that a run wrote to")
    shards = read_progress(output)
    expected = expected_poses(output, prompt_file, shards, sizes.keys())
    store = PoseStore(output, expected.formats)
    if not repair:
        return audit(store, expected, shards, unchecked, progress_bar)
    for shard in shards:
        if shard.alive:
            run = f"{shard.shard} (process {shard.pid} on {shard.host})"
            raise InputError(f"{output}: {run} is active: wait for it or stop it, then repair")
    store.prepare()
    with shard_lock(output, shard=None, num_shards=1):  # no run starts meanwhile
        report = audit(store, expected, shards, unchecked, progress_bar)
        return replace(report, repair=set_aside(report, store, expected)) if report.problems else report
