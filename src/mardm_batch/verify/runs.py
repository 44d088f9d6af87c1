"""Runs that an audit has to know of: those that are at work, those that will be, and those that were lost."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from mardm_batch.dataset.progress import RUNNING, Progress
from mardm_batch.dataset.queues import ENDED
from mardm_batch.dataset.sweeps import read_sweep
from mardm_batch.prompts.shards import described_shard
from mardm_batch.system.terminal import clock
from mardm_batch.verify.findings import Finding, Kind


def active_runs(output: Path, shards: Sequence[Progress]) -> list[str]:
    """The shards that are running, on any machine, or wait in the queue of a scheduler."""
    running = {shard.shard: f"{described_shard(shard.shard)}, {shard.place}" for shard in shards if shard.alive}
    sweep = read_sweep(output)
    queue = {} if sweep is None else sweep.queue()
    waiting = {
        job.shard: f"{described_shard(job.shard)}, {queued.state} as job {queued.job}"
        for job in (() if sweep is None else sweep.jobs)
        if (queued := queue.get(job.number)) is not None and queued.state != ENDED
    }
    return list({**waiting, **running}.values())


def lost_runs(shards: Sequence[Progress]) -> Iterator[Finding]:
    """Shards whose process ran on another machine and no longer writes its record."""
    for shard in shards:
        if shard.state in RUNNING and not shard.is_here and not shard.alive:
            yield Finding(
                Kind.LOST_RUN,
                described_shard(shard.shard),
                f"{shard.place}, last record {clock(shard.silence or 0)} ago",
            )
