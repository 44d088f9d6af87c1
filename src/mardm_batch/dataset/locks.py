"""Locks: one process per shard. The operating system releases a lock when its process ends, however it ends."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from mardm_batch.dataset.layout import RECORDS
from mardm_batch.errors import InputError
from mardm_batch.prompts.shards import shard_name, shards_overlap

SECONDS_TO_WAIT = 1.0
"""Seconds: a process that only checks whether a shard is active holds the shard's lock for a moment."""


@contextmanager
def shard_lock(output: Path, shard: int | None, num_shards: int) -> Iterator[None]:
    """Hold the shard's lock.

    Raises:
        InputError: another process works on this shard, or on one that shares prompts with it.
    """
    folder = output / RECORDS
    own = folder / f"{shard_name(shard, num_shards)}.lock"
    with acquired(own, output):
        for other in folder.glob("*.lock"):
            split = re.fullmatch(r"shard-(\d+)-of-(\d+)", other.stem)
            if other == own or (split is None and other.stem != "all"):
                continue
            other_shard, num_others = (int(split[1]), int(split[2])) if split else (None, 1)
            if shards_overlap(shard, num_shards, other_shard, num_others):
                with acquired(other, output):
                    pass
        yield


@contextmanager
def acquired(path: Path, output: Path) -> Iterator[None]:
    """Hold the lock file at `path`; InputError where another process does."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=SECONDS_TO_WAIT, poll_interval=0.05)
    except Timeout:
        raise InputError(
            f"another process is working on {path.stem} in {output}: wait for it or stop it, then run again"
        ) from None
    try:
        yield
    finally:
        lock.release()
