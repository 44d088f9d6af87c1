"""What a page is told: blocks of poses in columns, and the progress of the runs."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from mardm_batch.dataset.progress import read_progress
from mardm_batch.gallery.duplicates import near_duplicates
from mardm_batch.gallery.index import PoseIndex
from mardm_batch.overview.entry import MILLIMETRES, Entry
from mardm_batch.overview.measures import MEASURES

POSES_IN_BLOCK: Final = 2000
FIRST_BLOCK: Final = 200
"""Poses in the first block, which is on the screen at once."""
WORDS: Final = ("conditions", "limits", "unknown")
"""Measures that have words."""


def next_block(index: PoseIndex, since: int) -> dict[str, Any]:
    """The poses that changed after a revision, as many as a block has."""
    limit = POSES_IN_BLOCK if since else FIRST_BLOCK
    revision, numbers = index.changes(since, limit)
    with index.lock:
        entries = [index.entries[number] for number in numbers]
        return {
            "revision": revision,
            "more": revision < index.revision,
            "complete": index.complete,
            "found": index.found,
            "ids": numbers,
            **columns_of(entries),
        }


def columns_of(entries: Sequence[Entry]) -> dict[str, Any]:
    """The columns of some poses. A column that none of them has is left out."""
    categories = dict.fromkeys(key for each in entries for key in each.categories)
    columns: dict[str, Any] = {
        "folder": [each.folder for each in entries],
        "name": [each.name for each in entries],
        "caption": [each.caption for each in entries],
        "digest": [each.digest for each in entries],
        "joints": base64.b64encode(b"".join(each.joints for each in entries)).decode(),
        "picture": [int(each.has_picture) for each in entries],
        "removed": [int(each.removed) for each in entries],
        "verdict": [each.review.verdict or "" if each.review else "" for each in entries],
        "note": [each.review.note if each.review else "" for each in entries],
        "categories": {key: [each.categories.get(key) for each in entries] for key in categories},
    }
    numbers = {key: [each.measures.numbers.get(key) for each in entries] for key in MEASURES}
    columns["numbers"] = {key: values for key, values in numbers.items() if any(v is not None for v in values)}
    if any(each.before for each in entries):
        columns["before"] = [base64.b64encode(each.before).decode() for each in entries]
        columns["agreement_before"] = [list(each.agreement_before) for each in entries]
    words = {key: [" · ".join(each.measures.words.get(key, ())) for each in entries] for key in WORDS}
    columns["words"] = {key: values for key, values in words.items() if any(values)}
    return columns


def duplicate_groups(index: PoseIndex) -> list[list[int]]:
    """The numbers of poses that nearly coincide, in groups."""
    with index.lock:
        numbers = [number for number, entry in enumerate(index.entries) if not entry.removed]
        content = b"".join(index.entries[number].joints for number in numbers)
    joints = np.frombuffer(content, "<i2").reshape(-1, 22, 3).astype(np.float32) / np.float32(MILLIMETRES)
    return [[numbers[row] for row in group] for group in near_duplicates(joints)]


def progress_of(index: PoseIndex) -> Mapping[str, Any] | None:
    """Of the runs that are at work: poses finished and requested, and poses a second; None where there is none."""
    alive = [each for folder in index.folders for each in read_progress(folder.output) if each.alive]
    if not alive:
        return None
    return {
        "finished": sum(each.finished_before + each.done for each in alive),
        "total": sum(each.total for each in alive),
        "failed": sum(each.failed for each in alive),
        "rate": round(sum(each.poses_per_second for each in alive), 1),
        "seconds_left": max((each.seconds_left or 0 for each in alive), default=0),
    }
