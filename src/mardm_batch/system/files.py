"""Files written whole and read with care.

Written under another, random name, then moved into place: nothing half written is ever seen, and no link is followed.
Read only where they are regular files of a sane size: a FIFO or device would block the reader, or never end.
"""

import errno
import os
import re
import stat
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Final
from uuid import uuid4

MAX_FILE_BYTES: Final = 2**26
"""Of a file of a single pose or a small record."""
MAX_LIST_BYTES: Final = 2**30
"""Of a list: prompts, metadata, failures."""
Version = tuple[int, int, int]
"""Of a file: when it was changed, its inode and its size."""
_NEVER_WAIT: Final = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_CLOEXEC", 0)
_BYTES_AT_ONCE: Final = 2**20
_NOFOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)
_PARTIAL: Final = re.compile(r"\.(?P<name>.+)\.(?:[0-9a-f]{32}\.partial|[0-9]+)")


class DiskFullError(OSError):
    """The disk of the output folder is full. Nothing half written is left."""


class UnusableFileError(OSError):
    """What bears a file's name is no regular file (a folder, FIFO, device or socket), or is too large to be read."""


@contextmanager
def translate_disk_full(path: Path | None = None) -> Iterator[None]:
    """Raise DiskFullError, with the path of what is written, for the errors of a full disk or quota."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(error.errno, error.strerror, path and str(path)) from None
        raise


# Reading --------------------------------------------------------------------------------------------------------------


def check_regular(path: Path | str, max_bytes: int = MAX_FILE_BYTES) -> None:
    """Check, without opening it, that a path is a regular file of at most `max_bytes`, or a link to one.

    Raises:
        UnusableFileError: it is not.
        OSError: it does not exist, or its status cannot be read.
    """
    _check(path, os.stat(path), max_bytes)


def open_regular(path: Path | str, max_bytes: int = MAX_FILE_BYTES) -> BinaryIO:
    """Open a file for reading; raises as `check_regular`, which comes first: opening a device may have effects."""
    descriptor, _ = _open_regular(path, max_bytes)
    return os.fdopen(descriptor, "rb")


def read_regular(path: Path | str, max_bytes: int = MAX_FILE_BYTES) -> bytes:
    """The content of a file; raises as `check_regular`, also where more than its size says comes out of it."""
    descriptor, size = _open_regular(path, max_bytes)
    try:
        return _content(descriptor, size, path, max_bytes)
    finally:
        os.close(descriptor)


def read_listed(path: str, max_bytes: int = MAX_FILE_BYTES) -> tuple[bytes, os.stat_result]:
    """Content and status of a file that was a regular one when its folder was listed just now: it is opened at once.

    Raises:
        UnusableFileError: it is none any more, or is larger than `max_bytes`.
        OSError: it does not exist, or cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | _NEVER_WAIT)
    try:
        status = os.fstat(descriptor)
        _check(path, status, max_bytes)
        return _content(descriptor, status.st_size, path, max_bytes), status
    finally:
        os.close(descriptor)


def _content(descriptor: int, size: int, path: Path | str, max_bytes: int) -> bytes:
    content = os.read(descriptor, size + 1)
    if len(content) == size:  # as a rule; one that grows meanwhile, or comes in pieces, is read to its end
        return content
    parts, length = [content], len(content)
    while content and length <= max_bytes:
        content = os.read(descriptor, _BYTES_AT_ONCE)
        parts.append(content)
        length += len(content)
    if length > max_bytes:
        raise _too_large(path, max_bytes)
    return b"".join(parts)


def _open_regular(path: Path | str, max_bytes: int) -> tuple[int, int]:
    """A descriptor that reads a file, and the file's size."""
    check_regular(path, max_bytes)
    descriptor = os.open(path, os.O_RDONLY | _NEVER_WAIT)
    try:
        status = os.fstat(descriptor)
        _check(path, status, max_bytes)  # it may have been exchanged meanwhile
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor, status.st_size


