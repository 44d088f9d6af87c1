"""What a layout is: where the files of the poses of an output folder lie. Nobody else builds their paths."""

import errno
import os
import stat
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, NamedTuple

from mardm_batch.dataset.formats.json_file import JSON
from mardm_batch.dataset.formats.registry import FORMATS, split_file_name
from mardm_batch.dataset.records import Changed, Finished
from mardm_batch.system.files import read_regular, unless_circular


class PoseFile(NamedTuple):
    """A file of a pose. `place`: its path from the output folder."""

    name: str
    suffix: str
    place: str


class Layout(ABC):
    """The files of poses in one output folder."""

    NAME: ClassVar[str]
    HAS_FILES: ClassVar[bool] = True
    """Whether every file of a pose is one on disk; else poses are held in larger files, with their metadata."""

    def __init__(self, output: Path) -> None:
        self.output = output

    @abstractmethod
    def place(self, name: str, suffix: str) -> str:
        """The path from the output folder of a file of a pose."""

    @abstractmethod
    def folders(self) -> Iterator[str]:
        """The folders, from the output folder, in which the files of poses lie; "" is the output folder itself."""

    def path(self, name: str, suffix: str) -> Path:
        """The file of a pose."""
        return self.output / self.place(name, suffix)

    def text_path(self, name: str, suffix: str) -> str:
        """As `path`, which is an object and takes longer to make than the system to find the file."""
        return f"{self.output}/{self.place(name, suffix)}"

    def read(self, name: str, suffix: str) -> bytes:
        """The content of a file of a pose. Raises OSError, such as FileNotFoundError."""
        return read_regular(self.text_path(name, suffix))

    def changed(self, name: str, suffix: str) -> Changed | None:
        """The version of a file of a pose; None where there is no such file, or none that is a regular one.

        Raises:
            OSError: that cannot be told, perhaps only for the moment.
        """
        try:
            status = os.stat(self.text_path(name, suffix))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            return None
        return version_of(status) if stat.S_ISREG(status.st_mode) else None

    def files(self) -> Iterator[PoseFile]:
        """Every file that has the name and the place of a file of a pose. Raises OSError."""
        for folder in self.folders():
            prefix = f"{folder}/" if folder else ""
            for name, suffix, file_name in self.files_in(folder):
                yield PoseFile(name, suffix, prefix + file_name)

    def files_in(self, folder: str) -> Iterator[tuple[str, str, str]]:
        """Name of the pose, suffix and file name of the files of poses in one of the folders. Raises OSError."""
        suffixes = {*FORMATS, JSON.suffix}
        with os.scandir(self.output / folder) as entries:
            for entry in entries:
                file_name = entry.name
                name = file_name.partition(".")[0]
                suffix = file_name[len(name) :]
                if suffix not in suffixes or "@" in name:
                    split = split_file_name(file_name)
                    if split is None:
                        continue
                    name, suffix = split[0], split[1].suffix
                is_file = unless_circular(entry.is_file) if entry.is_symlink() else entry.is_file()
                if is_file and (not folder or f"{folder}/{file_name}" == self.place(name, suffix)):
                    yield name, suffix, file_name

    def view_suffixes(self) -> frozenset[str]:
        """The suffixes of pictures from other sides that there are. Raises OSError."""
        splits = []
        for folder in self.folders():
            with os.scandir(self.output / folder) as entries:
                splits += [split_file_name(entry.name) for entry in entries if "@" in entry.name]
        return frozenset(split[1].suffix for split in splits if split is not None and split[1].suffix[0] == "@")

    def poses(self) -> dict[str, frozenset[str]]:
        """By name of each pose of which there is a JSON, the suffixes of its files. Raises OSError."""
        known: dict[frozenset[str], frozenset[str]] = {}
        with_another: dict[tuple[frozenset[str], str], frozenset[str]] = {}
        found: dict[str, frozenset[str]] = {}
        for folder in self.folders():
            for name, suffix, _ in self.files_in(folder):
                key = found.get(name, NONE), suffix
                if key not in with_another:
                    suffixes = key[0] | {suffix}
                    with_another[key] = known.setdefault(suffixes, suffixes)
                found[name] = with_another[key]
        return {name: suffixes for name, suffixes in found.items() if JSON.suffix in suffixes}

    def files_of(self, name: str, suffixes: Collection[str]) -> tuple[str, ...]:
        """The files on disk that hold those of a pose, by their paths from the output folder."""
        return tuple(self.place(name, suffix) for suffix in suffixes)

    def own_files(self) -> frozenset[str]:
        """Files in the output folder that hold poses and are not files of one pose."""
        return frozenset()

    def obstacles(self) -> Iterator[str]:
        """What is in the place of folders or larger files of poses, by paths from the output folder. Raises OSError."""
        yield from ()

    def broken_tables(self) -> Iterator[str]:
        """Tables beside larger files of poses that are missing or cannot be read, by paths; a run makes them anew."""
        yield from ()

    def look(self) -> None:
        """Take notice of what other processes wrote. Raises OSError."""
        return

    @contextmanager
    def at_hand(self, names: Sequence[str]) -> Iterator["Layout"]:
        """A layout in which each file of poses of these names is one on disk."""
        yield self

    def remove(self, names: Collection[str]) -> None:
        """Remove poses, the JSON of each first. Raises OSError."""
        poses = self.poses()
        for name in names:
            for suffix in (JSON.suffix, *poses.get(name, ())):
                self.path(name, suffix).unlink(missing_ok=True)

    # Writing; the shard's lock is held --------------------------------------------------------------------------

    @property
    def landing(self) -> "Layout":
        """Where the files of a pose are written."""
        return self

    def prepare(self) -> None:
        """Make the folders in which the files of poses lie.

        Raises:
            InputError: a package that it takes is not installed.
            OSError: they cannot be made.
        """
        return

    def start(self, owner: str, suffixes: Collection[str]) -> None:
        """Begin to write poses of a shard, with files of these suffixes beside the JSON. Raises OSError."""
        return

    def settle(self, pose: Finished) -> list[Finished]:
        """Take over a pose that was written; returns the poses that are in their final place now. Raises OSError."""
        return [pose]

    def flush(self) -> list[Finished]:
        """Bring the poses that wait to their final place, and return them. Raises OSError."""
        return []


def version_of(status: os.stat_result) -> Changed:
    """The version of a file by its status."""
    return status.st_mtime_ns, status.st_size


NONE: frozenset[str] = frozenset()
