"""The list of reviews: the last line about a pose counts, and none is lost."""

import json
import threading
from pathlib import Path

import numpy as np
import pytest

from mardm_batch.dataset.records import Pose, PoseDocument, Provenance
from mardm_batch.dataset.reviews import Review, ReviewList, pose_digest
from mardm_batch.prompts.names import Prompt

PROVENANCE = Provenance("tiny", 1, 0, {})


def document(seed: int, rejections: int = 0) -> PoseDocument:
    joints = np.random.default_rng(seed).normal(size=(22, 3)).astype(np.float32)
    return PoseDocument.of(Pose(Prompt("sitting", "A person sitting"), joints, 0, 0, rejections=rejections), PROVENANCE)


def test_the_last_review_of_a_pose_counts(tmp_path: Path) -> None:
    reviews, pose = ReviewList(tmp_path), document(0)
    digest = pose_digest(pose)
    assert not reviews.read().is_rejected("sitting", pose)
    reviews.append([Review("sitting", "reject", "knees", digest)])
    assert reviews.read().is_rejected("sitting", pose)
    assert reviews.read().rejections() == {"sitting": 1}
    reviews.append([Review("sitting", None, "", digest)])
    assert not reviews.read().is_rejected("sitting", pose)
    assert reviews.read().rejections() == {}
    assert len(reviews.path.read_text("utf-8").splitlines()) == 2


def test_a_pose_in_the_place_of_a_rejected_one_has_no_review(tmp_path: Path) -> None:
    reviews, first, second = ReviewList(tmp_path), document(0), document(1, rejections=1)
    reviews.append([Review("sitting", "reject", "", pose_digest(first))])
    assert not reviews.read().is_rejected("sitting", second)
    reviews.append([Review("sitting", "reject", "", pose_digest(second))])
    assert reviews.read().is_rejected("sitting", second)
    assert reviews.read().rejections() == {"sitting": 2}


def test_a_review_may_keep_the_joints_of_a_rejected_pose(tmp_path: Path) -> None:
    reviews, joints = ReviewList(tmp_path), list(range(66))
    reviews.append([Review("sitting", "reject", "", "0" * 16, joints, 0.25), Review("waving", "accept", "", "1" * 16)])
    reviews.append([Review("sitting", "reject", "", "2" * 16)])
    (kept,) = reviews.read().rejected_poses()["sitting"]
    assert (kept.joints, kept.agreement) == (joints, 0.25)
    for wrong in (joints[1:], [*joints[1:], 2**15], [*joints[1:], 0.5]):
        with pytest.raises(ValueError, match="joints"):
            Review.from_json({"name": "sitting", "verdict": "reject", "joints": wrong})


def test_a_line_written_by_hand_needs_no_digest_and_others_are_counted(tmp_path: Path) -> None:
    lines = ['{"name": "sitting", "verdict": "reject"}', '{"name": "sitting", "verdict": "rejected"}', "[]", "", "\0"]
    (tmp_path / "reviews.jsonl").write_text("\n".join(lines), "utf-8")
    reviews = ReviewList(tmp_path)
    assert reviews.read().is_rejected("sitting", document(0))
    assert not reviews.read().is_rejected("sitting", document(0, rejections=1))
    assert reviews.read().ignored_lines == 3
    reviews.append([Review("standing", "accept", "", "0")])  # the last line had no end
    assert json.loads(reviews.path.read_text("utf-8").splitlines()[-1])["name"] == "standing"


def test_reviewers_at_once_lose_nothing(tmp_path: Path) -> None:
    def review(reviewer: int) -> None:
        reviews = ReviewList(tmp_path)
        for number in range(20):
            reviews.append([Review(f"{reviewer} {number}", "accept", "", "0")])

    threads = [threading.Thread(target=review, args=(reviewer,)) for reviewer in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ReviewList(tmp_path).read().latest) == 60


@pytest.mark.parametrize("verdict", ["", "yes", 1])
def test_other_verdicts_are_refused(verdict: object) -> None:
    with pytest.raises(ValueError, match="verdict"):
        Review.from_json({"name": "a", "verdict": verdict})
