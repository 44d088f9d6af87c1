"""The judge is scored by conditions that it does not see."""

import numpy as np
import pytest

from mardm_batch.evaluate.agreement import area_under_curve, score_judge
from mardm_batch.library.library import load_library
from mardm_batch.pose.conditions import parse


def test_poses_of_their_captions_are_told_from_others() -> None:
    library, rng = load_library(), np.random.default_rng(7)
    drawn = {}
    while len(drawn) < 25:
        sample = library.sample(rng, 1, held_out=False)
        if sample.conditions:
            drawn[sample.caption] = sample
    captions = {caption: tuple(map(parse, sample.conditions)) for caption, sample in drawn.items()}
    own = np.concatenate([sample.clip for sample in drawn.values()])
    scores = score_judge(captions, np.stack([np.roll(own, 1, axis=0), own]))
    assert scores.agreement_measured > 0.9
    assert scores.agreement_auc > 0.9
    assert scores.any_seed_captions_met == 1.0
    assert scores.best_agreement_captions_met > 0.85


@pytest.mark.parametrize(
    ("higher", "lower", "expected"),
    [([2, 3], [0, 1], 1.0), ([0, 1], [2], 0.0), ([1], [1, 1], 0.5), ([1, 2], [1, 0], 0.875), ([], [1], 0.5)],
)
def test_the_area_under_the_curve_counts_pairs(higher: list[float], lower: list[float], expected: float) -> None:
    assert area_under_curve(np.array(higher, float), np.array(lower, float)) == expected
