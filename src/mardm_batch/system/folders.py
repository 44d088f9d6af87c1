"""Folders that cannot be used: why, in one line, and which settings name others."""

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mardm_batch.errors import InputError

NO_FOLDER = "no such folder"
"""What is wrong with the path of a folder under whose name nothing is."""


def check_working_folder() -> None:
    """Check that settings can hold the path of the working folder.

    Raises:
        InputError: it was deleted, or its path has bytes that are no text or a `${`.
    """
    try:
        folder = os.getcwd()
    except FileNotFoundError:
        raise InputError("the working folder was deleted or moved: change to another one (cd)") from None
    check_utf8("the working folder ", folder)
    if "${" in folder:
        raise InputError(
            f"the working folder {folder} has ${{ in its path, which settings take for the name of another setting: "
            "change to another one (cd)"
        )


def check_utf8(what: str, text: str) -> None:
    """Raises InputError where a text holds bytes that are not UTF-8: lists, logs and settings cannot hold it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError(f"{what}{text}: the name is not UTF-8; rename it, or use another") from None


def check_folder(folder: Path, advice: str) -> None:
    """Check that a path is a folder, or a link to one. Raises InputError, ending with the advice, where it is not."""
    if (problem := folder_problem(folder)) is not None:
        raise InputError(f"{folder}: {problem}; {advice}")


def folder_problem(folder: Path) -> str | None:
    """Why a path is no folder: `NO_FOLDER` where nothing is there; None where it is one."""
    try:
        problem = _problem(folder)
    except OSError as error:  # too long a name, or above it a folder that may not be entered
        return f"cannot be read: {error.strerror}"
    return problem if problem is not None or folder.is_dir() else obstacle(folder) or NO_FOLDER


def obstacle(folder: Path) -> str | None:
    """What keeps a path from being a folder: a dangling link or a file, here or above it, or that it cannot be looked
    at; None where nothing does."""
    for each in (folder, *folder.parents):
        try:
            if (problem := _problem(each)) is not None:
                return f"{each} {problem}"
        except OSError as error:  # too long a name, or above it a folder that may not be entered
            return str(error.strerror)
    return None


def _problem(path: Path) -> str | None:
    """What a path is that is there and is no folder; None for a folder or nothing. Raises OSError."""
    try:
        return None if stat.S_ISDIR(os.stat(path).st_mode) else "is not a folder"
    except (FileNotFoundError, NotADirectoryError):
        return f"is a link to {os.readlink(path)}, which does not exist" if path.is_symlink() else None
    except OSError as error:
        if error.errno == errno.ELOOP:
            return "is a link that leads back to itself" if path.is_symlink() else None
        raise


def unwritable_reason(folder: Path, error: OSError) -> str:
    """Why nothing can be written into a folder that exists or was to be made."""
    if (reason := obstacle(folder)) is not None:
        return reason
    inside = error.filename is not None and Path(error.filename).parent.absolute() == folder.absolute()
    if inside:
        return f"{Path(error.filename).name}: {error.strerror}"
    return "a folder cannot be made there" if error.errno == errno.ENOENT else str(error.strerror)


def is_writable(folder: Path) -> bool:
    """Whether a folder, or the nearest existing one above it, can be written to."""
    nearest = next(each for each in (folder, *folder.absolute().parents) if os.path.exists(each))
    return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)


@contextmanager
def explain_unwritable(setting: str, folder: Path, others: Mapping[str, str]) -> Iterator[None]:
    """Name the setting of a folder that cannot be written to.

    Args:
        others: further folders by their settings; those that cannot be written to either are named too.

    Raises:
        InputError: for an OSError, or one that kept a log file from being opened.
    """
    try:
        yield
    except (OSError, ValueError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        if not isinstance(cause, OSError):
            raise
        raise unwritable(setting, folder, cause, others) from None


def unwritable(setting: str, folder: Path, error: OSError, others: Mapping[str, str]) -> InputError:
    """The error about a folder that cannot be written to. Its arguments are those of `explain_unwritable`."""
    settings = [setting, *unwritable_settings(others)]
    advice = "name another folder: " + " ".join(f"{each}=DIR" for each in settings)
    return InputError(f"{setting}={folder}: cannot be written to: {unwritable_reason(folder, error)}; {advice}")


def unwritable_settings(folders: Mapping[str, str]) -> Iterable[str]:
    return [setting for setting, folder in folders.items() if not is_writable(Path(folder).expanduser())]
