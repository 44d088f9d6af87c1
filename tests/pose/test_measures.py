"""Measures, conditions, joint limits and the names of sides, on composed poses."""

import numpy as np
import pytest

from mardm_batch.errors import InputError
from mardm_batch.library.posing import pose
from mardm_batch.pose import measures
from mardm_batch.pose.conditions import either_side, mirror_condition, parse
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


def test_limb_angles_are_those_of_the_posture():
    bent = posed(left_arm={"raise": 90, "plane": 0, "elbow": 70, "toward": "up"})
    assert measures.flexion(bent, "left_elbow")[0] == pytest.approx(70, abs=0.1)
    assert measures.angle_from_vertical(bent, "left_upper_arm")[0] == pytest.approx(90, abs=0.1)


def test_forward_and_left_are_positive():
    assert measures.torso_pitch(posed(torso={"bend": 40}))[0] > 20
    assert measures.torso_pitch(LEANING_BACK)[0] < -20
    assert measures.torso_lean(posed(torso={"lean": 30}))[0] > 15
    assert measures.torso_twist(posed(torso={"twist": 30}))[0] == pytest.approx(30, abs=2)
    assert measures.head_nod(posed(head={"nod": 30}))[0] == pytest.approx(30, abs=2)
    assert measures.head_side(posed(head={"turn": 60}))[0] > 10


def test_kneeling_is_distinguished_from_standing():
    assert parse("kneeling").holds(KNEELING)[0]
    assert not parse("kneeling").holds(STANDING)[0]


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
def test_conditions_hold_for_matching_poses(condition, joints):
    assert parse(condition).holds(joints)[0]


@pytest.mark.parametrize(
    "condition", ["torso leans back 20..", "hands above head", "kneeling", "either hand on floor", "feet off floor"]
)
def test_conditions_do_not_hold_for_a_standing_person(condition):
    assert not parse(condition).holds(STANDING)[0]


def test_either_requires_one_side_and_a_plural_both():
    one_sided = posed(left_arm={"raise": 170, "plane": 20})
    assert parse("either hand above head").holds(one_sided)[0]
    assert not parse("hands above head").holds(one_sided)[0]


def test_a_mirrored_condition_holds_for_the_mirror_image():
    one_sided = posed(left_arm={"raise": 170, "plane": 20}, torso={"lean": 25})
    for text in ("left_hand above head 0.1", "torso leans left 10..", "right_hand right of left_hand 0.1"):
        assert parse(text).holds(one_sided)[0]
        assert parse(mirror_condition(text)).holds(mirror_image(one_sided))[0]
        assert parse(either_side(text)).holds(mirror_image(one_sided))[0]


def test_upright_and_right_angles_name_no_side():
    assert mirror_condition("torso upright") == "torso upright"
    text = "the left knee bent at a right angle"
    assert swap_sides(text) == "the right knee bent at a right angle"
    assert names_side(text)
    assert not names_side("Upright, knees at right angles")


def test_sides_are_recognised_in_capitals():
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
def test_an_invalid_condition_is_reported_with_what_is_allowed(text, allowed):
    with pytest.raises(InputError) as error:
        parse(text)
    assert text in str(error.value)
    assert allowed in str(error.value)
    assert "\n" not in str(error.value)


def test_joint_limits_accept_possible_poses_and_reject_broken_limbs():
    assert within_limits(np.concatenate([STANDING, T_POSE, KNEELING, LEANING_BACK])).all()
    backward = STANDING.copy()
    knee, ankle, foot = (JOINT_INDEX[f"left_{name}"] for name in ("knee", "ankle", "foot"))
    # The shin folded forward with the toes pointing ahead: a knee that bends the wrong way.
    backward[0, ankle] = backward[0, knee] + [0, -0.2, 0.383]
    backward[0, foot] = backward[0, ankle] + [0, 0.06, 0.13]
    assert violations(backward)["left knee hinge"][0] or violations(backward)["left hip rotation"][0]
    assert not within_limits(backward)[0]
