"""A pose as the gallery shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from mardm_batch.dataset.records import PoseDocument
from mardm_batch.dataset.reviews import FARTHEST, Review, pose_digest
from mardm_batch.overview.measures import PoseMeasures, measure_poses
from mardm_batch.pose.conditions import Condition
from mardm_batch.system.files import Version

MILLIMETRES: Final = 1000.0
LONGEST_VALUE: Final = 200
"""Characters of a column's value by which the page filters."""


@dataclass
class Entry:
    """A pose. `version`: of its JSON; `joints`: 66 whole millimetres, int16, little-endian.

    What follows `version` is not known by the JSON alone; `folder` is the number of its folder.
    """

    name: str
    caption: str
    joints: bytes
    digest: str
    measures: PoseMeasures
    categories: Mapping[str, str]
    """Model, seed and the columns of the prompt file, as text."""
    rejections: int
    version: Version
    folder: int = 0
    has_picture: bool = False
    review: Review | None = None
    before: bytes = b""
    """The joints, as `joints`, of the rejected poses in whose place it is, as far as their reviews have them."""
    agreement_before: Sequence[float | None] = ()
    """How well each of these agreed with the caption; None where its review does not have it."""
    revision: int = 0
    removed: bool = False


def entries_of(
    documents: Mapping[str, PoseDocument],
    versions: Mapping[str, Version],
    conditions: Mapping[str, Sequence[Condition]],
) -> dict[str, Entry]:
    """Poses by name, from their JSON. `conditions`: of captions, by which poses are measured."""
    listed = list(documents.values())
    measured = measure_poses(listed, conditions)
    return {
        name: Entry(
            name,
            document.caption,
            joints,
            pose_digest(document),
            measures,
            categories_of(document),
            document.rejections or 0,
            versions[name],
        )
        for (name, document), joints, measures in zip(documents.items(), millimetres(listed), measured, strict=True)
    }


def millimetres(documents: Sequence[PoseDocument]) -> list[bytes]:
    """The joints of poses as `Entry` has them."""
    if not documents:
        return []
    joints = np.stack([each.joints for each in documents]).astype(np.float64)
    scaled = np.clip(np.rint(MILLIMETRES * joints), -FARTHEST, FARTHEST).astype("<i2")
    return [pose.tobytes() for pose in scaled]


def categories_of(document: PoseDocument) -> dict[str, str]:
    """What poses are grouped by, as text: the model, the seed, and under `source.` the columns of the prompt file."""
    values: dict[str, Any] = {"model": document.model, "seed": document.seed}
    values |= {f"source.{key}": value for key, value in (document.source or {}).items()}
    return {key: str(value)[:LONGEST_VALUE] for key, value in values.items() if value is not None}
