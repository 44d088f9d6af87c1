"""Captions for recorded motion: the recorder's own words for the clip, and what the joints of a frame show.

The joints are described by posecodes (Delmas et al., PoseScript, ECCV 2022), a few of them a caption, chosen
at random among those that are worth saying: what is as in plain standing is left out.
"""

import re
from typing import Final

import numpy as np
import numpy.typing as npt

from mardm_batch import posecodes
from mardm_batch.skeleton import JOINT_INDEX

_SUBJECTS: Final = ("A person", "A person", "A person", "Someone", "The person", "A man", "A woman")
_ACTION_TEMPLATES: Final = (
    "{who} {action}",
    "{who} doing {action}",
    "{action}",
    "{who} in the middle of {action}",
)
_POSE_TEMPLATES: Final = ("{who} with {facts}", "{who} standing with {facts}", "{facts}")
_BOTH_TEMPLATES: Final = ("{who} {action} with {facts}", "{who} {action}, {facts}")
_CAPTIONS: Final = 3
_MOST_FACTS: Final = 3


def recorded_captions(
    joints: npt.NDArray[np.floating], description: str, swapped: bool, rng: np.random.Generator
) -> tuple[str, ...]:
    """A few captions for one frame (22, 3) that faces +Z; `swapped` says that it is a mirror image."""
    actions = _actions(posecodes.swap_sides(description) if swapped else description)
    facts = describe(joints)
    return tuple(_caption(actions, facts, rng) for _ in range(_CAPTIONS))


def describe(joints: npt.NDArray[np.floating]) -> list[str]:
    """What is worth saying of one pose (22, 3): noun phrases such as "the left hand above the head"."""
    pose = np.asarray(joints, dtype=np.float64)[None]
    facts = []
    for side in ("left", "right"):
        facts += _arm_facts(pose, side) + _leg_facts(pose, side)
    hands = float(posecodes.distance(pose, "left_hand", "right_hand")[0])
    if hands <= posecodes.DISTANCE_THRESHOLDS[0]:
        facts.append("the hands close together")
    feet = int(
        posecodes.bins(posecodes.distance(pose, "left_foot", "right_foot"), posecodes.DISTANCE_THRESHOLDS)[0]
    )
    if feet >= 2:
        facts.append(f"the feet {posecodes.DISTANCE_WORDS[feet]}")
    return facts + _torso_facts(pose)


def _arm_facts(pose: npt.NDArray[np.float64], side: str) -> list[str]:
    facts = []
    bent = int(posecodes.bins(posecodes.angle(pose, f"{side}_elbow"), posecodes.ANGLE_THRESHOLDS)[0])
    if bent <= 3:
        facts.append(f"the {side} elbow {posecodes.ANGLE_WORDS[bent]}")
    _, up, front = posecodes.relative_position(pose, f"{side}_hand", f"{side}_shoulder")[0]
    hand = pose[0, JOINT_INDEX[f"{side}_wrist"], 1]
    if hand > pose[0, JOINT_INDEX["head"], 1] + 0.1:
        facts += [f"the {side} hand above the head", f"the {side} arm raised overhead"]
    elif up > posecodes.POSITION_THRESHOLDS[3]:
        facts += [f"the {side} hand above the shoulder", f"the {side} hand raised"]
    elif abs(up) <= posecodes.POSITION_THRESHOLDS[3] and bent == len(posecodes.ANGLE_WORDS) - 1:
        facts.append(
            f"the {side} arm held {'forward' if front > 0.35 else 'out to the side'} at shoulder height"
        )
    across = posecodes.relative_position(pose, f"{side}_hand", f"{side}_hip")[0, 2]
    if across > 0.35 and up < posecodes.POSITION_THRESHOLDS[3]:
        facts.append(f"the {side} hand in front of the body")
    elif across < posecodes.POSITION_THRESHOLDS[0]:
        facts.append(f"the {side} hand behind the body")
    return facts


def _leg_facts(pose: npt.NDArray[np.float64], side: str) -> list[str]:
    facts = []
    bent = int(posecodes.bins(posecodes.angle(pose, f"{side}_knee"), posecodes.ANGLE_THRESHOLDS)[0])
    if bent <= 3:
        facts.append(f"the {side} knee {posecodes.ANGLE_WORDS[bent]}")
    if float(posecodes.height(pose, f"{side}_knee")[0]) > 0.65:
        facts.append(f"the {side} knee raised")
    if float(posecodes.height(pose, f"{side}_ankle")[0]) > 0.25:
        facts.append(f"the {side} foot off the ground")
    ahead = posecodes.relative_position(pose, f"{side}_foot", "pelvis")[0, 2]
    if ahead > 0.35:
        facts.append(f"the {side} leg in front")
    elif ahead < -0.25:
        facts.append(f"the {side} leg behind")
    return facts


def _torso_facts(pose: npt.NDArray[np.float64]) -> list[str]:
    facts = []
    pitch = float(posecodes.torso_pitch(pose)[0])
    if pitch > -posecodes.BEND_THRESHOLDS[1]:
        facts.append("the torso bent far forward" if pitch > 50 else "the torso bent forward")
    elif pitch < -15:
        facts.append("the torso leaning backward")
    for measure, verb in ((posecodes.torso_lean, "leaning"), (posecodes.torso_twist, "twisted")):
        amount = float(measure(pose)[0])
        if abs(amount) > 20:
            facts.append(f"the torso {verb} to the {'left' if amount > 0 else 'right'}")
    return facts


def _actions(description: str) -> list[str]:
    """What the clip shows: all of its words, and the action alone where there is one only."""
    words = re.sub(r"\s+", " ", description.replace("/", " or ")).strip().removeprefix("playground - ")
    topic, _, details = words.rpartition(" - ")
    single = [topic] if topic else []
    if "," not in words:
        single.append(details or words)
    return [action for action in (words.replace(" - ", ", "), *single) if action]


def _caption(actions: list[str], facts: list[str], rng: np.random.Generator) -> str:
    chosen = [facts[i] for i in rng.permutation(len(facts))[: rng.integers(1, _MOST_FACTS + 1)]]
    templates: tuple[str, ...] = ()
    if actions:
        templates += _ACTION_TEMPLATES
    if chosen:
        templates += _POSE_TEMPLATES * (1 if actions else 2)
    if actions and chosen:
        templates += _BOTH_TEMPLATES * 2
    if not templates:
        return str(rng.choice(_SUBJECTS)) + " standing"
    return str(rng.choice(templates)).format(
        who=rng.choice(_SUBJECTS),
        action=rng.choice(actions) if actions else "",
        facts=" and ".join([", ".join(chosen[:-1]), chosen[-1]] if len(chosen) > 1 else chosen),
    )
