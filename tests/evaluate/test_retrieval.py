"""Poses are found by their captions, and captions by their poses."""

import numpy as np
import pytest

from mardm_batch.evaluate.retrieval import POOL, recalls, score_retrieval
from mardm_batch.judge.judge import load_judge
from mardm_batch.library.library import load_library


def test_recall_counts_ranks_both_ways_and_shares_what_scores_alike() -> None:
    scores = np.eye(12)
    np.testing.assert_allclose(recalls(scores), 1.0)
    alike = recalls(np.zeros((12, 12)))
    np.testing.assert_allclose(alike, [[1 / 12, 5 / 12, 10 / 12]] * 2)
    scores[0, :6] = 2.0  # five poses agree with the first caption as well as its own does
    of_poses, of_captions = recalls(scores)
    assert of_poses[0] == pytest.approx((11 + 1 / 6) / 12)
    assert of_captions.tolist() == pytest.approx([7 / 12, 1, 1])


def test_poses_of_the_library_are_found_and_those_of_others_are_not() -> None:
    library, rng = load_library(), np.random.default_rng(11)
    drawn = {}
    while len(drawn) < POOL + 8:
        sample = library.sample(rng, 1, held_out=False)
        if sample.conditions:
            drawn[sample.caption] = sample
    captions, poses = list(drawn), np.concatenate([sample.clip for sample in drawn.values()])
    scores = score_retrieval(load_judge(), captions, poses[None])
    assert (scores.pool, scores.captions) == (POOL, POOL)
    assert scores.pose_recall_1 > 0.6
    assert scores.caption_recall_1 > 0.6
    assert scores.pose_recall_1 <= scores.pose_recall_5 <= scores.pose_recall_10 <= 1
    others = score_retrieval(load_judge(), captions, np.roll(poses, 1, axis=0)[None])
    assert others.pose_recall_1 < 0.3


def test_captions_that_state_nothing_are_in_no_pool() -> None:
    scores = score_retrieval(load_judge(), ["A person", "Someone"], np.zeros((2, 2, 22, 3)))
    assert (scores.pool, scores.captions, scores.pose_recall_10, scores.caption_recall_1) == (0, 0, 0, 0)
