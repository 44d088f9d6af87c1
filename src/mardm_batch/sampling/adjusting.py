"""Sampled poses that do not show what their captions state in so many words, or would fall, changed until they do not.

No torch here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Final

import numpy as np

from mardm_batch.judge.judge import Judge
from mardm_batch.language.statements.reading import says_falling, stated_conditions
from mardm_batch.pose.adjustment import MARGIN, NARROW_MARGIN, adjusted, follow
from mardm_batch.pose.balance import (
    BALANCE_MARGIN,
    is_balanced,
    is_possible,
    limb_in_trunk,
    may_rest,
    outside_support,
    outside_trunk,
)
from mardm_batch.pose.conditions import PER_DEGREE, Condition, parse
from mardm_batch.pose.geometry import Joints, canonical_clip, canonical_position
from mardm_batch.pose.joint_limits import degrees_within, violations, within_limits
from mardm_batch.pose.skeleton import NUM_JOINTS

STATED_WEIGHT: Final = 3.0
"""Of a condition that the caption states, and of balance, beside those that the judge reads."""
LARGEST_WEIGHT: Final = 1.0
"""Of a condition that the judge reads."""
_BALANCE_SCALE: Final = 3.0
"""Feet are narrow: of the usual margin a third has to do."""
TURNED: Final = 0.02
"""Metres that a joint moves as a changed pose is turned to face forward, from which on it is changed once more."""
_REMEMBERED: Final = 1 << 14


BALANCED: Final = Condition(
    "balanced", ((lambda joints: _BALANCE_SCALE * (BALANCE_MARGIN - outside_support(joints[:, :NUM_JOINTS])),),)
)
"""Of whoever neither sits nor lies."""
CLEAR_OF_TRUNK: Final = Condition("clear of the trunk", ((lambda joints: outside_trunk(joints[:, :NUM_JOINTS]),),))


LIMITS: Final = (parse("elbows bent ..150"), parse("knees bent ..150"))
"""Short of those of `pose.joint_limits`."""


@dataclass(frozen=True)
class Adjustment:
    """Of a pose: the conditions that it was changed for, and the stated ones that it misses all the same.

    "balanced" is one of those that it may be changed for.
    """

    adjusted_for: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()


class PoseAdjuster:
    """Changes poses by what their captions state, and those that would fall and should not, until they are in balance.

    What else the judge reads in a caption, and a pose shows, is kept.
    """

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.stated = lru_cache(maxsize=_REMEMBERED)(self._stated)
        """The conditions that a caption states, read as the judge reads it."""

    def adjust(self, captions: Sequence[str], joints: Joints) -> tuple[Joints, list[Adjustment]]:
        """The poses (b, 22, 3), in canonical position, each changed where that is possible, and what was changed.

        A pose is the same whatever else is in its batch. One that is not finite stays as it is.
        """
        changed = joints.copy()
        adjustments = [Adjustment()] * len(captions)
        balanced = is_balanced(joints)  # (b,)
        for row, caption in enumerate(captions):
            required = self.stated(caption)
            if not (balanced[row] or says_falling(caption)):
                required = (*required, BALANCED)
            if not required or not np.isfinite(joints[row]).all():
                continue
            missed = _missed(required, joints[row])
            if not missed:
                continue
            pose, still = self._changed(caption, required, missed, joints[row])
            changed[row] = pose
            mended = [condition.text for condition in missed if condition not in still]
            left = [condition.text for condition in still if condition is not BALANCED]
            adjustments[row] = Adjustment(tuple(mended), tuple(left))
        return changed, adjustments

    def _changed(
        self, caption: str, required: Sequence[Condition], missed: list[Condition], before: Joints
    ) -> tuple[Joints, list[Condition]]:
        """The pose (22, 3) with the fewest of the required conditions missed, and these.

        What the judge reads is kept first, then human limits too; then what is required alone matters, at last by a
        narrow margin.
        """
        best, still = before, missed
        shown = self._shown(caption, before)
        further: list[Condition] = []
        for kept, margin in ((shown, MARGIN), (shown, MARGIN), ([], MARGIN), ([], NARROW_MARGIN)):
            pose = _adjusted(required, before, kept, further, margin)
            if _is_better(pose, before):
                now = _missed(required, pose)
                if len(now) < len(still):
                    best, still = pose, now
                if not still:
                    break
            further = _further_requirements(pose)
        return best, still

    def _shown(self, caption: str, pose: Joints) -> list[tuple[Condition, float]]:
        """What the judge reads in the caption and the pose (22, 3) shows, each with its weight."""
        read, weights = self.judge.probable_conditions(caption)
        return [
            (condition, min(weight, LARGEST_WEIGHT))
            for condition, weight in zip(read, weights, strict=True)
            if _holds(condition, pose)
        ]

    def _stated(self, caption: str) -> tuple[Condition, ...]:
        return tuple(map(parse, stated_conditions(self.judge.reader.rewrite(caption).text)))


def clip_of_pose(clip: Joints, frame: int, pose: Joints) -> Joints:
    """The clip (T, 22, 3) moved and adjusted so that its frame is the pose (22, 3), in canonical position."""
    moved = canonical_clip(clip, frame)
    return moved if np.array_equal(moved[frame], pose) else follow(moved, moved[frame], pose)


def _adjusted(
    required: Sequence[Condition],
    pose: Joints,
    shown: Sequence[tuple[Condition, float]] = (),
    further: Sequence[Condition] = (),
    margin: float = MARGIN,
) -> Joints:
    """The pose (22, 3) changed for what is required, in canonical position, its lowest joint as high as before.

    What it shows is kept by weights; what is required further is not what the caption says.
    """
    others = (*further, BALANCED) if not may_rest(pose[None])[0] else further
    kept = [
        *shown,
        *((each, STATED_WEIGHT) for each in dict.fromkeys(others) if each not in required),
        *((limit, LARGEST_WEIGHT) for limit in LIMITS),
    ]
    conditions = [*required, *(condition for condition, _ in kept)]
    weights = [STATED_WEIGHT] * len(required) + [weight for _, weight in kept]
    for _ in range(2):
        changed = adjusted(pose, conditions, weights, margin)
        changed[:, 1] += pose[:, 1].min() - changed[:, 1].min()
        facing = canonical_position(changed[None].astype(np.float32))[0]
        if np.abs(facing - facing[0] - changed + changed[0]).max() < TURNED:
            break
        pose = facing  # it faces forward again, where left and forward are others than they were
    return np.asarray(facing)


def _holds(condition: Condition, pose: Joints) -> bool:
    return bool(condition.holds(pose[None].astype(np.float64))[0])


def _missed(conditions: Sequence[Condition], pose: Joints) -> list[Condition]:
    return [condition for condition in conditions if not _holds(condition, pose)]


def _further_requirements(pose: Joints) -> list[Condition]:
    """What keeps the angles of a pose (22, 3) that are beyond human limits within them, and it possible."""
    beyond = [name for name, outside in violations(pose[None].astype(np.float64)).items() if outside[0]]
    limits = [Condition(name, ((partial(_within_limit, name=name),),)) for name in beyond]
    return [*limits, BALANCED, *([CLEAR_OF_TRUNK] if limb_in_trunk(pose[None])[0] else [])]


def _within_limit(joints: Joints, name: str) -> Joints:
    return np.asarray(PER_DEGREE * degrees_within(joints, name))


def _is_better(pose: Joints, before: Joints) -> bool:
    """Whether the pose (22, 3) is finite, within human limits and possible, as far as it was so before."""
    poses = np.stack([pose, before])
    if not np.isfinite(pose).all():
        return False
    return all(bool(now or not earlier) for now, earlier in (within_limits(poses), is_possible(poses)))
