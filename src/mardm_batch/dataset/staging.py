"""Staging folders: where files are written before they are moved into the output folder in one step."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from mardm_batch.dataset.layout import CAPTION_CACHE_PREFIX, PROBE_PREFIX, RECORDS, STAGING_PREFIX
from mardm_batch.system.files import write_new
from mardm_batch.system.folders import unwritable


@contextmanager
def staging_folder(temp: Path, output: Path, owner: str) -> Iterator[Path]:
    """An empty folder from which files can be moved into the output folder in one step.

    It is in `temp`, or hidden in `output` where `temp` is on another disk. What an earlier run with the
    same owner and output left is removed first. The folder is removed at the end, and `temp` too if it is empty then.

    Raises:
        InputError: it cannot be created.
    """
    try:
        temp.mkdir(parents=True, exist_ok=True)
        base = temp if can_move(temp, output / RECORDS) else output / RECORDS
        folder = base / f"{STAGING_PREFIX}{owner}-{output_id(output)}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)  # another run that ended may have removed `temp`, empty
    except OSError as error:
        raise unwritable("paths.temp", temp, error, {"paths.output": str(output)}) from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # another run's files are in it
            temp.rmdir()


def output_id(output: Path) -> str:
    """Stands for an output folder in the names of its staging folders."""
    return hashlib.sha256(os.fsencode(output.resolve())).hexdigest()[:8]


def caption_cache_name(output: Path, owner: str) -> str:
    """Begins the names of files in `paths.temp` that hold the embeddings of a shard's captions."""
    return f"{CAPTION_CACHE_PREFIX}{owner}-{output_id(output)}"


def can_move(source: Path, target: Path) -> bool:
    """Whether files can be moved from one folder into the other in one step, which needs one file system."""
    token = uuid4().hex
    probe, moved = (folder / f"{STAGING_PREFIX}{PROBE_PREFIX}{token}" for folder in (source, target))
    try:
        write_new(probe, b"")
        os.replace(probe, moved)
    except OSError:
        return False
    finally:
        probe.unlink(missing_ok=True)
        moved.unlink(missing_ok=True)
    return True
