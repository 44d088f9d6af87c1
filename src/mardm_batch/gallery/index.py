"""The poses of some output folders as the gallery shows them, kept up to date while runs are at work.

Every pose has a number, and every change of one a revision, so that a page asks for what changed since it last did:
the first blocks, poses that a run has made since, poses made again, verdicts of other reviewers.
"""

import threading
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np

from mardm_batch.dataset.formats.npy_file import NPY
from mardm_batch.dataset.formats.png_file import PNG
from mardm_batch.dataset.records import PoseDocument
from mardm_batch.dataset.reviews import Review, ReviewList, Reviews, pose_digest
from mardm_batch.dataset.store import PoseStore
from mardm_batch.errors import InputError
from mardm_batch.gallery.measures import PoseMeasures, measure_poses
from mardm_batch.pose.conditions import Condition
from mardm_batch.system.files import Version

READERS: Final = 4
"""Threads that read files."""
POSES_MEASURED_AT_ONCE: Final = 256
MILLIMETRES: Final = 1000.0
LARGEST: Final = 32767
"""Millimetres; farther joints, which are no pose, are shown there."""
LONGEST_VALUE: Final = 200
"""Characters of a column's value by which the page filters."""


@dataclass
class Entry:
    """A pose. `version`: of its JSON; `joints`: 66 whole millimetres, int16, little-endian."""

    folder: int
    name: str
    caption: str
    joints: bytes
    digest: str
    measures: PoseMeasures
    categories: Mapping[str, str]
    """Model, seed and the columns of the prompt file, as text."""
    rejections: int
    has_picture: bool
    version: Version
    review: Review | None = None
    revision: int = 0
    removed: bool = False


@dataclass
class OutputFolder:
    """A folder whose poses are shown. `conditions`: of captions, by which poses are measured."""

    output: Path
    conditions: Mapping[str, Sequence[Condition]]
    store: PoseStore = field(init=False)
    reviews: Reviews = field(default_factory=Reviews)
    reviews_version: Version | None = None

    def __post_init__(self) -> None:
        if not self.output.is_dir():
            raise InputError(f"{self.output}: no such folder; name the one that a run wrote to (its paths.output)")
        self.store = PoseStore(self.output, [NPY])

    @property
    def review_list(self) -> ReviewList:
        return ReviewList(self.output)


class PoseIndex:
    """The poses of some folders. `refresh` brings it up to date; it may run in another thread than all else."""

    def __init__(self, folders: Sequence[OutputFolder]) -> None:
        self.folders = folders
        self.entries: list[Entry] = []
        self.numbers: dict[tuple[int, str], int] = {}
        """By folder and name."""
        self.log: list[tuple[int, int]] = []
        """Revisions with the number of the pose that changed; one that changed again since is passed over."""
        self.lock = threading.RLock()
        self.found = 0
        """Poses in the folders, of which some may not have been read yet."""
        self.complete = False
        """Whether every folder has been read once."""

    def refresh(self) -> None:
        """Read what is new or has changed. Raises OSError where a folder cannot be read."""
        found, listings = 0, []
        for number, folder in enumerate(self.folders):
            self.refresh_reviews(number)
            versions, file_names = folder.store.versions()
            found += len(versions)
            listings.append((number, versions, file_names))
        self.found = found
        for number, versions, file_names in listings:
            changed = [name for name in sorted(versions) if self.version_of(number, name) != versions[name]]
            for start in range(0, len(changed), POSES_MEASURED_AT_ONCE):
                names = changed[start : start + POSES_MEASURED_AT_ONCE]
                self.read(number, {name: versions[name] for name in names}, file_names)
            self.remove_absent(number, versions)
        self.complete = True

    def version_of(self, folder: int, name: str) -> Version | None:
        number = self.numbers.get((folder, name))
        return None if number is None or self.entries[number].removed else self.entries[number].version

    def read(self, number: int, versions: Mapping[str, Version], file_names: set[str]) -> None:
        """Read and measure poses, and put them in the index."""
        folder = self.folders[number]
        documents: dict[str, PoseDocument] = {}
        with ThreadPoolExecutor(READERS) as pool:  # a file that is not in memory is waited for
            for name, document in zip(versions, pool.map(folder.store.read, versions), strict=True):
                if document is not None:
                    documents[name] = document
        measured = measure_poses(list(documents.values()), folder.conditions)
        with self.lock:
            for (name, document), measures in zip(documents.items(), measured, strict=True):
                digest, rejections = pose_digest(document), document.rejections or 0
                entry = Entry(
                    number,
                    name,
                    document.caption,
                    millimetres(document),
                    digest,
                    measures,
                    categories_of(document),
                    rejections,
                    name + PNG.suffix in file_names,
                    versions[name],
                    folder.reviews.of_pose(name, digest, rejections),
                )
                self.put(entry)

    def put(self, entry: Entry) -> None:
        key = (entry.folder, entry.name)
        if key in self.numbers:
            self.entries[self.numbers[key]] = entry
        else:
            self.numbers[key] = len(self.entries)
            self.entries.append(entry)
        self.touch(self.numbers[key])

    def touch(self, number: int) -> None:
        """Give a pose the next revision."""
        revision = self.revision + 1
        self.entries[number].revision = revision
        self.log.append((revision, number))

    @property
    def revision(self) -> int:
        return self.log[-1][0] if self.log else 0

    def remove_absent(self, folder: int, versions: Mapping[str, Version]) -> None:
        with self.lock:
            for number, entry in enumerate(self.entries):
                if entry.folder == folder and not entry.removed and entry.name not in versions:
                    entry.removed = True
                    self.touch(number)

    def refresh_reviews(self, number: int) -> None:
        """Take over the reviews where the list has changed, whoever wrote it."""
        folder = self.folders[number]
        version = folder.review_list.version()
        if version == folder.reviews_version:
            return
        reviews = folder.review_list.read()
        with self.lock:
            folder.reviews, folder.reviews_version = reviews, version
            for place, entry in enumerate(self.entries):
                if entry.folder == number:
                    review = reviews.of_pose(entry.name, entry.digest, entry.rejections)
                    if review != entry.review:
                        entry.review = review
                        self.touch(place)

    def changes(self, since: int, limit: int) -> tuple[int, list[int]]:
        """The numbers of at most `limit` poses that changed after a revision, and the revision of the last one."""
        with self.lock:
            start = bisect_right(self.log, (since, len(self.entries)))
            current = ((rev, number) for rev, number in islice(self.log, start, None) if self.is_current(rev, number))
            found = list(islice(current, limit))
            return (found[-1][0] if found else max(since, self.revision)), [number for _, number in found]

    def is_current(self, revision: int, number: int) -> bool:
        return self.entries[number].revision == revision

    def entry(self, number: int) -> Entry | None:
        """The pose of a number; None where there is none, or it is gone."""
        with self.lock:
            if 0 <= number < len(self.entries) and not self.entries[number].removed:
                return self.entries[number]
        return None


def millimetres(document: PoseDocument) -> bytes:
    scaled = np.clip(np.rint(MILLIMETRES * document.joints.astype(np.float64)), -LARGEST, LARGEST)
    return scaled.astype("<i2").tobytes()


def categories_of(document: PoseDocument) -> dict[str, str]:
    """What poses are grouped by, as text: the model, the seed, and under `source.` the columns of the prompt file."""
    values: dict[str, Any] = {"model": document.model, "seed": document.seed}
    values |= {f"source.{key}": value for key, value in (document.source or {}).items()}
    return {key: str(value)[:LONGEST_VALUE] for key, value in values.items() if value is not None}
