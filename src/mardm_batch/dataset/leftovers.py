"""What killed processes left in the folders of a data set; whoever holds a lock clears what it guards."""

import re
import shutil
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from mardm_batch.dataset.layout import FAILURES, PROBE_PREFIX, PROGRESS, RECORDS, STAGING_PREFIX
from mardm_batch.dataset.staging import output_id
from mardm_batch.system.files import partial_files

STAGING_NAME = re.compile(re.escape(STAGING_PREFIX) + r"(?P<owner>all|shard-\d+-of-\d+)-(?P<output>[0-9a-f]{8})")
SHARD_NAME = re.compile(r"all|shard-\d+-of-\d+")


def clear_leftovers(output: Path, temp: Path, owner: str) -> None:
    """Remove what dead processes left of an output folder, here and in `temp`; for the holder of a shard's lock.

    That is: staging folders of shards that no process works on, unfinished lists and progress, and probes. What cannot
    be removed stays.

    Args:
        owner: the shard whose lock the caller holds.
    """
    records = output / RECORDS
    for folder in (temp, records):
        for staging in staging_folders(folder, output):
            shard = STAGING_NAME.fullmatch(staging.name)
            if shard is not None and (shard["owner"] == owner or not is_locked(records / f"{shard['owner']}.lock")):
                shutil.rmtree(staging, ignore_errors=True)
        for prefix in (PROBE_PREFIX, f"{STAGING_PREFIX}{PROBE_PREFIX}"):
            if folder == records or prefix != PROBE_PREFIX:  # others may have probes of their own in `temp`
                with suppress(OSError):
                    for probe in list(folder.glob(f"{prefix}*")):
                        probe.unlink(missing_ok=True)
    with suppress(OSError):
        for name, path in partial_files(records / PROGRESS):
            shard_name = name.removesuffix(".json")
            if SHARD_NAME.fullmatch(shard_name) and (
                shard_name == owner or not is_locked(records / f"{shard_name}.lock")
            ):
                path.unlink(missing_ok=True)
    with suppress(OSError), FileLock(records / "failures.lock"):
        remove_partial_files(output, (FAILURES,))
    with suppress(OSError):  # not empty, or not there
        temp.rmdir()


def remove_partial_files(folder: Path, names: Collection[str]) -> None:
    """Remove the unfinished files of those names; for the holder of the lock under which they are written."""
    with suppress(OSError):
        for name, path in list(partial_files(folder)):
            if name in names:
                path.unlink(missing_ok=True)


def staging_folders(folder: Path, output: Path) -> Iterator[Path]:
    """The staging folders of an output folder in a folder."""
    with suppress(OSError):
        for path in list(folder.iterdir()):
            match = STAGING_NAME.fullmatch(path.name)
            if match is not None and match["output"] == output_id(output) and not path.is_symlink():
                yield path


def is_locked(path: Path) -> bool:
    """Whether a process holds a lock; True where that cannot be told."""
    if not path.exists():
        return False
    try:
        with FileLock(path, timeout=0):
            return False
    except (Timeout, OSError):
        return True
