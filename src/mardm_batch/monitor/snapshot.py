"""The state of a sweep at one moment, from the records that its shards leave in the output folder."""

import heapq
import re
import shlex
import shutil
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mardm_batch.dataset import obstacles
from mardm_batch.dataset.clocks import joint_rate
from mardm_batch.dataset.failures import FailureList
from mardm_batch.dataset.layout import repair_command
from mardm_batch.dataset.progress import RUNNING as ALIVE_STATES
from mardm_batch.dataset.progress import Progress, read_progress_records, run_folders_hint
from mardm_batch.dataset.queues import ENDED, QUEUED, RUNNING, QueuedJob
from mardm_batch.dataset.sweeps import SweepJob, at_end, read_sweep, unreadable_sweep
from mardm_batch.errors import SIGNAL_CODES, ExitCode, InputError
from mardm_batch.monitor.gpus import Gpu, Gpus
from mardm_batch.prompts.shards import shard_name
from mardm_batch.sampling.vocabulary import NO_KNOWN_WORD, STAGE
from mardm_batch.system.error_log import read_error_log
from mardm_batch.system.folders import NO_FOLDER, folder_problem
from mardm_batch.system.signals import signal_name

SECONDS_UNTIL_NEXT_SHARD = 30.0
"""Shards that are started one by one count as running for this long after their newest record was written."""
NOT_STARTED = "not started"
STARTING = "starting"
LOST = "lost"
REQUEUED = "requeued"
ENDED_STATES = ("finished", "incomplete", "refused", "crashed")
"""States of runs that no scheduler starts again."""
SECONDS_UNTIL_QUEUE_COUNTS = 15.0
"""Without a record of a shard that its scheduler says to be queued: from then on that is believed."""
NOT_YET = (NOT_STARTED, QUEUED, STARTING)
"""States of shards that have no record because they have yet to begin."""
STOPPED = "stopped by the sweep, as it did not end by itself"
WITH_REASON = ("refused", "crashed")
"""States whose reason is in the run's log of errors."""
MAX_NOT_STARTED = 1000
"""Of shards that have not started and are named by their number alone; the setting allows any."""
ENDINGS: dict[int, str] = {
    ExitCode.ALL_FINISHED: "finished",
    ExitCode.SOME_FAILED: "incomplete",
    ExitCode.BAD_INPUT: "refused",
    ExitCode.CRASHED: "crashed",
}
"""States of runs without a record, by their exit codes."""


@dataclass(frozen=True)
class Shard:
    """A shard at the moment of the snapshot."""

    state: str
    """The record's, or: `finished` where a run was interrupted that had finished all; `died` where the record says
    running and the process no longer exists; `lost` where it ran on another machine and no longer writes; `requeued`
    where a scheduler is to start it again."""
    alive: bool
    finished: int
    """Finished poses, including those of earlier runs."""
    missing: int
    seconds_left: float | None
    gpu: Gpu | None
    record: Progress
    reason: str | None = None
    """The last error that a refused or crashed run logged."""
    signal: str | None = None
    """The name of the signal that killed its process, where the sweep knows it."""

    counted: bool = True
    """Whether `finished` is exact: a process that wrote no last record may have finished poses after the one before,
    which a sweep counts when it ends."""


@dataclass(frozen=True)
class Waiting:
    """A shard of the sweep without a record: not started, queued at a scheduler, or ended before it could leave one."""

    shard: str
    state: str
    finished: int
    total: int | None
    """None where no record of the sweep says it."""
    reason: str | None


@dataclass(frozen=True)
class Totals:
    """All shards together."""

    finished: int
    total: int
    poses_per_second: float
    """Sum over the running shards; if none is running, over the time in which any was, once started."""
    seconds_left: float | None
    """Until the last shard ends, those that wait included."""
    left_out: int
    """Poses of the whole list that are not requested, as `retry` asks for some alone."""
    left_out_finished: int
    failed: int
    failures_listed: int
    """Entries of `failures.jsonl`, including those of earlier runs."""
    unreadable_captions: int
    """Those among them whose captions have no word that the model knows, so that no run can make them."""
    disk_free_mb: float


