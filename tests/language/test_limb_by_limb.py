"""What is stated of descriptions limb by limb: anatomy, pronouns, verbs of contact and of movement, postures."""

import pytest

from mardm_batch.language.statements.reading import stated_conditions


@pytest.mark.parametrize(
    ("caption", "conditions"),
    [
        ("the right palm on the left deltoid", ["right_hand near left_shoulder 0.27"]),
        ("both humeri horizontal, the ulnae vertical", ["forearms vertical", "upper_arms horizontal"]),
        (
            "left hand against the occiput, elbow aimed to the side",
            ["left_hand near head 0.25", "left_upper_arm points outward 65"],
        ),
        ("hands on the iliac crests", ["hands near hips 0.25"]),
        (
            "the left arm adducted alongside the trunk",
            ["left_hand near left_hip 0.4", "left_upper_arm points down 40", "left_arm points down 35"],
        ),
        ("neck in lateral flexion to the right", ["head tilts right 6"]),
        (
            "right arm lifted to shoulder height in the frontal plane",
            ["right_arm points outward 45", "right_arm horizontal"],
        ),
        ("the right palm makes contact with the floor", ["right_hand on floor"]),
        ("hands touch the same-side shoulders", ["hands near shoulders 0.27"]),
        (
            "balancing on the right foot with the left one stretched out behind",
            [
                "left_foot off floor",
                "right_foot on floor",
                "right_knee bent ..30",
                "right_knee bent ..48",
                "left_foot behind right_foot 0.1",
            ],
        ),
        (
            "the right knee is lifted and the left elbow touches it",
            ["left_elbow near right_knee 0.25", "right_foot off floor"],
        ),
        (
            "left leg raised, the right hand grips its toes",
            ["right_hand near left_foot 0.3", "left_foot above right_foot 0.1"],
        ),
        (
            "one leg raised, the opposite hand touching its foot",
            ["left_hand near right_foot 0.34 or right_hand near left_foot 0.34", "either foot off floor"],
        ),
        ("the chin sunk toward the collarbones", ["head looks down 10"]),
        ("right knee driven up", ["right_foot off floor"]),
        ("standing, hips flexed to 50 degrees", ["torso leans forward 25..80"]),
        ("down on one knee", ["either knee on floor", "kneeling on left_knee or kneeling on right_knee"]),
        (
            "the right knee down, both hands on the left thigh",
            ["right_knee on floor", "kneeling on right_knee", "hands near left_knee 0.45"],
        ),
        ("legs shut", ["ankles apart ..0.3"]),
        (
            "raise the left hand, the right stays down",
            ["left_hand above left_shoulder", "right_hand below right_shoulder 0.15"],
        ),
        ("getting a coin off the floor with the left hand", ["left_hand height ..0.5"]),
        ("touching the floor with the right hand", ["right_hand height ..0.3"]),
        ("embracing herself", ["left_hand near right_elbow 0.4", "right_hand near left_elbow 0.4"]),
        ("the nose hidden in the crook of the left elbow", ["left_elbow bent 40..", "left_elbow near head 0.35"]),
        ("V-sit", ["feet above pelvis 0.12", "feet off floor", "pelvis height ..0.4", "torso leans back 8"]),
        ("in the fetal position", ["knees bent 60..", "torso bends forward 35..", "pelvis height ..0.45"]),
        ("a forearm stand", ["torso inverted", "feet above pelvis 0.4", "elbows on floor", "elbows bent 50.."]),
        ("in downward dog", ["hands on floor", "feet on floor", "knees bent ..60", "pelvis above shoulders"]),
        ("press-ups", ["chest faces down", "pelvis height ..0.7", "hands on floor"]),
        ("seated on the floor, a ball in the left hand and the right hand resting on it", ["pelvis height ..0.4"]),
        ("the left heel lifts off the floor", ["left_foot off floor"]),
        ("lifting herself off the floor", []),
        ("the bum's in the air, hands on the floor", ["hands on floor", "pelvis above shoulders"]),
        ("fists meeting in front of the chest", ["hands close 0.2", "hands in front of torso"]),
        ("the left arm flexed to 90 degrees at the shoulder", ["left_upper_arm points forward 40"]),
        (
            "right upper limb elevated vertically",
            ["right_hand above right_shoulder", "right_arm points up 35", "right_arm vertical"],
        ),
        (
            "left shoulder abducted to 90, forearm vertical",
            ["left_forearm vertical", "left_upper_arm points outward 40"],
        ),
        (
            "right arm forward middle, left arm side high",
            [
                "left_hand above left_shoulder 0.1",
                "right_arm horizontal",
                "right_arm points forward 45",
                "right_elbow bent ..40",
                "left_arm points outward 65",
            ],
        ),
        ("arms in second position", ["arms points outward 60"]),
        (
            "the left hand cups the chin, the right supports the left elbow",
            ["left_hand near head 0.25", "right_hand near left_elbow 0.2"],
        ),
        ("the left arm reaches across to the right shoulder", ["left_hand near right_shoulder 0.4"]),
        (
            "right arm curved overhead, left hand on the belly",
            ["left_hand near spine1 0.3", "right_hand above head 0.05"],
        ),
        ("the head sagging to the left shoulder", ["head tilts left 8"]),
        ("left heel toward the buttock", ["left_knee bent 90.."]),
        ("standing astride", ["feet apart 0.3.."]),
        ("squatting", ["knees bent 45.."]),
        ("in bridge pose", ["chest faces up", "feet on floor", "pelvis above shoulders"]),
        ("a deep knee bend", ["knees bent 60..", "pelvis height ..0.42"]),
        (
            "plank, the right hand lifted",
            ["chest faces down", "pelvis height ..0.75", "knees bent ..45", "left_hand on floor"],
        ),
        (
            "hopping on the left foot, the right one held up behind her",
            ["right_foot off floor", "right_foot behind left_foot 0.1"],
        ),
        (
            "one hand stretched ahead, the other trailing behind",
            [
                "left_hand in front of right_hand 0.22 or right_hand in front of left_hand 0.22",
                "either hand in front of torso 0.1",
            ],
        ),
        ("the right heel strikes ahead", ["right_foot in front of left_foot 0.15"]),
        ("arms in a V over the head", ["hands above head 0.05", "hands above shoulders 0.1"]),
        ("put the left hand up", ["left_hand above left_shoulder", "left_hand above head"]),
        ("arms spread wide", ["arms points outward 55", "hands apart 0.75..", "hands apart 0.5.."]),
    ],
)
def test_descriptions_limb_by_limb_are_read(caption: str, conditions: list[str]) -> None:
    assert list(stated_conditions(caption)) == conditions
