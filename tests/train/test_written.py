"""Clips of written captions: a pose shows what its caption asks for, whatever the model made of it."""

from pathlib import Path

from mardm_batch.library.caption_conditions import read_captions
from mardm_batch.library.clips import CLIP_FRAMES, pose_of_frame
from mardm_batch.pose.conditions import holds_all, parse
from mardm_batch.pose.joint_limits import within_limits
from mardm_batch.train.recipe import load_start
from mardm_batch.train.written import written_captions, written_clips

TESTS = Path(__file__).parents[1]
CAPTIONS = {
    "her left hand is somewhere above her head, chin tucked": ("left_hand above head", "head looks down 8"),
    "zorbing, both knees in the air": ("knees above hips", "pelvis height ..0.5"),
    "one arm stretched to the front": ("left_arm points forward or right_arm points forward",),
}
"""The model and the rules read some of this and not all."""


def test_poses_show_what_their_captions_ask_for() -> None:
    conditions = {caption: tuple(map(parse, texts)) for caption, texts in CAPTIONS.items()}
    sampled: list[int] = []
    clips = written_clips(load_start("embedded"), conditions, poses_per_caption=4, seed=3, report=sampled.append)
    assert sampled == [3, 6, 9, 12]
    assert 8 <= len(clips) <= 12
    for clip in clips:
        pose = pose_of_frame(clip.features[CLIP_FRAMES // 2])
        assert within_limits(pose[None]).all()
        (caption,) = (text for text in clip.captions if text in CAPTIONS)
        assert holds_all(CAPTIONS[caption], pose[None].astype(float)).all()
        assert clip.sides == (0,) * len(clip.captions)
    pointed = [
        bool(holds_all(["left_arm points forward"], pose_of_frame(clip.features[CLIP_FRAMES // 2])[None])[0, 0])
        for clip in clips
        if "one arm stretched to the front" in clip.captions
    ]
    assert len(pointed) > 1
    assert len(set(pointed)) == 1  # always the same side


def test_captions_to_learn_from_are_none_of_those_that_are_scored() -> None:
    learnt = {caption.lower() for caption in written_captions()}
    assert len(learnt) > 3000
    for name in ("held_out_captions", "harder_captions", "harder_captions_scored"):
        assert not learnt & {caption.lower() for caption in read_captions(TESTS / f"{name}.yaml")}, name