@dataclass(frozen=True)
class Snapshot:
    """A sweep at one moment, as `--json` prints it."""

    output: str
    time: float
    sweep: str | None
    ended: bool
    """Whether no shard is running or about to start, and the sweep has counted the poses of those that were killed."""
    shards: tuple[Shard, ...]
    waiting: tuple[Waiting, ...]
    """The other shards of the sweep, or of the same split where no record of a sweep says which it has."""
    not_started: tuple[str, ...]
    """Names of those among them that have not started."""
    more_not_started: int
    """Number of further ones, too many to be named."""
    older_records_hidden: int
    unreadable_records: dict[str, str]
    """Files that are no records, and why."""
    totals: Totals

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def take_snapshot(output: Path, gpus: Gpus) -> Snapshot:
    """The newest sweep, or the newest run with the other shards of its split, and every shard that is still alive.

    Raises:
        InputError: the folder does not exist, or no run has left a record in it.
    """
    hint = f"start a run first: python -m mardm_batch {shlex.quote(f'paths.output={output}')}"
    if (problem := folder_problem(output)) is not None:
        advice = hint if problem == NO_FOLDER else "name the folder that a run writes its poses to"
        raise InputError(f"{output}: {problem}; {advice}")
    records, unreadable = read_progress_records(output)
    if any(record.state in ALIVE_STATES and not record.alive for record in records):
        records, unreadable = read_progress_records(output)  # the process may have written its last record since
    newest = max(records, key=lambda record: record.started, default=None)
    sweep, unreadable = read_sweep(output), {**unreadable, **unreadable_sweep(output)}
    if sweep is not None and newest is not None and sweep.name != newest.sweep and sweep.started < newest.started:
        sweep = None
    if newest is None and sweep is None:
        for path, why in unreadable.items():
            raise InputError(f"{output / path} {problem_with_record(why, output)}")
        for obstacle in obstacles.in_records(output):
            raise InputError(obstacles.described(output, obstacle))
        raise InputError(f"{output}: no run has left a record in this folder; {run_folders_hint(output) or hint}")
    queue = {} if sweep is None else sweep.queue()
    key = (None if sweep is None else sweep.name, "") if sweep is not None or newest is None else sweep_key(newest)
    jobs = {} if sweep is None else {job.shard: job for job in sweep.jobs}
    shards = tuple(
        shard_of(record, alive, gpus, jobs.get(record.shard) if sweep_key(record) == key else None, queue)
        for record in sorted(records, key=natural_order)
        if (alive := record.alive) or sweep_key(record) == key
    )
    started = {shard.record.shard for shard in shards if shard.alive or sweep_key(shard.record) == key}
    if sweep is not None:
        waiting, more = tuple(waiting_job(job, queue) for name, job in jobs.items() if name not in started), 0
    else:
        waiting, more = other_shards(newest, started)
    not_started = tuple(each.shard for each in waiting if each.state in NOT_YET)
    now = time.time()
    if any(job.state != ENDED for job in queue.values()):
        starting = True
    elif sweep is not None and sweep.is_here:
        starting = sweep.alive
    else:
        latest = [shard.record.updated for shard in shards] + ([] if sweep is None else [sweep.started])
        starting = now - max(latest) < SECONDS_UNTIL_NEXT_SHARD
    requeued = any(shard.state == REQUEUED for shard in shards)
    counts = sweep is not None and sweep.is_here and sweep.alive and not all(shard.counted for shard in shards)
    waits = counts or (starting and (not_started or requeued))
    ended = not waits and not any(shard.alive for shard in shards)
    return Snapshot(
        output=str(output),
        time=now,
        sweep=key[0],
        ended=ended,
        shards=shards,
        waiting=waiting,
        not_started=not_started,
        more_not_started=more,
        older_records_hidden=len(records) - len(shards),
        unreadable_records=unreadable,
        totals=totals_of(shards, waiting, output),
    )


def waiting_job(job: SweepJob, queue: Mapping[int, QueuedJob]) -> Waiting:
    """A job of a sweep whose run has left no record. `queue`: what a scheduler says of the sweep's jobs."""
    code, number = job.exit_code(), job.signal()
    state = NOT_STARTED if code is None else ENDINGS.get(code, "interrupted")
    reason = last_error(job.run_folder) if state in WITH_REASON else None
    if code is None and number is not None:
        state, reason = "died", f"killed by {signal_name(number)}"
    if code is None and (queued := queue.get(job.number)) is not None:
        state = {QUEUED: QUEUED, RUNNING: STARTING}.get(queued.state, "died")
        reason = f"job {queued.job}" + (f": {queued.reason}" if queued.reason else "")
    finished = job.finished if job.finished_at_end is None else job.finished_at_end
    return Waiting(job.shard, state, finished, job.total, reason)


def other_shards(record: Progress | None, started: Collection[str]) -> tuple[tuple[Waiting, ...], int]:
    """The shards of a record's split that have not started, and how many more there are than can be named."""
    num_shards = 0 if record is None else int(record.shard.partition("-of-")[2] or 0)
    names = (shard_name(number, num_shards) for number in range(min(num_shards, MAX_NOT_STARTED)))
    named = tuple(Waiting(name, NOT_STARTED, 0, None, None) for name in names if name not in started)
    return named, max(num_shards - max(len(started), MAX_NOT_STARTED), 0)


