"""Files written whole: under another name, then moved into place. Nothing half written is ever seen."""

import errno
import os
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class DiskFullError(OSError):
    """The disk of the output folder is full. Nothing half written is left."""


@contextmanager
def translate_disk_full() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(error.errno, error.strerror) from None
        raise


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file by new content in one step."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with translate_disk_full():
            temporary.write_bytes(content)
            os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def writable_file(text: str) -> Path:
    """A command's argument that names a file to write; argparse refuses one that cannot be written."""
    path = Path(text)
    if path.is_dir() or not os.access(path.resolve().parent, os.W_OK):
        raise ArgumentTypeError(f"{text} cannot be written to; name a file in a folder that is there")
    return path
