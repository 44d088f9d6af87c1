"""Posecodes measure what their words say, and conditions read as they are written."""

import numpy as np
import pytest

from mardm_batch.errors import InputError
from mardm_batch.library.posing import pose
from mardm_batch.pose import measures
from mardm_batch.pose.conditions import mirrored, on_either_side, parse
from mardm_batch.pose.geometry import mirror_image
from mardm_batch.pose.joint_limits import violations, within_limits
from mardm_batch.pose.sides import names_side, swap_sides
from mardm_batch.pose.skeleton import JOINT_INDEX


def posed(**parts):
    return pose(parts)[None]


STANDING = posed()
T_POSE = posed(**{f"{side}_arm": {"raise": 90, "plane": 0} for side in ("left", "right")})
LEANING_BACK = posed(torso={"bend": -40})
KNEELING = posed(
    pelvis={"rests_on": ["left_knee", "right_knee"]},
    left_leg={"raise": 0, "shin": "floor"},
    right_leg={"raise": 0, "shin": "floor"},
)


def test_angles_are_those_of_the_limbs():
    bent = posed(left_arm={"raise": 90, "plane": 0, "elbow": 70, "toward": "up"})
    assert measures.bend(bent, "left_elbow")[0] == pytest.approx(70, abs=0.1)
    assert measures.angle(bent, "left_elbow")[0] == pytest.approx(110, abs=0.1)
    assert measures.from_vertical(bent, "left_upper_arm")[0] == pytest.approx(90, abs=0.1)


def test_a_value_at_a_threshold_falls_in_the_lower_bin():
    found = measures.bins(np.array([45.0, 45.1, 170.0]), measures.ANGLE_THRESHOLDS)
    assert [measures.ANGLE_WORDS[index] for index in found] == [
        "completely bent",
        "almost completely bent",
        "straight",
    ]


def test_signs_follow_the_words_forward_left():
    assert measures.torso_pitch(posed(torso={"bend": 40}))[0] > 20
    assert measures.torso_pitch(LEANING_BACK)[0] < -20
    assert measures.torso_lean(posed(torso={"lean": 30}))[0] > 15
    assert measures.torso_twist(posed(torso={"twist": 30}))[0] == pytest.approx(30, abs=2)
    assert measures.head_nod(posed(head={"nod": 30}))[0] == pytest.approx(30, abs=2)
    assert measures.head_side(posed(head={"turn": 60}))[0] > 10


def test_kneeling_is_told_from_standing():
    assert measures.kneeling(KNEELING)[0]
    assert not measures.kneeling(STANDING)[0]


@pytest.mark.parametrize(
    ("condition", "joints"),
    [
        ("torso leans back 20..", LEANING_BACK),
        ("torso upright", T_POSE),
        ("arms points outward 20", T_POSE),
        ("hands apart 1.2..", T_POSE),
        ("left_hand left of right_hand 1.0", T_POSE),
        ("elbows straight", T_POSE),
        ("kneeling", KNEELING),
        ("knees on floor", KNEELING),
        ("knees bent 70..110", KNEELING),
        ("hands below shoulders 0.3", STANDING),
        ("head looks up or torso upright", STANDING),
        ("feet close 0.3", STANDING),
        ("pelvis height 0.8..1.0", STANDING),
    ],
)
def test_conditions_hold_where_they_should(condition, joints):
    assert parse(condition).met(joints)[0]


@pytest.mark.parametrize(
    "condition", ["torso leans back 20..", "hands above head", "kneeling", "either hand on floor", "feet off floor"]
)
def test_conditions_fail_on_plain_standing(condition):
    assert not parse(condition).met(STANDING)[0]


def test_either_needs_one_and_a_plural_needs_both():
    one = posed(left_arm={"raise": 170, "plane": 20})
    assert parse("either hand above head").met(one)[0]
    assert not parse("hands above head").met(one)[0]


def test_a_mirrored_condition_holds_of_the_mirror_image():
    one = posed(left_arm={"raise": 170, "plane": 20}, torso={"lean": 25})
    for text in ("left_hand above head 0.1", "torso leans left 10..", "right_hand right of left_hand 0.1"):
        assert parse(text).met(one)[0]
        assert parse(mirrored(text)).met(mirror_image(one))[0]
        assert parse(on_either_side(text)).met(mirror_image(one))[0]


def test_upright_and_right_angles_have_no_side():
    assert mirrored("torso upright") == "torso upright"
    text = "the left knee bent at a right angle"
    assert swap_sides(text) == "the right knee bent at a right angle"
    assert names_side(text)
    assert not names_side("Upright, knees at right angles")


def test_sides_are_read_in_capitals_too():
    assert swap_sides("Left hand up, RIGHT hand down") == "Right hand up, LEFT hand down"
    assert names_side("LEFT arm raised")


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("left_hnad above head", "left_hand"),
        ("left_hand over head", "above"),
        ("left_hip bent 30..", "left_knee"),
        ("torso twists forward", "left or right"),
        ("head close", "hands"),
    ],
)
def test_a_condition_that_cannot_be_read_names_itself_and_what_is_allowed(text, allowed):
    with pytest.raises(InputError) as error:
        parse(text)
    assert text in str(error.value)
    assert allowed in str(error.value)
    assert "\n" not in str(error.value)


def test_joint_limits_pass_people_and_stop_broken_limbs():
    assert within_limits(np.concatenate([STANDING, T_POSE, KNEELING, LEANING_BACK])).all()
    backward = STANDING.copy()
    knee, ankle, foot = (JOINT_INDEX[f"left_{name}"] for name in ("knee", "ankle", "foot"))
    # The shin folded forward, the toes still looking ahead: a knee that bends the wrong way.
    backward[0, ankle] = backward[0, knee] + [0, -0.2, 0.383]
    backward[0, foot] = backward[0, ankle] + [0, 0.06, 0.13]
    assert violations(backward)["left knee hinge"][0] or violations(backward)["left hip rotation"][0]
    assert not within_limits(backward)[0]
