"""The poses of some output folders as the gallery shows them, kept up to date while runs are at work.

Every pose has a number, and every change of one a revision, so that a page asks for what changed since it last did:
the first blocks, poses that a run has made since, poses made again, verdicts of other reviewers.
"""

import threading
import time
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np

from mardm_batch.dataset.formats.npy_file import NPY
from mardm_batch.dataset.formats.png_file import PNG
from mardm_batch.dataset.layout import RECORDS
from mardm_batch.dataset.records import PoseDocument
from mardm_batch.dataset.reviews import Review, ReviewList, Reviews
from mardm_batch.dataset.store import PoseStore
from mardm_batch.errors import InputError
from mardm_batch.overview.cache import LEAST_KEPT, POSES_MEASURED_AT_ONCE, CacheWriter, PoseCache, read_cache
from mardm_batch.overview.entry import Entry, entries_of
from mardm_batch.pose.conditions import Condition
from mardm_batch.system.files import Version
from mardm_batch.system.folders import check_folder

READERS: Final = 8
"""Threads that read files which are waited for."""
SECONDS_WAITED: Final = 0.002
"""For each file of a slow disk, from which on threads pay."""
READ_SHARE: Final = 0.05
"""The cache is written when such a share of all poses was read since, and not only a few."""


@dataclass
class OutputFolder:
    """A folder whose poses are shown. `conditions`: of captions, by which poses are measured."""

    output: Path
    conditions: Mapping[str, Sequence[Condition]]
    store: PoseStore = field(init=False)
    reviews: Reviews = field(default_factory=Reviews)
    reviews_version: Version | None = None
    cache: PoseCache | None = None
    """What an earlier gallery read; None: it was not looked for yet."""
    read_since: int = 0
    """Number of poses that were read and are not in the cache on the disk."""
    is_slow: bool = False
    """Whether the files last read were waited for, as those on a network or that are not in memory."""

    def __post_init__(self) -> None:
        check_folder(self.output, "name the one that a run wrote to (its paths.output)")
        self.store = PoseStore(self.output, [NPY])

    def check_shown(self) -> None:
        """Raises InputError where there is nothing to show and no run that could make it."""
        if not (self.output / RECORDS).is_dir() and not self.store.versions()[0]:
            raise InputError(
                f"{self.output}: no finished poses and no record of a run; name the folder that a run wrote to "
                "(its paths.output)"
            )

    def documents(self, names: Sequence[str]) -> dict[str, PoseDocument]:
        """By name the JSON of the poses that have one. Raises OSError."""
        if not names:
            return {}
        started, worked = time.monotonic(), time.thread_time()
        if self.is_slow:
            with ThreadPoolExecutor(READERS) as pool:
                found = list(pool.map(self.store.read, names))
        else:  # threads that take turns would need more time than they save
            found = [self.store.read(name) for name in names]
            waited = time.monotonic() - started - (time.thread_time() - worked)
            self.is_slow = waited > SECONDS_WAITED * len(names)
        return {name: document for name, document in zip(names, found, strict=True) if document is not None}

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
        self.reviews_lock = threading.Lock()
        """Held from reading or writing a list of reviews until the index has them; never taken under `lock`."""
        self.found = 0
        """Poses in the folders, of which some may not have been read yet."""
        self.complete = False
        """Whether every folder has been read once."""

    def refresh(self) -> None:
        """Read what is new or has changed. Raises OSError where a folder cannot be read."""
        found, listings = 0, []
        for number, folder in enumerate(self.folders):
            self.refresh_reviews(number)
            versions, suffixes = folder.store.versions()
            found += len(versions)
            listings.append((number, versions, suffixes))
        self.found = found
        for number, versions, suffixes in listings:
            changed = [name for name in sorted(versions) if self.version_of(number, name) != versions[name]]
            for start in range(0, len(changed), POSES_MEASURED_AT_ONCE):
                names = changed[start : start + POSES_MEASURED_AT_ONCE]
                self.read(number, {name: versions[name] for name in names}, suffixes)
            self.remove_absent(number, versions)
            self.write_cache(number)
        self.complete = True

    def version_of(self, folder: int, name: str) -> Version | None:
        number = self.numbers.get((folder, name))
        return None if number is None or self.entries[number].removed else self.entries[number].version

    def read(self, number: int, versions: Mapping[str, Version], suffixes: Mapping[str, frozenset[str]]) -> None:
        """Put poses in the index: those that an earlier gallery knew, and others, which are read and measured."""
        folder = self.folders[number]
        if folder.cache is None:
            folder.cache = read_cache(folder.output, folder.conditions)
        known = {name: folder.cache.entry(name, version) for name, version in versions.items()}
        documents = folder.documents([name for name, entry in known.items() if entry is None])
        known |= entries_of(documents, versions, folder.conditions)
        folder.read_since += len(documents)
        remade = any(entry is not None and entry.rejections for entry in known.values())
        rejected = folder.reviews.rejected_poses() if remade else {}
        with self.lock:
            for name, entry in known.items():
                if entry is not None:
                    earlier = [each for each in rejected.get(name, ()) if each.pose != entry.digest]
                    entry.before = b"".join(np.array(each.joints, "<i2").tobytes() for each in earlier)
                    entry.agreement_before = [each.agreement for each in earlier]
                    entry.folder, entry.has_picture = number, PNG.suffix in suffixes[name]
                    entry.review = folder.reviews.of_pose(name, entry.digest, entry.rejections)
                    self.put(entry)

    def write_cache(self, number: int) -> None:
        """Keep what is known of a folder's poses for the next gallery, where much of it was read from them."""
        folder = self.folders[number]
        folder.cache = PoseCache()  # all that it knew is in the index
        if folder.read_since >= max(LEAST_KEPT, READ_SHARE * len(self.entries)):
            writer = CacheWriter(folder.output, folder.conditions)
            writer.add(entry for entry in self.entries if entry.folder == number and not entry.removed)
            writer.write()
            folder.read_since = 0

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
        with self.reviews_lock:
            version = folder.review_list.version()
            if version == folder.reviews_version:
                return
            reviews = folder.review_list.read()
            with self.lock:
                folder.reviews, folder.reviews_version = reviews, version
                for place, entry in enumerate(self.entries):
                    if entry.folder == number:
                        self.review_anew(place)

    def add_reviews(self, number: int, reviews: Sequence[Review]) -> None:
        """Write reviews of a folder's poses into its list, and show them at once. Raises OSError, as `append` does."""
        folder = self.folders[number]
        with self.reviews_lock:
            folder.review_list.append(reviews)
            with self.lock:
                for review in reviews:
                    folder.reviews.latest[review.name, review.pose] = review
                    if (number, review.name) in self.numbers:
                        self.review_anew(self.numbers[number, review.name])

    def review_anew(self, place: int) -> None:
        """Give a pose the review that its folder's list has of it now."""
        entry = self.entries[place]
        review = self.folders[entry.folder].reviews.of_pose(entry.name, entry.digest, entry.rejections)
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
