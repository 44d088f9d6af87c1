"""The state of a sweep at one moment, from the records that its shards leave in the output folder."""

import re
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mardm_batch.dataset.failures import FailureList
from mardm_batch.dataset.progress import RUNNING, Progress, read_progress
from mardm_batch.errors import InputError
from mardm_batch.monitor.gpus import Gpu, Gpus
from mardm_batch.prompts.shards import shard_name

SECONDS_UNTIL_NEXT_SHARD = 30.0
"""A sweep with shards that have not started counts as running for this long after its newest record was written."""


@dataclass(frozen=True)
class Shard:
    """A shard at the moment of the snapshot."""

    state: str
    """The record's, or `died` where the record says running and the process no longer exists."""
    alive: bool
    finished: int
    """Finished poses, including those of earlier runs."""
    missing: int
    seconds_left: float | None
    gpu: Gpu | None
    record: Progress


@dataclass(frozen=True)
class Totals:
    """All shards together."""

    finished: int
    total: int
    poses_per_second: float
    """Sum over the running shards; if none is running, the average from the start of the sweep to its end."""
    seconds_left: float | None
    """The maximum over the shards."""
    failed: int
    failures_listed: int
    """Entries of `failures.jsonl`, including those of earlier runs."""
    disk_free_mb: float


@dataclass(frozen=True)
class Snapshot:
    """A sweep at one moment, as `--json` prints it."""

    output: str
    time: float
    sweep: str | None
    ended: bool
    """Whether no shard is running or about to start."""
    shards: tuple[Shard, ...]
    not_started: tuple[str, ...]
    """Names of the shards of the same split without a record of this sweep."""
    older_records_hidden: int
    totals: Totals

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def take_snapshot(output: Path, gpus: Gpus) -> Snapshot:
    """The newest sweep, or the newest run with the other shards of its split, and every shard that is still alive.

    Raises:
        InputError: the folder does not exist, or no run has left a record in it.
    """
    hint = f"start a run first: python -m mardm_batch paths.output={output}"
    if not output.is_dir():
        raise InputError(f"{output}: no such folder; {hint}")
    records = read_progress(output)
    if any(record.state in RUNNING and not record.alive for record in records):
        records = read_progress(output)  # the process may have written its last record after the first read
    if not records:
        raise InputError(f"{output}: no run has left a record in this folder; {hint}")
    newest = max(records, key=lambda record: record.started)
    shards = tuple(
        shard_of(record, alive, gpus)
        for record in sorted(records, key=natural_order)
        if (alive := record.alive) or sweep_key(record) == sweep_key(newest)
    )
    num_shards = int(newest.shard.partition("-of-")[2] or 0)
    started = {shard.record.shard for shard in shards}
    names = (shard_name(number, num_shards) for number in range(num_shards))
    not_started = tuple(name for name in names if name not in started)
    now = time.time()
    starting = not_started and now - max(shard.record.updated for shard in shards) < SECONDS_UNTIL_NEXT_SHARD
    ended = not starting and not any(shard.alive for shard in shards)
    hidden = len(records) - len(shards)
    return Snapshot(str(output), now, newest.sweep, ended, shards, not_started, hidden, totals_of(shards, output))


def sweep_key(record: Progress) -> tuple[str | None, str]:
    """Equal for the records of one sweep, and for the shards of one split that were started one by one."""
    return record.sweep, record.shard.partition("-of-")[2] if record.sweep is None else ""


def natural_order(record: Progress) -> list[str]:
    """Sort key of shard names by their numbers: 2 before 10."""
    return [part.zfill(9) for part in re.split(r"(\d+)", record.shard)]


def shard_of(record: Progress, alive: bool, gpus: Gpus) -> Shard:
    """The state of a shard by its record. `alive`: whether its process exists."""
    finished = record.finished_before + record.done
    return Shard(
        state="died" if record.state in RUNNING and not alive else record.state,
        alive=alive,
        finished=finished,
        missing=record.total - finished,
        seconds_left=record.seconds_left if alive else None,
        gpu=gpus.gpu_of(record) if alive else None,
        record=record,
    )


def totals_of(shards: Sequence[Shard], output: Path) -> Totals:
    """Sums over the shards, and the state of the output folder."""
    records = [shard.record for shard in shards]
    rates = [shard.record.poses_per_second for shard in shards if shard.alive]
    seconds = max(each.updated for each in records) - min(each.started for each in records)
    try:
        listed = len(FailureList(output).read())
    except (OSError, ValueError):  # being replaced on a shared disk, or not text
        listed = 0
    return Totals(
        finished=sum(shard.finished for shard in shards),
        total=sum(each.total for each in records),
        poses_per_second=sum(rates) if rates else sum(each.done for each in records) / max(seconds, 1.0),
        seconds_left=max((shard.seconds_left for shard in shards if shard.seconds_left is not None), default=None),
        failed=sum(each.failed for each in records),
        failures_listed=listed,
        disk_free_mb=shutil.disk_usage(output).free / 2**20,
    )
