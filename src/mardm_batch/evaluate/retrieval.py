"""Retrieval with the judge, as of PoseScript (Delmas et al., ECCV 2022): the pose of a caption, the caption of a pose.

Axes: s seeds, n captions or poses, p of a pool, k conditions, 22 joints, 3 coordinates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch.judge.judge import Judge
from mardm_batch.pose.conditions import holds_all
from mardm_batch.pose.geometry import Joints

POOL: Final = 32
"""Captions and poses in a pool."""
RANKS: Final = (1, 5, 10)
POOL_SEED: Final = 3407


@dataclass(frozen=True)
class RetrievalScores:
    """Shares from 0 to 1, means over the pools; 0 without any."""

    pool: int
    """Captions of a pool, each with one pose: 32, or all where there are fewer."""
    captions: int
    """In the pools: those that state something that can be judged, in whole pools."""
    pose_recall_1: float
    """Of the captions, the share whose pose agrees best of its pool."""
    pose_recall_5: float
    """Whose pose is among the five that agree best."""
    pose_recall_10: float
    caption_recall_1: float
    """Of the poses, the share whose caption is the one of its pool that fits best."""
    caption_recall_5: float
    caption_recall_10: float


def score_retrieval(judge: Judge, captions: Sequence[str], poses: Joints) -> RetrievalScores:
    """Recall in pools of captions and their poses (s, n, 22, 3), the captions shuffled in the same way every time."""
    judged = [number for number, demands in enumerate(judge.demands(captions)) if not demands.are_none]
    order = np.random.default_rng(POOL_SEED).permutation(np.array(judged, np.intp))
    pool = min(POOL, len(order))
    pools = [order[start : start + pool] for start in range(0, len(order) - pool + 1, pool)] if pool else []
    found = [
        recalls(evidence(judge, [captions[number] for number in each], of_seed[each]))
        for of_seed in poses
        for each in pools
    ]
    of_poses, of_captions = np.mean(found, axis=0) if found else np.zeros((2, len(RANKS)))
    return RetrievalScores(pool, pool * len(pools), *map(float, of_poses), *map(float, of_captions))


def evidence(judge: Judge, captions: Sequence[str], poses: Joints) -> NDArray[np.float64]:
    """How much poses (p, 22, 3) speak for captions, (captions, p) in nats: what each states and the pose meets, less
    what it states and the pose does not."""
    demands = judge.demands(captions)
    places = sorted({int(place) for each in demands for place in each.places})
    columns = {place: column for column, place in enumerate(places)}
    weights = np.zeros((len(captions), len(places)))
    for row, each in enumerate(demands):
        weights[row, [columns[int(place)] for place in each.places]] = each.weights
    holds = holds_all([judge.conditions[place] for place in places], np.asarray(poses, np.float64))  # (k, p)
    return np.asarray(weights @ (2.0 * holds - 1.0))


def recalls(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Recall (2, 3) at each of `RANKS` in a matrix (captions, poses) whose diagonal are the pairs: of the poses by
    their captions, and of the captions by their poses. Those that score alike are in random order."""
    own = np.diagonal(scores)
    found = []
    for matrix in (scores, scores.T):
        better = (matrix > own[:, None]).sum(axis=1)
        alike = (matrix == own[:, None]).sum(axis=1)
        found.append([np.clip((rank - better) / alike, 0.0, 1.0).mean() for rank in RANKS])
    return np.array(found)
