"""What the gallery shows of a folder's poses, kept beside them, so that it need not read them all when it opens.

A run leaves it with its lists, and the gallery writes it where it had to read much itself.

It can be thrown away at any time. A pose is taken from it only where its JSON is the file that was read, by time, inode
and size, and all of it only where version and conditions are those by which the poses were measured.
"""

import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch import __version__
from mardm_batch.dataset.layout import RECORDS
from mardm_batch.dataset.metadata import NamedDocuments, Watch, pose_name
from mardm_batch.dataset.records import PoseDocument
from mardm_batch.dataset.reviews import COORDINATES
from mardm_batch.overview.entry import Entry, entries_of
from mardm_batch.overview.measures import MEASURES, PoseMeasures
from mardm_batch.pose.conditions import Condition
from mardm_batch.system.files import MAX_LIST_BYTES, Version, read_regular, write_atomically

FILE: Final = f"{RECORDS}/gallery.npz"
LAYOUT: Final = 1
"""Of the file; another number when what is measured or written changes."""
POSES_MEASURED_AT_ONCE: Final = 256
LEAST_KEPT: Final = 256
"""Poses; so many are read in no time."""
MOST_KEPT: Final = 300_000
"""Poses; of more a run keeps nothing for a gallery, which would not show them."""

Conditions = Mapping[str, Sequence[Condition]]


class PoseCache:
    """Poses by name, in columns; an entry is made when it is asked for."""

    def __init__(
        self,
        text: Mapping[str, Any] | None = None,
        joints: bytes = b"",
        numbers: Sequence[Sequence[float]] = (),
        versions: Sequence[Sequence[int]] = (),
    ) -> None:
        """`text`: the columns that are JSON, `joints` of all poses, one row of the others for each pose."""
        self.text = text or {"name": []}
        self.joints, self.numbers, self.versions = joints, numbers, versions
        self.places = {name: place for place, name in enumerate(self.text["name"])}

    def entry(self, name: str, version: Version) -> Entry | None:
        """A pose whose JSON has this version; None where it is not known."""
        place = self.places.get(name)
        if place is None or tuple(self.versions[place]) != version:
            return None
        numbers = zip(MEASURES, self.numbers[place], strict=True)
        words = self.text["words"].get(str(place), {})
        start = 2 * COORDINATES * place
        return Entry(
            name,
            self.text["caption"][place],
            self.joints[start : start + 2 * COORDINATES],
            self.text["digest"][place],
            PoseMeasures({key: None if value != value else value for key, value in numbers}, words),  # NaN: none
            {key: column[place] for key, column in self.text["categories"].items() if column[place] is not None},
            self.text["rejections"][place],
            version,
        )


def read_cache(output: Path, conditions: Conditions) -> PoseCache:
    """The poses that the file knows; none where there is no file of use."""
    try:
        with np.load(io.BytesIO(read_regular(output / FILE, MAX_LIST_BYTES)), allow_pickle=False) as arrays:
            joints, numbers, versions = (arrays[key] for key in ("joints", "numbers", "versions"))
            text = json.loads(arrays["text"].tobytes())
        count = len(text["name"])
        columns = [text["caption"], text["digest"], text["rejections"], *text["categories"].values()]
        shapes = (joints.shape, numbers.shape, versions.shape)
        if (
            text["made_by"] != made_by(conditions)
            or any(len(column) != count for column in columns)
            or shapes != ((count, COORDINATES), (count, len(MEASURES)), (count, 3))
        ):
            return PoseCache()
        return PoseCache(text, joints.astype("<i2").tobytes(), numbers.tolist(), versions.tolist())
    except Exception:  # damaged bytes raise exceptions of many types, and everything in it can be read again
        return PoseCache()


class CacheWriter:
    """Keeps poses for `read_cache`, in columns from the start: there may be many."""

    def __init__(self, output: Path, conditions: Conditions) -> None:
        self.output, self.conditions = output, conditions
        self.text: dict[str, list[Any]] = {key: [] for key in ("name", "caption", "digest", "rejections")}
        self.categories: dict[str, list[str | None]] = {}
        self.words: dict[str, dict[str, list[str]]] = {}
        self.joints: list[bytes] = []
        self.numbers: list[NDArray[np.float64]] = []
        self.versions: list[NDArray[np.uint64]] = []
        self.count = 0

    def add(self, entries: Iterable[Entry]) -> None:
        entries = list(entries)
        for key, column in self.text.items():
            column += [getattr(each, key) for each in entries]
        for key in dict.fromkeys(key for each in entries for key in each.categories):
            self.categories.setdefault(key, [None] * self.count)
        for key, values in self.categories.items():
            values += [each.categories.get(key) for each in entries]
        for place, each in enumerate(entries, self.count):
            words = {key: list(found) for key, found in each.measures.words.items() if found}
            if words:
                self.words[str(place)] = words
        numbers = [[each.measures.numbers.get(key) for key in MEASURES] for each in entries]
        self.numbers.append(np.array(numbers, np.float64).reshape(-1, len(MEASURES)))
        self.versions.append(np.array([each.version for each in entries], np.uint64).reshape(-1, 3))
        self.joints.append(b"".join(each.joints for each in entries))
        self.count += len(entries)

    def write(self) -> None:
        """Write what was added; where the folder cannot be written to, the poses are read again next time."""
        text = {**self.text, "categories": self.categories, "words": self.words, "made_by": made_by(self.conditions)}
        content = io.BytesIO()
        np.savez(
            content,
            allow_pickle=False,
            text=np.frombuffer(json.dumps(text).encode(), np.uint8),
            joints=np.frombuffer(b"".join(self.joints), "<i2").reshape(-1, COORDINATES),
            numbers=np.concatenate(self.numbers),
            versions=np.concatenate(self.versions),
        )
        with suppress(OSError):
            (self.output / RECORDS).mkdir(exist_ok=True)
            write_atomically(self.output / FILE, content.getvalue())


def keep_while_read(output: Path, conditions: Conditions) -> Watch:
    """For `update_metadata`: the poses that it reads are kept, so that the gallery opens at once the first time too."""

    def watch(versions: Mapping[str, Version], documents: NamedDocuments) -> NamedDocuments:
        kept = LEAST_KEPT <= len(versions) <= MOST_KEPT
        writer, batch = CacheWriter(output, conditions), dict[str, PoseDocument]()
        for place, document in documents:
            name = pose_name(place)
            if kept and name in versions:  # one that was made meanwhile is read by the gallery
                batch[name] = document
                if len(batch) == POSES_MEASURED_AT_ONCE:
                    writer.add(entries_of(batch, versions, conditions).values())
                    batch.clear()
            yield place, document
        if kept:
            writer.add(entries_of(batch, versions, conditions).values())
            writer.write()

    return watch


def made_by(conditions: Conditions) -> str:
    """Stands for all that the measures of a pose depend on besides its JSON."""
    texts = {caption: [each.text for each in listed] for caption, listed in conditions.items()}
    content = json.dumps([__version__, LAYOUT, list(MEASURES), texts], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()