def open_for_appending(path: Path) -> FileIO:
    """Open a file, which may be new, for reading and appending, unbuffered. A link is not followed.

    Raises:
        UnusableFileError: it exists and is not a regular file.
        OSError: it is a link, or cannot be opened.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | _NEVER_WAIT | _NOFOLLOW
    with suppress(FileNotFoundError):
        _check(path, os.lstat(path), None)
    descriptor = os.open(path, flags, 0o666)
    try:
        _check(path, os.fstat(descriptor), None)
        return FileIO(descriptor, "ab+")
    except BaseException:
        os.close(descriptor)
        raise


def file_version(status: os.stat_result) -> Version:
    """What tells a file from one that took its place or has grown."""
    return status.st_mtime_ns, status.st_ino, status.st_size


def _check(path: Path | str, status: os.stat_result, max_bytes: int | None) -> None:
    if not stat.S_ISREG(status.st_mode):
        number = errno.EISDIR if stat.S_ISDIR(status.st_mode) else errno.EINVAL
        raise UnusableFileError(number, f"is {file_kind(status.st_mode)}, not a regular file", str(path))
    if max_bytes is not None and status.st_size > max_bytes:
        raise _too_large(path, max_bytes)


def file_kind(mode: int) -> str:
    """What a path is, by its mode."""
    kinds = {stat.S_IFREG: "a file", stat.S_IFDIR: "a folder", stat.S_IFLNK: "a link"}
    kinds |= {stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def _too_large(path: Path | str, max_bytes: int) -> UnusableFileError:
    return UnusableFileError(errno.EFBIG, f"is larger than {max_bytes / 2**20:,.0f} MiB", str(path))


# Writing --------------------------------------------------------------------------------------------------------------


def write_new(path: Path | str, content: bytes) -> None:
    """Write a file that must not be there yet; neither a link nor anything else under its name is written to.

    Raises:
        FileExistsError: it exists.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW | getattr(os, "O_CLOEXEC", 0), 0o666)
    with FileIO(descriptor, "wb") as file:
        written = file.write(content)
        while written < len(content):  # the disk may be full soon
            written += file.write(memoryview(content)[written:])


def random_sibling(path: Path) -> Path:
    """A hidden, random name beside `path`, as unfinished files have; `partial_files` finds it."""
    return path.with_name(f".{path.name}.{uuid4().hex}.partial")


def partial_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """The unfinished files in a folder, each with the name that it was to have. Raises OSError."""
    for entry in os.scandir(folder):
        match = _PARTIAL.fullmatch(entry.name) if entry.name[0] == "." else None
        if match is not None and not entry.is_dir(follow_symlinks=False):
            yield match["name"], Path(entry.path)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new, empty file beside `path`, which takes its place in one step unless an error comes.

    Its name is random and it is made anew, so that no other process writes to it or waits there with a link.

    Raises:
        DiskFullError: there is no space; nothing half written is left.
    """
    temporary = random_sibling(path)
    try:
        with translate_disk_full(path):
            write_new(temporary, b"")
            yield temporary
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file by new content in one step. Raises as `replacing` does."""
    temporary = random_sibling(path)
    try:
        with translate_disk_full(path):
            write_new(temporary, content)
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def writable_file(text: str) -> Path:
    """The type of an argument that names a file to write; argparse reports one that cannot be written."""
    path = Path(text)
    try:
        check_replaceable(path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        if isinstance(error, UnusableFileError):
            raise ArgumentTypeError(f"{text}: {reason}") from None
        if isinstance(error, (FileNotFoundError, NotADirectoryError)):
            reason = "name a file in an existing folder"
        raise ArgumentTypeError(f"{text} cannot be written to: {reason}") from None
    return path


def check_replaceable(path: Path) -> None:
    """Check that a file can be written whole under a name that the user gave, by making one beside it for a moment.

    Raises:
        UnusableFileError: what bears the name is no regular file, nor a link to one or to nothing.
        OSError: no file can be made in the folder.
    """
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(mode := os.stat(path).st_mode):
            raise UnusableFileError(errno.EINVAL, f"is {file_kind(mode)}, not a file", str(path))
    if path.is_symlink() and os.readlink(path).startswith("/proc/"):  # such as /dev/stdout
        raise UnusableFileError(errno.EINVAL, "is a link to an open file, not a file", str(path))
    probe = random_sibling(path)
    try:
        write_new(probe, b"")
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)


def unless_circular(check: Callable[[], bool]) -> bool:
    """The result of a check that follows links, such as `entry.is_file`; False for a link to itself. Raises OSError."""
    try:
        return check()
    except OSError as error:
        if error.errno == errno.ELOOP:
            return False
        raise
