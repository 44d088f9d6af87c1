"""What killed processes left in the folders of a data set; whoever holds a lock clears what it guards."""

import re
import shutil
import stat
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from filelock import Timeout

from mardm_batch.dataset.layout import (
    CAPTION_CACHE_PREFIX,
    CARD,
    FAILURES,
    METADATA,
    PROBE_PREFIX,
    PROGRESS,
    RECORDS,
    STAGING_PREFIX,
)
from mardm_batch.dataset.locks import SECONDS_TO_WAIT, file_lock, list_lock
from mardm_batch.dataset.progress import MAX_PID
from mardm_batch.dataset.staging import output_id
from mardm_batch.system.files import partial_files
from mardm_batch.system.processes import process_is_alive

STAGING_NAME = re.compile(re.escape(STAGING_PREFIX) + r"(?P<owner>all|shard-\d+-of-\d+)-(?P<output>[0-9a-f]{8})")
CACHE_NAME = re.compile(
    re.escape(CAPTION_CACHE_PREFIX) + r"(?P<owner>all|shard-\d+-of-\d+)-(?P<output>[0-9a-f]{8})-[0-9a-f]+\.safetensors"
)
BLOCK_FILE = re.compile(r"(?P<owner>all|shard-\d+-of-\d+)-\d{5,}\.(?:tar|parquet)")
"""Blocks of the layout `shards`, which are written in the output folder itself."""
SHARD_NAME = re.compile(r"all|shard-\d+-of-\d+")
EARLIER_PROBE = re.compile(re.escape(STAGING_PREFIX + PROBE_PREFIX) + "[0-9]+")
"""Probes of earlier versions, named by a process id; they were in the output folder itself."""
EARLIER_POSE_FILE = re.compile(r"\..+\.(?:npy|json|png)\.(?P<pid>[1-9][0-9]{0,9})")
"""Unfinished files of poses of earlier versions, named by a process id; they were in the output folder itself."""
LISTS = {"failures": (FAILURES,), "metadata": (METADATA, CARD)}
"""By lock the lists that are written under it."""


def clear_leftovers(output: Path, temp: Path, owner: str) -> None:
    """Remove what dead processes left of an output folder, here and in `temp`; for the holder of a shard's lock.

    That is: staging folders and unfinished blocks of shards that no process works on, unfinished lists and progress,
    probes, unfinished files of poses of earlier versions, and embeddings of captions of another division into shards.
    What cannot be removed, or may be in use, stays.

    Args:
        owner: the shard whose lock the caller holds.
    """
    records = output / RECORDS

    def is_dead(shard: str) -> bool:
        return shard == owner or not is_locked(records / f"{shard}.lock")

    for folder in (temp, records):
        for staging, shard in staging_folders(folder, output):
            if is_dead(shard):
                shutil.rmtree(staging, ignore_errors=True)
        for prefix in (PROBE_PREFIX, f"{STAGING_PREFIX}{PROBE_PREFIX}"):
            if folder == records or prefix != PROBE_PREFIX:  # others may have probes of their own in `temp`
                with suppress(OSError):
                    for probe in list(folder.glob(f"{prefix}*")):
                        probe.unlink(missing_ok=True)
    with suppress(OSError):
        for name, path in partial_files(records / PROGRESS):
            shard = name.removesuffix(".json")
            if SHARD_NAME.fullmatch(shard) and is_dead(shard):
                path.unlink(missing_ok=True)
    partial: list[tuple[str, Path]] = []
    with suppress(OSError):
        partial = list(partial_files(output))
        for name, path in partial:
            block = BLOCK_FILE.fullmatch(name)
            if block is not None and is_dead(block["owner"]):
                path.unlink(missing_ok=True)
    clear_lists(output, partial)
    clear_earlier_pose_files(output, owner, partial)
    for cache, shard in caption_caches(temp, output):
        # A whole one of the same division is read when its shard is resumed.
        unfinished, divided_alike = cache.name.startswith("."), number_of_shards(shard) == number_of_shards(owner)
        if (unfinished or not divided_alike) and is_dead(shard):
            remove_file(cache)
    remove_if_empty(temp)


