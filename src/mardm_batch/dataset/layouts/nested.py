"""The files in 1,024 folders of two characters, ab/NAME.png: a million poses have some 3,000 files in each.

The folder follows from the name alone: the first two characters of the base 32 of its SHA-256, in lower case.
"""

import hashlib
import os
from collections.abc import Iterator
from typing import ClassVar, Final

from mardm_batch.dataset.layouts.layout import Layout
from mardm_batch.system.files import unless_circular

CHARACTERS: Final = "abcdefghijklmnopqrstuvwxyz234567"
FOLDERS: Final = tuple(one + other for one in CHARACTERS for other in CHARACTERS)
PLACES: Final = frozenset(FOLDERS)


class NestedLayout(Layout):
    """See the module."""

    NAME: ClassVar[str] = "nested"

    def place(self, name: str, suffix: str) -> str:
        """See `Layout.place`."""
        return f"{folder_of(name)}/{name}{suffix}"

    def folders(self) -> Iterator[str]:
        """See `Layout.folders`: those of the 1,024 that exist."""
        with os.scandir(self.output) as entries:
            names = [each.name for each in entries if each.name in PLACES and unless_circular(each.is_dir)]
        yield from sorted(names)

    def obstacles(self) -> Iterator[str]:
        """See `Layout.obstacles`."""
        with os.scandir(self.output) as entries:
            names = [entry.name for entry in entries if entry.name in PLACES and not os.path.isdir(entry.path)]
        yield from names

    def prepare(self) -> None:
        """See `Layout.prepare`."""
        for folder in FOLDERS:
            (self.output / folder).mkdir(exist_ok=True)


def folder_of(name: str) -> str:
    """The folder of a pose by its name."""
    digest = hashlib.sha256(name.encode(errors="surrogateescape")).digest()
    return FOLDERS[digest[0] << 2 | digest[1] >> 6]
