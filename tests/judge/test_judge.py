"""Agreement says which of what a caption states a pose shows."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from mardm_batch.errors import InputError
from mardm_batch.judge.judge import PACKAGED, Judge, judged_conditions, load_judge
from mardm_batch.judge.network import SPECIAL_TOKENS, CaptionNetwork
from mardm_batch.language.words import stem
from mardm_batch.library.library import load_library
from mardm_batch.pose.conditions import parse
from mardm_batch.pose.geometry import Joints, mirror_image
from mardm_batch.pose.sides import swap_sides

LARGEST_FILE = 1_200_000


@pytest.fixture(scope="module")
def samples() -> tuple[list[str], Joints]:
    """Captions of training, and a pose (n, 22, 3) of each."""
    library, rng = load_library(), np.random.default_rng(5)
    drawn = [library.sample(rng, 1, held_out=False) for _ in range(40)]
    return [sample.caption for sample in drawn], np.concatenate([sample.clip for sample in drawn])


def knowing_judge(words: Sequence[str], outputs: Sequence[str], shares: Sequence[float]) -> Judge:
    """A judge for which a word states the output of the same place, with certainty."""
    count = len(words)
    embedding = np.zeros((SPECIAL_TOKENS + count, count), np.float32)
    embedding[SPECIAL_TOKENS:] = np.eye(count)
    identity, nothing = np.eye(count, dtype=np.float32), np.zeros(count, np.float32)
    weights = {
        "words": embedding,
        "first": np.hstack([0 * identity, identity, 0 * identity]),
        "second": np.zeros((count, 5 * count), np.float32),
        "third": identity,
        "last": 40 * identity,
        **{f"{name}_bias": nothing for name in ("first", "second", "third")},
        "last_bias": nothing - 20,
    }
    return Judge(CaptionNetwork(weights), [stem(word) for word in words], outputs, shares, implied=())


def test_poses_agree_with_their_own_captions_more_than_with_others(samples: tuple[list[str], Joints]) -> None:
    captions, poses = samples
    own = np.array([score for score in load_judge().scores(captions, poses) if score is not None])
    others = [score for score in load_judge().scores(captions[1:] + captions[:1], poses) if score is not None]
    assert len(own) > 0.9 * len(captions)
    assert own.mean() > 0.9
    assert np.mean(others) < own.mean() - 0.3
    assert ((own >= 0) & (own <= 1)).all()


def test_what_a_pose_misses_is_named() -> None:
    judge, upright = load_judge(), standing()
    (agreement,) = judge.agreement(["A person with both hands above the head"], upright)
    assert agreement.score is not None
    assert agreement.score < 0.5
    assert any("above" in text for text in agreement.missed)
    assert not any(parse(text).holds(upright)[0] for text in agreement.missed)
    (fits,) = judge.agreement(["A person standing upright, both arms hanging down"], upright)
    assert fits.score is not None
    assert fits.score > agreement.score


def test_mirror_images_agree_with_the_mirrored_caption(samples: tuple[list[str], Joints]) -> None:
    captions, poses = samples
    judge = load_judge()
    first, second = (
        judge.probabilities(captions), judge.probabilities([swap_sides(caption) for caption in captions])
    )  # fmt: skip
    place = {text: number for number, text in enumerate(judge.conditions)}
    for text in ("left_hand above head 0.1", "left_knee bent 60..", "left_foot off floor"):
        if text in place and swap_sides(text) in place:
            np.testing.assert_allclose(first[:, place[text]], second[:, place[swap_sides(text)]], atol=1e-6)
    own = judge.scores(captions, poses)
    mirrored = judge.scores([swap_sides(caption) for caption in captions], mirror_image(poses))
    pairs = [(a, b) for a, b in zip(own, mirrored, strict=True) if a is not None and b is not None]
    assert np.mean([abs(a - b) < 0.05 for a, b in pairs]) > 0.9  # the skeleton's sides differ by millimetres


def test_a_caption_without_a_side_leaves_it_open() -> None:
    outputs = ["left_hand above head"]
    judge = knowing_judge(["wave"], outputs, [0.1, 0.1, 0.2])
    judge.network.weights["last_bias"][:] = -40  # half a probability for each side
    assert judge.conditions == (
        "left_hand above head", "right_hand above head", "left_hand above head or right_hand above head"
    )  # fmt: skip
    poses = np.concatenate([standing(), raised("left"), raised("right")])
    assert judge.scores(["A person waving"] * 3, poses) == [0.0, 1.0, 1.0]


def test_rare_conditions_weigh_more() -> None:
    outputs = ["hands above head", "knees straight"]
    judge = knowing_judge(["raise", "stand"], outputs, [0.01, 0.9])
    scores = judge.scores(["Standing and raising"] * 2, np.concatenate([standing(), raised("both")]))
    assert scores[1] == 1.0
    assert scores[0] is not None
    assert 0.0 < scores[0] < 0.1


@pytest.mark.parametrize("caption", ["", "Zorbing", "站立", "?!"])
def test_a_caption_that_states_nothing_is_not_judged(caption: str) -> None:
    judge = knowing_judge(["raise"], ["hands above head"], [0.1])
    assert judge.scores([caption], standing()) == [None]
    load_judge().scores([caption], standing())


def test_the_agreement_does_not_depend_on_the_batch(samples: tuple[list[str], Joints]) -> None:
    captions, poses = samples
    judge = load_judge()
    alone = [judge.scores([caption], pose[None])[0] for caption, pose in zip(captions, poses, strict=True)]
    assert judge.scores(captions, poses) == alone
    assert judge.scores([*captions, *captions], np.concatenate([poses, poses])) == alone + alone
    assert judge.scores([], np.zeros((0, 22, 3), np.float32)) == []


def test_the_packaged_judge_is_small_and_names_conditions() -> None:
    assert PACKAGED.stat().st_size < LARGEST_FILE
    judge = load_judge()
    assert len(set(judge.conditions)) == len(judge.conditions) == len(judge.information)
    for text in judge.conditions:
        parse(text)
    assert judged_conditions(["hands above head"]) == ("hands above head",)


@pytest.mark.parametrize("content", [b"", b"nothing", json.dumps({"a": 1}).encode()])
def test_a_broken_file_is_one_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "judge.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"judge\.safetensors: not a file of the judge"):
        load_judge(path)


def standing() -> Joints:
    """A plain stand (1, 22, 3)."""
    library = load_library()
    stand = next(entry for entry in library.entries if entry.implied)
    rng = np.random.default_rng(0)
    return type(library.compose(rng))((stand,)).joints(rng)[None]


def raised(side: str) -> Joints:
    """A stand with the wrists of one side, or of both, above the head (1, 22, 3)."""
    joints = standing()
    for name, elbow, wrist in (("left", 18, 20), ("right", 19, 21)):
        if side in (name, "both"):
            joints[0, elbow, 1], joints[0, wrist, 1] = 1.9, 2.2
    return joints