def clear_lists(output: Path, partial: Sequence[tuple[str, Path]]) -> None:
    """Remove the lists among the unfinished files in the output folder itself, each under its lock, and probes of
    earlier versions."""
    with suppress(OSError):
        for probe in list(output.glob(f"{STAGING_PREFIX}{PROBE_PREFIX}*")):
            if EARLIER_PROBE.fullmatch(probe.name):
                remove_file(probe)
        for lock, names in LISTS.items():
            left = [path for name, path in partial if name in names]
            if left:  # whoever wrote one of them held the lock, and no longer does
                with suppress(OSError), list_lock(output, lock, SECONDS_TO_WAIT):
                    for path in left:
                        path.unlink(missing_ok=True)


def clear_earlier_pose_files(output: Path, owner: str, partial: Sequence[tuple[str, Path]]) -> None:
    """Remove the unfinished files of poses that dead processes of earlier versions left, where no other shard is at
    work, whose process may run on another machine. Links, and what is no regular file, stay."""
    with suppress(OSError):
        left = [path for _, path in partial if is_earlier_pose_file(path)]
        if left and is_alone(output, owner):
            for path in left:
                path.unlink(missing_ok=True)


def is_earlier_pose_file(path: Path) -> bool:
    """Whether it is a regular file with the name of an unfinished one of a pose, whose process no longer exists."""
    match = EARLIER_POSE_FILE.fullmatch(path.name)
    if match is None or int(match["pid"]) >= MAX_PID or not stat.S_ISREG(path.lstat().st_mode):
        return False
    return not process_is_alive(int(match["pid"]))


def clear_caption_cache(output: Path, temp: Path, owner: str) -> None:
    """Remove the embeddings of a shard's captions, which an interrupted run left, where no pose is to be made."""
    for cache, shard_name in caption_caches(temp, output):
        if shard_name == owner:
            remove_file(cache)
    remove_if_empty(temp)


def caption_caches(temp: Path, output: Path) -> list[tuple[Path, str]]:
    """The files in `temp` with embeddings of captions of an output folder, unfinished ones too, and their shards."""
    found = []
    with suppress(OSError):
        names = [(path.name, path) for path in temp.iterdir()] + list(partial_files(temp))
        for name, path in names:
            match = CACHE_NAME.fullmatch(name)
            if match is not None and match["output"] == output_id(output):
                found.append((path, match["owner"]))
    return found


def number_of_shards(shard: str) -> str:
    """Of the division that a shard is of, as in its name; "" of all prompts."""
    return shard.partition("-of-")[2]


def remove_file(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)


def remove_if_empty(folder: Path) -> None:
    with suppress(OSError):  # not empty, or not there
        folder.rmdir()


def remove_partial_files(folder: Path, names: Collection[str]) -> None:
    """Remove the unfinished files of those names; for the holder of the lock under which they are written."""
    with suppress(OSError):
        for name, path in list(partial_files(folder)):
            if name in names:
                path.unlink(missing_ok=True)


def staging_folders(folder: Path, output: Path) -> Iterator[tuple[Path, str]]:
    """The staging folders of an output folder in a folder, each with its shard."""
    with suppress(OSError):
        for path in list(folder.iterdir()):
            match = STAGING_NAME.fullmatch(path.name)
            if match is not None and match["output"] == output_id(output) and not path.is_symlink():
                yield path, match["owner"]


def is_alone(output: Path, owner: str) -> bool:
    """Whether no process works on another shard of the folder."""
    locks = (path for path in (output / RECORDS).glob("*.lock") if SHARD_NAME.fullmatch(path.stem))
    return not any(path.stem != owner and is_locked(path) for path in locks)


def is_locked(path: Path) -> bool:
    """Whether a process holds a lock; True where that cannot be told."""
    if not path.exists():
        return False
    try:
        with file_lock(path).acquire(timeout=0):
            return False
    except (Timeout, OSError):
        return True
