"""The content of an output folder: files, folders, and obstacles in the place of our own files and folders."""

import os
import stat
from collections.abc import Container
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mardm_batch.dataset.formats.json_file import JSON
from mardm_batch.dataset.formats.registry import split_file_name
from mardm_batch.dataset.layout import LAYOUT_RECORD, PROGRESS, RECORDS
from mardm_batch.dataset.layouts.layout import NONE, Layout
from mardm_batch.dataset.layouts.registry import LAYOUTS, layout_of
from mardm_batch.dataset.obstacles import LISTS
from mardm_batch.dataset.sweeps import SWEEP_RECORD
from mardm_batch.errors import InputError
from mardm_batch.system.files import file_kind, unless_circular
from mardm_batch.system.folders import check_folder
from mardm_batch.system.garbage import no_garbage_search

REMOVED: Final = f"{RECORDS}/removed"
"""Where a repair moves files, from the output folder."""
FOLDERS: Final = (RECORDS, REMOVED, f"{RECORDS}/{PROGRESS}")
"""Folders of the records, which must be no links."""
FOLDER_FOR_FILE: Final = "a folder in the place of a file"


@dataclass
class Listing:
    """The content of an output folder, by paths from it."""

    poses: dict[str, frozenset[str]] = field(default_factory=dict)
    """By name of each pose the suffixes of its files that lie where they should."""
    sizes: dict[str, int] = field(default_factory=dict)
    """Bytes of each file that is of no pose, those of the hidden records included."""
    disk: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Number of files and bytes of each type of file."""
    folders: list[str] = field(default_factory=list)
    misplaced: dict[str, str] = field(default_factory=dict)
    """What is neither a file nor a folder, or is a folder, file or link where a run needs the other: what it is."""

    def count(self, kind: str, size: int) -> None:
        files, total = self.disk.get(kind, (0, 0))
        self.disk[kind] = (files + 1, total + size)

    def has(self, place: str, layout: Layout) -> bool:
        """Whether there is a file at a path."""
        split = split_file_name(place.rpartition("/")[2])
        if split is None or layout.place(split[0], split[1].suffix) != place:
            return place in self.sizes
        return split[1].suffix in self.poses.get(split[0], ())

    @property
    def finished_or_damaged(self) -> list[str]:
        """The names of the poses that have a JSON, sorted."""
        return sorted(name for name, suffixes in self.poses.items() if JSON.suffix in suffixes)


@no_garbage_search()
def list_files(output: Path) -> Listing:
    """List an output folder without opening anything. A folder with the name of a file of a pose is in its way.

    Raises:
        InputError: the output folder cannot be read.
    """
    check_folder(output, "name the folder that a run wrote its poses to")
    listing, layout = Listing(), layout_of(output)
    for path in FOLDERS:
        if os.path.lexists(output / path) and (os.path.islink(output / path) or not os.path.isdir(output / path)):
            listing.misplaced[path] = "no folder of its own"
    try:
        listing.misplaced |= in_place_of_poses(output)
        folders = [""] + [folder for folder in layout.folders() if folder]
        below = [path for folder in folders for path in add_folder(listing, layout, folder)]
    except OSError as error:
        raise InputError(f"{output}: cannot be read: {error.strerror}") from None
    if not layout.HAS_FILES:
        listing.poses = layout.poses()
        for path in layout.own_files():
            listing.sizes.pop(path, None)
    for path in below:
        if path in folders or path in listing.misplaced:
            continue
        if path in LISTS or is_for_pose(path, layout, listing.poses):
            listing.misplaced[path] = FOLDER_FOR_FILE
        else:
            listing.folders.append(path)
    listing.folders.sort()
    if RECORDS not in listing.misplaced:
        add_records(listing, output)
    listing.misplaced.pop(LAYOUT_RECORD, None)  # a damaged one, whatever it is, is a problem of its own
    listing.disk = dict(sorted(listing.disk.items(), key=lambda item: -item[1][1]))
    return listing


def in_place_of_poses(output: Path) -> dict[str, str]:
    """What is in the way of any layout, to which poses may be moved, by its path: what it is. Raises OSError.

    A file in the way of another layout than the folder's own is an unknown file like any other.
    """
    own = layout_of(output).NAME
    modes = {
        path: mode
        for name, layout in LAYOUTS.items()
        for path in layout(output).obstacles()
        if not stat.S_ISREG(mode := (output / path).lstat().st_mode) or name == own
    }
    return {path: f"{file_kind(mode)} in the place of poses" for path, mode in modes.items()}


def find_obstacles(listing: Listing, layout: Layout, pose_names: Container[str]) -> None:
    """Count the folders as misplaced that are in the way of a file of a requested pose of which there is none yet."""
    for path in [each for each in listing.folders if is_for_pose(each, layout, pose_names)]:
        listing.folders.remove(path)
        listing.misplaced[path] = FOLDER_FOR_FILE


def is_for_pose(path: str, layout: Layout, names: Container[str]) -> bool:
    """Whether a path is that of a file of a pose with one of these names."""
    split = split_file_name(path.rpartition("/")[2])
    return split is not None and path == layout.place(split[0], split[1].suffix) and split[0] in names


def add_folder(listing: Listing, layout: Layout, folder: str) -> list[str]:
    """Add the files of a folder in which files of poses may lie; returns the folders in it."""
    below = []
    known: dict[frozenset[str], frozenset[str]] = {}
    with_another: dict[tuple[frozenset[str], str], frozenset[str]] = {}
    with os.scandir(layout.output / folder) as entries:
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if unless_circular(entry.is_dir) if entry.is_symlink() else entry.is_dir():
                below.append(path)
                continue
            size = add_file(listing, layout.output, path)
            split = None if size is None or entry.name[0] == "." else split_file_name(entry.name)
            if split is not None and layout.HAS_FILES:
                name, suffix = split[0], split[1].suffix
                if path == layout.place(name, suffix):
                    key = listing.poses.get(name, NONE), suffix
                    if key not in with_another:
                        suffixes = key[0] | {suffix}
                        with_another[key] = known.setdefault(suffixes, suffixes)
                    listing.poses[name] = with_another[key]
                    del listing.sizes[path]
    return below


def add_records(listing: Listing, output: Path) -> None:
    """Add the files of the hidden records to the listing."""
    for folder, below, names in os.walk(output / RECORDS):
        prefix = Path(folder).relative_to(output).as_posix()
        for name in below:
            path, is_lock = f"{prefix}/{name}", prefix == RECORDS and name.endswith(".lock")
            if is_lock or path == SWEEP_RECORD or prefix == f"{RECORDS}/{PROGRESS}":
                listing.misplaced[path] = FOLDER_FOR_FILE
        for name in names:
            if prefix == RECORDS and name.endswith(".lock") and os.path.islink(output / prefix / name):
                listing.misplaced[f"{prefix}/{name}"] = "a link in the place of a lock"
            add_file(listing, output, f"{prefix}/{name}")


def add_file(listing: Listing, output: Path, path: str) -> int | None:
    """Add a path that is no folder. Links to regular files are files, and so is whatever was set aside.

    Returns:
        Its size; None where it is no file.
    """
    if path in listing.misplaced:
        return None
    aside = path.startswith(f"{REMOVED}/")
    try:
        status = os.stat(f"{output}/{path}", follow_symlinks=not aside)
    except FileNotFoundError:
        if os.path.lexists(output / path):  # else an active run moved it
            listing.misplaced[path] = "a link to nothing"
    except OSError as error:
        listing.misplaced[path] = f"cannot be read: {error.strerror}"
    else:
        if aside or stat.S_ISREG(status.st_mode):
            listing.sizes[path] = status.st_size
            hidden = "records" if path.startswith(f"{RECORDS}/") else None
            kind = "set aside" if aside else hidden or os.path.splitext(path)[1] or "other"
            listing.count(kind, status.st_size)
            return status.st_size
        listing.misplaced[path] = "a FIFO, socket or device in the place of a file"
    return None
