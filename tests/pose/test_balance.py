"""Whether a pose is possible for a body with mass and thickness."""

import numpy as np

from mardm_batch.library.posing import pose
from mardm_batch.pose.balance import centre_of_mass, is_balanced, limb_in_trunk, may_rest, outside_support
from mardm_batch.pose.skeleton import JOINT_INDEX


def test_the_centre_of_mass_of_a_stand_is_in_the_pelvis_above_the_feet():
    joints = pose({})[None]
    centre = centre_of_mass(joints)[0]
    assert abs(centre[0]) < 0.01
    assert abs(centre[1] - joints[0, 0, 1]) < 0.15
    assert outside_support(joints)[0] < -0.02
    assert is_balanced(joints)[0]


def test_a_body_that_leans_beyond_its_feet_is_not_balanced():
    joints = pose({})
    upper = joints[:, 1] > joints[JOINT_INDEX["left_ankle"], 1] + 0.1
    for shift in (0.0, 0.3):
        moved = joints.copy()
        moved[upper, 0] += shift
        assert is_balanced(moved[None])[0] == (shift == 0.0)


def test_lying_and_sitting_bodies_are_carried():
    lying = pose({"pelvis": {"pitch": -90}, "left_leg": {"raise": 4}, "right_leg": {"raise": 4}})
    leg = {"foot": {"out": 0.14, "front": 0.4}}
    seated = pose({"pelvis": {"height": 0.5, "balance": 0}, "left_leg": leg, "right_leg": leg})
    assert is_balanced(np.stack([lying, seated])).all()
    assert may_rest(np.stack([lying, seated, pose({})])).tolist() == [True, True, False]
    assert outside_support(seated[None])[0] > 0.05


def test_a_hand_in_the_trunk_is_found():
    joints = pose({"left_arm": {"hand": {"out": 0.0, "up": 0.15, "front": 0.0}, "from": "pelvis"}})
    assert limb_in_trunk(joints[None])[0]
    assert not limb_in_trunk(pose({"left_arm": {"hand": "belly"}})[None])[0]
