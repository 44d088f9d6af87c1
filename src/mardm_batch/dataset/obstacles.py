"""What is in the place of an output folder's own files and folders, so that nothing can be written there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from mardm_batch.dataset.layout import CARD, FAILURES, METADATA, PROGRESS, RECORDS, REVIEWS, repair_command
from mardm_batch.system.files import UnusableFileError, file_kind

LISTS: Final = (METADATA, FAILURES, REVIEWS, CARD)


class ObstacleError(UnusableFileError):
    """Something is in the place of a file of an output folder; the message has the command that sets it aside."""


@contextmanager
def naming_obstacles(output: Path) -> Iterator[None]:
    """Raise ObstacleError where what bears the name of a file of an output folder is none, or too large."""
    try:
        yield
    except ObstacleError:
        raise
    except (UnusableFileError, IsADirectoryError) as error:
        words = error.strerror if isinstance(error, UnusableFileError) else "is a folder"
        path = os.fsdecode(error.filename2 or error.filename)
        raise ObstacleError(error.errno, f"{words}; {repair_command(output)} sets it aside", path) from None


def in_records(output: Path) -> Iterator[Path]:
    """What is in the place of a folder or lock of the records. Links are not followed."""
    records = output / RECORDS
    folders = [path for path in (records, records / PROGRESS) if path.is_symlink() or not path.is_dir()]
    locks = [path for path in records.glob("*.lock") if path.is_symlink() or not path.is_file()]
    yield from filter(os.path.lexists, (*folders, *locks))


def in_lists(output: Path) -> Iterator[Path]:
    """What is in the place of a list."""
    yield from (path for name in LISTS if os.path.lexists(path := output / name) and not path.is_file())


def described(output: Path, path: Path) -> str:
    """What is in the way, and the command that sets it aside."""
    return f"{path} is {file_kind(path.lstat().st_mode)}; {repair_command(output)} sets it aside"