def problem_with_record(why: str, output: Path) -> str:
    """What is wrong with a file that should be the record of a run or a sweep, as the end of a sentence about it."""
    problem = why if why.startswith("is ") else f"is no record of a run ({why})"
    return f"{problem}; {repair_command(output)} sets it aside"


def last_error(run_folder: str) -> str | None:
    """The last error in a run's log of errors."""
    _, errors = read_error_log(Path(run_folder))
    return errors[-1].message if errors else None


def sweep_key(record: Progress) -> tuple[str | None, str]:
    """Equal for the records of one sweep, and for the shards of one split that were started one by one."""
    return record.sweep, record.shard.partition("-of-")[2] if record.sweep is None else ""


def natural_order(record: Progress) -> list[str]:
    """Sort key of shard names by their numbers: 2 before 10."""
    return [part.zfill(9) for part in re.split(r"(\d+)", record.shard)]


def shard_of(record: Progress, alive: bool, gpus: Gpus, job: SweepJob | None, queue: Mapping[int, QueuedJob]) -> Shard:
    """The state of a shard by its record.

    Args:
        alive: whether its process exists.
        job: of the sweep that it is part of.
        queue: what a scheduler says of that sweep's jobs.
    """
    ended_unseen = record.state in ALIVE_STATES and not alive
    if ended_unseen and job is not None:
        record = at_end(job, record)
    finished = record.finished_before + record.done
    state = record.state
    queued = None if job is None else queue.get(job.number)
    if queued is not None and queued.state == QUEUED and (record.silence or 0.0) > SECONDS_UNTIL_QUEUE_COUNTS:
        alive = False
    if queued is not None and queued.state != ENDED and not alive and state not in ENDED_STATES:
        state = REQUEUED
    elif state in ALIVE_STATES and not alive:
        state = "died" if record.is_here else LOST
    stopped = state == "died" and job is not None and job.exit_code() in SIGNAL_CODES
    state = "interrupted" if stopped else state
    if state == "interrupted" and record.total and finished >= record.total:
        state = "finished"
    number = job.signal() if job is not None and state == "died" else None
    return Shard(
        state=state,
        alive=alive,
        finished=finished,
        missing=record.total - finished,
        seconds_left=record.seconds_left if alive else None,
        gpu=gpus.gpu_of(record) if alive else None,
        record=record,
        reason=STOPPED if stopped else reason_of(record, state, queued),
        signal=None if number is None else signal_name(number),
        counted=not ended_unseen or (job is not None and job.finished_at_end is not None),
    )


def reason_of(record: Progress, state: str, queued: QueuedJob | None) -> str | None:
    """Why a shard is in its state, where the run's log or a scheduler says it."""
    if state in WITH_REASON:
        return last_error(record.run_folder)
    if queued is None or state == "finished":
        return None
    return f"job {queued.job}: {queued.reason}" if queued.reason else None


def totals_of(shards: Sequence[Shard], waiting: Sequence[Waiting], output: Path) -> Totals:
    """Sums over the shards, and the state of the output folder."""
    records = [shard.record for shard in shards]
    rates = [shard.record.poses_per_second for shard in shards if shard.alive]
    try:
        listed = FailureList(output).read()
    except (OSError, ValueError):  # being replaced on a shared disk, or not text
        listed = []
    return Totals(
        finished=sum(shard.finished for shard in shards) + sum(each.finished for each in waiting),
        total=sum(each.total for each in records) + sum(each.total or 0 for each in waiting),
        poses_per_second=sum(rates) if rates else joint_rate((r.done, r.poses_per_second, r.updated) for r in records),
        seconds_left=time_left(shards, waiting),
        left_out=sum(each.left_out for each in records),
        left_out_finished=sum(each.left_out_finished for each in records),
        failed=sum(each.failed for each in records),
        failures_listed=len(listed),
        unreadable_captions=sum((each.stage, each.error) == (STAGE, NO_KNOWN_WORD) for each in listed),
        disk_free_mb=shutil.disk_usage(output).free / 2**20,
    )


def time_left(shards: Sequence[Shard], waiting: Sequence[Waiting]) -> float | None:
    """The time until the last shard ends: one that waits begins when another ends, at the running ones' mean rate.

    None before every running shard knows its own, or where the poses of one that waits are unknown.
    """
    running = [shard for shard in shards if shard.alive]
    pending = [(each.total or 0) - each.finished for each in waiting if each.state in NOT_YET]
    ends = [shard.seconds_left for shard in running if shard.seconds_left is not None]
    rate = sum(shard.record.poses_per_second for shard in running) / max(len(running), 1)
    if not ends or (pending and (len(ends) < len(running) or rate <= 0)):
        return None
    heapq.heapify(ends)
    for poses in pending:
        heapq.heapreplace(ends, ends[0] + poses / rate)
    return max(ends)
