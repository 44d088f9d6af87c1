"""How well the judge's agreement tells poses that meet every condition of their caption from others.

Axes: s seeds, n captions, 22 joints, 3 coordinates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mardm_batch.judge.judge import load_judge
from mardm_batch.pose.conditions import Condition
from mardm_batch.pose.geometry import Joints


@dataclass(frozen=True)
class JudgeScores:
    """Shares are from 0 to 1."""

    agreement: float
    """Mean over the poses whose captions state something that can be judged."""
    agreement_measured: float
    """Share of these poses."""
    agreement_auc: float
    """Of two such poses, one that meets every condition of its caption and one that does not, the share where the first
    agrees better, ties by half; 0.5 where there are no two such poses."""
    best_agreement_captions_met: float
    """Share of the captions of which, among the poses of all seeds, the one that agrees best meets all conditions: what
    `sampling.candidates` of that number would give."""
    any_seed_captions_met: float
    """Share of the captions of which the pose of one seed at least meets all conditions: the most that any choice could
    give."""


def score_judge(captions: Mapping[str, Sequence[Condition]], poses: Joints) -> JudgeScores:
    """Judge poses (s, n, 22, 3) of captions whose conditions are known; the judge does not see these."""
    seeds, texts = len(poses), list(captions)
    met = np.array(
        [
            np.all([np.ones(seeds, bool), *(condition.holds(poses[:, number]) for condition in conditions)], axis=0)
            for number, conditions in enumerate(captions.values())
        ]
    ).T  # (s, n)
    found = load_judge().scores(texts * seeds, poses.reshape(-1, *poses.shape[2:]))
    agreement = np.array([np.nan if each is None else each for each in found]).reshape(seeds, len(texts))  # (s, n)
    measured = ~np.isnan(agreement)
    best = np.where(measured, agreement, 0.0).argmax(axis=0)  # (n,)
    return JudgeScores(
        agreement=float(agreement[measured].mean()) if measured.any() else 0.0,
        agreement_measured=float(measured.mean()),
        agreement_auc=area_under_curve(agreement[measured & met], agreement[measured & ~met]),
        best_agreement_captions_met=float(met[best, np.arange(len(texts))].mean()),
        any_seed_captions_met=float(met.any(axis=0).mean()),
    )


def area_under_curve(higher: NDArray[np.float64], lower: NDArray[np.float64]) -> float:
    """Share of the pairs of which the first value is the greater one, ties by half; 0.5 without any pair."""
    if not len(higher) or not len(lower):
        return 0.5
    ordered = np.sort(lower)
    less, not_more = np.searchsorted(ordered, higher, side="left"), np.searchsorted(ordered, higher, side="right")
    return float((less + not_more).mean() / (2 * len(lower)))
