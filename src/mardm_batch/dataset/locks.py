"""Locks: one process per shard, and short ones for lists that all shards write.

The operating system releases a lock when its process ends, however it ends. One that was stopped keeps its locks, so
nobody waits for ever. Locks are the file system's (flock), which hold between machines too: a file that only says that
it is a lock would be left behind by a machine that is lost.
"""

import errno
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from mardm_batch.dataset.layout import RECORDS
from mardm_batch.dataset.obstacles import naming_obstacles
from mardm_batch.errors import InputError
from mardm_batch.prompts.shards import WHOLE_LIST, described_shard, shard_name, shards_overlap
from mardm_batch.system.files import UnusableFileError, file_kind
from mardm_batch.system.machine import scheduler_job

SECONDS_TO_WAIT: Final = 1.0
"""A process that only checks whether a shard is active holds the shard's lock for a moment."""
SECONDS_TO_WAIT_FOR_LOST_MACHINE: Final = 150.0
"""A job that a scheduler started again: the file system releases the locks of a lost machine only after a while."""
SECONDS_TO_WAIT_FOR_LIST: Final = 30.0
"""A list of ten thousand poses is rebuilt in a few seconds."""


NO_LOCKS: Final = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK)
"""Errors of a file system without locks."""


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
    check_lock(path)
    lock = file_lock(path)
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
            if other == own or (split is None and other.stem != WHOLE_LIST):
                continue
            other_shard, num_others = (int(split[1]), int(split[2])) if split else (None, 1)
            if shards_overlap(shard, num_shards, other_shard, num_others):
                with acquired(other, output):
                    pass
        yield


@contextmanager
def acquired(path: Path, output: Path) -> Iterator[None]:
    """Hold the lock file at `path`; InputError where another process does, or the file system has no locks."""
    check_lock(path)
    lock = file_lock(path)
    seconds = SECONDS_TO_WAIT if scheduler_job() is None else SECONDS_TO_WAIT_FOR_LOST_MACHINE
    try:
        lock.acquire(timeout=seconds, poll_interval=0.05)
    except Timeout:
        raise InputError(
            f"another process is working on {described_shard(path.stem)} in {output}: wait for it or stop it, then run "
            "again"
        ) from None
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        raise InputError(
            f"paths.output={output}: its file system has no file locks (flock: {error.strerror}), so two runs "
            "could make the same poses: mount it with them (Lustre: -o flock), or name another folder"
        ) from None
    try:
        yield
    finally:
        lock.release()


def check_lock(path: Path) -> None:
    """Raise UnusableFileError, with the command that sets it aside, where no file bears the name of a lock."""
    with suppress(FileNotFoundError):
        mode = path.lstat().st_mode
        if not stat.S_ISREG(mode):
            with naming_obstacles(path.parent.parent) if path.parent.name == RECORDS else nullcontext():
                raise UnusableFileError(errno.EINVAL, f"is {file_kind(mode)}, not a lock", str(path))


def file_lock(path: Path) -> FileLock:
    """A lock of the file system; acquiring it raises OSError where that has none."""
    return FileLock(path, fallback_to_soft=False)
