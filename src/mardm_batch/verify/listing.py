"""The content of an output folder: files, folders, and obstacles in the place of our own files and folders."""

import os
import stat
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mardm_batch.dataset.formats.registry import split_file_name
from mardm_batch.dataset.layout import CARD, FAILURES, METADATA, PROGRESS, RECORDS, REVIEWS
from mardm_batch.errors import InputError
from mardm_batch.system.files import unless_circular

REMOVED: Final = f"{RECORDS}/removed"
"""Where a repair moves files, from the output folder."""
FOLDERS: Final = (RECORDS, REMOVED, f"{RECORDS}/{PROGRESS}")
"""Folders of the records, which must be no links."""
FOLDER_FOR_FILE: Final = "a folder in the place of a file"


@dataclass
class Listing:
    """The content of an output folder, by paths from it."""

    sizes: dict[str, int] = field(default_factory=dict)
    """Bytes of each file, those of the hidden records included."""
    folders: list[str] = field(default_factory=list)
    misplaced: dict[str, str] = field(default_factory=dict)
    """What is neither a file nor a folder, or is a folder, file or link where a run needs the other: what it is."""


def list_files(output: Path, pose_names: Collection[str] = ()) -> Listing:
    """List an output folder without opening anything.

    Args:
        pose_names: of requested poses. A folder that has the name of a file of a pose is in its way; a pose of which
            there is a file counts as well.

    Raises:
        InputError: the output folder cannot be read.
    """
    try:
        entries = list(os.scandir(output))
    except FileNotFoundError:
        raise InputError(f"{output}: no such folder; name the folder that a run wrote its poses to") from None
    except OSError as error:
        raise InputError(f"{output}: cannot be read: {error.strerror}") from None
    listing = Listing()
    for path in FOLDERS:
        if os.path.lexists(output / path) and (os.path.islink(output / path) or not os.path.isdir(output / path)):
            listing.misplaced[path] = "no folder of its own"
    names = {entry.name for entry in entries if not unless_circular(entry.is_dir)}
    poses = {split[0] for name in names if (split := split_file_name(name)) is not None} | set(pose_names)
    for entry in entries:
        is_folder = unless_circular(entry.is_dir)
        if is_folder and is_needed(entry.name, poses):
            listing.misplaced[entry.name] = FOLDER_FOR_FILE
        elif is_folder:
            listing.folders.append(entry.name)
        else:
            add_file(listing, output, entry.name)
    listing.folders.sort()
    if RECORDS not in listing.misplaced:
        add_records(listing, output)
    return listing


def is_needed(file_name: str, poses: Collection[str]) -> bool:
    """Whether a run writes a file of that name."""
    split = split_file_name(file_name)
    return file_name in (METADATA, FAILURES, REVIEWS, CARD) or (split is not None and split[0] in poses)


def add_records(listing: Listing, output: Path) -> None:
    """Add the files of the hidden records to the listing."""
    for folder, below, names in os.walk(output / RECORDS):
        prefix = Path(folder).relative_to(output).as_posix()
        for name in below:
            if (prefix == RECORDS and name.endswith(".lock")) or prefix == f"{RECORDS}/{PROGRESS}":
                listing.misplaced[f"{prefix}/{name}"] = FOLDER_FOR_FILE
        for name in names:
            if prefix == RECORDS and name.endswith(".lock") and os.path.islink(output / prefix / name):
                listing.misplaced[f"{prefix}/{name}"] = "a link in the place of a lock"
            add_file(listing, output, f"{prefix}/{name}")


def add_file(listing: Listing, output: Path, path: str) -> None:
    """Add a path that is no folder. Links to regular files are files, and so is whatever was set aside."""
    if path in listing.misplaced:
        return
    aside = path.startswith(f"{REMOVED}/")
    try:
        status = os.stat(output / path, follow_symlinks=not aside)
    except FileNotFoundError:
        if os.path.lexists(output / path):  # else an active run moved it
            listing.misplaced[path] = "a link to nothing"
    except OSError as error:
        listing.misplaced[path] = f"cannot be read: {error.strerror}"
    else:
        if aside or stat.S_ISREG(status.st_mode):
            listing.sizes[path] = status.st_size
        else:
            listing.misplaced[path] = "a FIFO, socket or device in the place of a file"
