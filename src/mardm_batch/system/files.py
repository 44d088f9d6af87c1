"""Files written whole: under another name, then moved into place. Nothing half written is ever seen."""

import errno
import os
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


class DiskFullError(OSError):
    """The disk of the output folder is full. Nothing half written is left."""


@contextmanager
def translate_disk_full() -> Iterator[None]:
    """Raise DiskFullError for the errors of a full disk or quota."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(error.errno, error.strerror) from None
        raise


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new file beside `path`, which takes its place in one step unless an error comes.

    Its name is random, so that no other process writes to it or waits there with a link.

    Raises:
        DiskFullError: there is no space; nothing half written is left.
    """
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.partial")
    try:
        with translate_disk_full():
            yield temporary
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file by new content in one step. Raises as `replacing` does."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def writable_file(text: str) -> Path:
    """The type of an argument that names a file to write; argparse reports one that cannot be written."""
    path = Path(text)
    if path.is_dir() or not os.access(path.resolve().parent, os.W_OK):
        raise ArgumentTypeError(f"{text} cannot be written to; name a file in a folder that is there")
    return path
