"""A pose as the gallery shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from mardm_batch.dataset.records import PoseDocument
from mardm_batch.dataset.reviews import Review, pose_digest
from mardm_batch.gallery.measures import PoseMeasures
from mardm_batch.system.files import Version

MILLIMETRES: Final = 1000.0
LARGEST: Final = 32767
"""Millimetres; farther joints, which are no pose, are shown there."""
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
    revision: int = 0
    removed: bool = False


def entry_of(name: str, document: PoseDocument, measures: PoseMeasures, version: Version) -> Entry:
    """A pose by its JSON."""
    return Entry(
        name,
        document.caption,
        millimetres(document),
        pose_digest(document),
        measures,
        categories_of(document),
        document.rejections or 0,
        version,
    )


def millimetres(document: PoseDocument) -> bytes:
    scaled = np.clip(np.rint(MILLIMETRES * document.joints.astype(np.float64)), -LARGEST, LARGEST)
    return scaled.astype("<i2").tobytes()


def categories_of(document: PoseDocument) -> dict[str, str]:
    """What poses are grouped by, as text: the model, the seed, and under `source.` the columns of the prompt file."""
    values: dict[str, Any] = {"model": document.model, "seed": document.seed}
    values |= {f"source.{key}": value for key, value in (document.source or {}).items()}
    return {key: str(value)[:LONGEST_VALUE] for key, value in values.items() if value is not None}
