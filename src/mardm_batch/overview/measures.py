"""What the gallery filters and sorts poses by, measured from their joints and read from their JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Final

import numpy as np

from mardm_batch.dataset.records import PoseDocument
from mardm_batch.pose.balance import imbalance, limb_in_trunk
from mardm_batch.pose.conditions import Condition
from mardm_batch.pose.geometry import bone_length_error, lowest_joint_height
from mardm_batch.pose.joint_limits import violations
from mardm_batch.pose.vectors import Array


@dataclass(frozen=True)
class Measure:
    """A number of every pose: what the page calls it, its unit, whether large values are doubtful, and from where on.

    `bound`: the last value that is not doubtful; None where there is no such value.
    """

    label: str
    unit: str
    worst_high: bool
    decimals: int = 0
    bound: float | None = None

    def is_doubtful(self, value: float | None) -> bool:
        if value is None or self.bound is None:
            return False
        return value > self.bound if self.worst_high else value < self.bound


MEASURES: Final[Mapping[str, Measure]] = {
    "rejections": Measure("made again", "", True),
    "doubts": Measure("doubts", "", True),
    "agreement": Measure("agreement", "", False, 2, bound=0.8),
    "conditions": Measure("conditions missed", "", True, bound=0),
    "unknown": Measure("unknown words", "", True, bound=0),
    "limits": Measure("beyond joint limits", "", True, bound=0),
    "balance": Measure("out of balance", "cm", True, 1, bound=0),
    "inside": Measure("limb inside the trunk", "", True, bound=0),
    "bones": Measure("bone-length error", "cm", True, 2),
    "lowest": Measure("lowest joint", "cm", True, 1),
    "attempt": Measure("unusable samples before", "", True),
}
"""In the order in which the page lists them; one that no pose has is hidden."""


@dataclass(frozen=True)
class PoseMeasures:
    """The numbers of a pose by the keys of MEASURES, None where there is none, and the words behind some of them."""

    numbers: Mapping[str, float | None]
    words: Mapping[str, Sequence[str]]


def measure_poses(
    documents: Sequence[PoseDocument], conditions: Mapping[str, Sequence[Condition]]
) -> list[PoseMeasures]:
    """Measure poses, all at once. `conditions`: by caption."""
    if not documents:
        return []
    joints = np.stack([each.joints for each in documents])  # (n, 22, 3)
    with np.errstate(all="ignore"):  # of joints that are no body, all in one place or at no distance that there is
        bones = rounded(100 * bone_length_error(joints), 3)
        lowest, balance = rounded(100 * lowest_joint_height(joints), 1), rounded(100 * imbalance(joints), 1)
        inside, outside = limb_in_trunk(joints).tolist(), violations(joints)
    angles = tuple(outside)
    beyond = np.stack(list(outside.values()), axis=1).tolist()  # (n, angles)
    results = []
    for row, document in enumerate(documents):
        limits = [*compress(angles, beyond[row])]
        known = conditions.get(document.caption)
        missed = [each.text for each in known or () if not each.holds(joints[row : row + 1])[0]]
        unknown = document.unknown_words
        numbers: dict[str, float | None] = {
            "agreement": document.agreement,
            "conditions": len(missed) if known else None,
            "unknown": None if unknown is None else len(unknown),
            "limits": len(limits),
            "balance": balance[row],
            "inside": int(inside[row]),
            "bones": bones[row],
            "lowest": lowest[row],
            "attempt": document.attempt,
            "rejections": document.rejections or 0,
        }
        numbers["doubts"] = sum(MEASURES[key].is_doubtful(value) for key, value in numbers.items())
        results.append(PoseMeasures(numbers, {"conditions": missed, "limits": limits, "unknown": unknown or ()}))
    return results


def rounded(values: Array, decimals: int) -> list[float]:
    numbers: list[float] = np.round(values.astype(np.float64), decimals).tolist()
    return numbers
