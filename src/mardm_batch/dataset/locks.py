"""Locks: one process per shard, and short ones for lists that all shards write.

The operating system releases a lock when its process ends, however it ends. One that was stopped keeps its locks, so
nobody waits for ever.
"""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from mardm_batch.dataset.layout import RECORDS
from mardm_batch.errors import InputError
from mardm_batch.prompts.shards import shard_name, shards_overlap

SECONDS_TO_WAIT: Final = 1.0
"""A process that only checks whether a shard is active holds the shard's lock for a moment."""
SECONDS_TO_WAIT_FOR_LIST: Final = 30.0
"""A list of ten thousand poses is rebuilt in a few seconds."""


class HeldLockError(OSError):
    """Another process held the lock of a list for too long: it works on a huge list, or was stopped meanwhile."""


@contextmanager
def list_lock(output: Path, name: str, seconds: float | None = None) -> Iterator[None]:
    """Hold the lock of a list of the output folder, which every other process does for a short time only.

    Args:
        name: of the lock, `metadata` or `failures`.
        seconds: to wait for another process; None for `SECONDS_TO_WAIT_FOR_LIST`.

    Raises:
        HeldLockError: another process holds it all the time.
        OSError: the lock's file cannot be used.
    """
    path = output / RECORDS / f"{name}.lock"
    lock = FileLock(path)
    try:
        lock.acquire(timeout=SECONDS_TO_WAIT_FOR_LIST if seconds is None else seconds, poll_interval=0.05)
    except Timeout:
        raise HeldLockError(errno.EAGAIN, "another process holds this lock", str(path)) from None
    try:
        yield
    finally:
        lock.release()


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
