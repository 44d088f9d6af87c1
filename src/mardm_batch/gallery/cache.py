"""What the gallery read of a folder's poses, kept beside them, so that it need not read them all when it opens again.

It can be thrown away at any time. A pose is taken from it only where its JSON is the file that was read, by time, inode
and size, and all of it only where version and conditions are those by which the poses were measured.
"""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np

from mardm_batch import __version__
from mardm_batch.dataset.layout import RECORDS
from mardm_batch.gallery.entry import Entry
from mardm_batch.gallery.measures import MEASURES, PoseMeasures
from mardm_batch.pose.conditions import Condition
from mardm_batch.system.files import MAX_LIST_BYTES, Version, read_regular, write_atomically

FILE: Final = f"{RECORDS}/gallery.npz"
LAYOUT: Final = 1
"""Of the file; another number when what is measured or written changes."""
NUMBERS: Final = 66
"""Of the joints of a pose."""

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
        start = 2 * NUMBERS * place
        return Entry(
            name,
            self.text["caption"][place],
            self.joints[start : start + 2 * NUMBERS],
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
            or shapes != ((count, NUMBERS), (count, len(MEASURES)), (count, 3))
        ):
            return PoseCache()
        return PoseCache(text, joints.astype("<i2").tobytes(), numbers.tolist(), versions.tolist())
    except Exception:  # damaged bytes raise exceptions of many types, and everything in it can be read again
        return PoseCache()


def write_cache(output: Path, conditions: Conditions, entries: Sequence[Entry]) -> None:
    """Keep poses for `read_cache`; where the folder cannot be written to they are read again next time."""
    categories = dict.fromkeys(key for each in entries for key in each.categories)
    words = {
        str(place): {key: list(found) for key, found in each.measures.words.items() if found}
        for place, each in enumerate(entries)
        if any(each.measures.words.values())
    }
    text = {
        "made_by": made_by(conditions),
        "name": [each.name for each in entries],
        "caption": [each.caption for each in entries],
        "digest": [each.digest for each in entries],
        "rejections": [each.rejections for each in entries],
        "categories": {key: [each.categories.get(key) for each in entries] for key in categories},
        "words": words,
    }
    measured = [[each.measures.numbers.get(key) for key in MEASURES] for each in entries]
    content = io.BytesIO()
    np.savez(
        content,
        allow_pickle=False,
        text=np.frombuffer(json.dumps(text).encode(), np.uint8),
        joints=np.frombuffer(b"".join(each.joints for each in entries), "<i2").reshape(-1, NUMBERS),
        numbers=np.array(measured, np.float64).reshape(-1, len(MEASURES)),
        versions=np.array([each.version for each in entries], np.uint64).reshape(-1, 3),
    )
    with suppress(OSError):
        (output / RECORDS).mkdir(exist_ok=True)
        write_atomically(output / FILE, content.getvalue())


def made_by(conditions: Conditions) -> str:
    """Stands for all that the measures of a pose depend on besides its JSON."""
    texts = {caption: [each.text for each in listed] for caption, listed in conditions.items()}
    content = json.dumps([__version__, LAYOUT, list(MEASURES), texts], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()
