"""A small language for conditions on a pose, such as `left_wrist above head` or `torso leans back 20..`.

A condition is one clause, or several joined by " or ". Ranges are `20..`, `..30` or `60..120`; a plural (`hands`,
`knees`) means both, `either hand` at least one. Poses are (n, 22, 3), facing +Z, in metres and degrees.

    hands above head 0.1            a point above | below | in front of | behind | left of | right of another
    left_hand near right_hip 0.25   within this distance in metres (default 0.25); `far from` is the contrary
    feet apart 0.4..0.9             hands, wrists, elbows, knees, ankles or feet; also `hands close` (at most 0.20)
    left_knee on floor              at most 0.10 m above the lowest joint; `off floor` is the contrary
    right_knee bent 60..            flexion of a knee or an elbow (default 30..); `straight` is at most 30
    torso leans back 20..           forward, back, left or right (default 15..); `torso bends` is against the legs
    torso twists left 20..          shoulders against hips
    torso upright                   within 25 degrees; `horizontal` is from 60 to 120, `inverted` from 120
    head looks down 15..            up, down, left, right (default 8..); `head tilts` means the same
    left_thigh horizontal           thigh, shin, leg, upper_arm, forearm, arm: at least 65 degrees from the vertical;
                                    `vertical` is at most 25
    right_arm points forward 40     within this angle (default 45): up, down, left, right, forward, back, outward
    pelvis height ..0.5             metres above the lowest joint
    chest faces up                  within 50 degrees
    kneeling                        also `kneeling on left_knee`
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import yaml
from numpy.typing import NDArray

from mardm_batch.errors import InputError
from mardm_batch.pose import measures
from mardm_batch.pose.sides import swap_sides
from mardm_batch.pose.skeleton import JOINT_INDEX
from mardm_batch.pose.vectors import Array, angle_between

Margin = Callable[[Array], Array]
"""Poses (n, 22, 3) to the amount (n,) by which each meets a requirement, in metres, or in degrees times PER_DEGREE.

What is missing where it is negative.
"""
NamedMargin = Callable[[Array, str], Array]
"""The same of the point or segment that is named."""
Alternatives = tuple[tuple[Margin, ...], ...]
"""A pose meets a condition where it meets all requirements of one of its alternatives."""

POINTS: Final = (*JOINT_INDEX, "left_hand", "right_hand", "torso")
_PLURALS: Final = {
    "hands": "hand", "wrists": "wrist", "elbows": "elbow", "shoulders": "shoulder", "knees": "knee",
    "ankles": "ankle", "feet": "foot", "hips": "hip", "thighs": "thigh", "shins": "shin", "legs": "leg",
    "upper_arms": "upper_arm", "forearms": "forearm", "arms": "arm",
}  # fmt: skip
_AXES: Final = {
    "left of": (0, 1.0), "right of": (0, -1.0), "above": (1, 1.0), "below": (1, -1.0),
    "in front of": (2, 1.0), "behind": (2, -1.0),
}  # fmt: skip
_DIRECTIONS: Final = {
    "up": (0.0, 1.0, 0.0), "down": (0.0, -1.0, 0.0), "left": (1.0, 0.0, 0.0), "right": (-1.0, 0.0, 0.0),
    "forward": (0.0, 0.0, 1.0), "back": (0.0, 0.0, -1.0),
}  # fmt: skip
PER_DEGREE: Final = 0.01
"""Of a margin: about what a joint at the end of a limb moves, in metres."""
_STRICT: Final = 1e-12
"""What a value has to exceed a limit by."""
_NUMBER: Final = r"(?: (\d+(?:\.\d+)?))?"
_RANGE: Final = r"(?: (\d[\d.]*|[\d.]*\.\.[\d.]*))?"
_SUBJECT: Final = r"(?:(either) )?(\w+)"


@dataclass(frozen=True)
class Condition:
    """A condition's text, and what it requires."""

    text: str
    alternatives: Alternatives

    def holds(self, joints: Array) -> NDArray[np.bool_]:
        """Whether (n,) each of the poses (n, 22, 3) meets the condition."""
        joints = np.asarray(joints)
        with measures.measured_once(joints):
            met = [[margin(joints) >= 0.0 for margin in margins] for margins in self.alternatives]
        all_met = [each[0] if len(each) == 1 else np.all(each, axis=0) for each in met]
        return np.asarray(all_met[0] if len(all_met) == 1 else np.any(all_met, axis=0))


@cache
def parse(text: str) -> Condition:
    """The condition that a text states. Raises InputError, which names the text and what is allowed."""
    clauses = [_parse_clause(clause.strip(), text) for clause in text.split(" or ")]
    return Condition(text, tuple(alternative for clause in clauses for alternative in clause))


def holds_all(texts: Sequence[str], joints: Array) -> NDArray[np.bool_]:
    """Whether (c, n) each of c conditions holds for each of the poses (n, 22, 3); much faster than one by one."""
    checked: dict[str, NDArray[np.bool_]] = {}
    rows = np.empty((len(texts), len(joints)), bool)
    with measures.measured_once(joints):
        for row, text in zip(rows, texts, strict=True):
            row[:] = False
            for clause in text.split(" or "):
                if clause not in checked:
                    checked[clause] = parse(clause).holds(joints)
                row |= checked[clause]
    return rows


@cache
def bundled_conditions() -> Mapping[str, tuple[Condition, ...]]:
    """The conditions of each caption of the prompt list that ships with the package."""
    path = Path(__file__).parents[1] / "assets" / "static_poses_conditions.yaml"
    entries = yaml.load(path.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return {caption: tuple(map(parse, entry["conditions"])) for caption, entry in entries.items()}


def mirror_condition(text: str) -> str:
    """The condition that mirror images meet exactly where their poses meet this one."""
    return swap_sides(text)


def either_side(text: str) -> str:
    """The condition or its mirror image: what a caption that does not name a side asks for."""
    mirrored = mirror_condition(text)
    return text if mirrored == text else f"{text} or {mirrored}"


def _parse_clause(clause: str, text: str) -> Alternatives:
    for pattern, build in _FORMS:
        match = re.fullmatch(pattern, clause)
        if match:
            return build(text, *match.groups())
    forms = "above, below, in front of, behind, left of, right of, near, far from, close, apart, on floor, "
    forms += "off floor, bent, straight, height, vertical, horizontal, points; torso leans, bends, twists, "
    forms += "upright, horizontal, inverted; head looks, tilts; chest faces; kneeling"
    raise InputError(f"condition '{text}': '{clause}' is not a condition; write a body part and one of: {forms}")


def _expand(subject: str, text: str, allowed: tuple[str, ...]) -> list[str]:
    """The names that a subject stands for: its own, or left and right for a plural."""
    if subject in _PLURALS:
        subject = _PLURALS[subject]
        names = [f"left_{subject}", f"right_{subject}"]
    else:
        names = [subject]
    if not set(names) <= set(allowed):
        plurals = [plural for plural, name in _PLURALS.items() if f"left_{name}" in allowed]
        raise InputError(f"condition '{text}': '{subject}' is not allowed here; use {', '.join((*allowed, *plurals))}")
    return names


def _for_subject(
    either: str | None, subject: str, text: str, allowed: tuple[str, ...], margin: NamedMargin
) -> Alternatives:
    """What is required of all names that the subject stands for, or of any of them after "either"."""
    if either:
        subject = {name: plural for plural, name in _PLURALS.items()}.get(subject, subject)
    margins = [_of(margin, name) for name in _expand(subject, text, allowed)]
    return tuple((each,) for each in margins) if either else (tuple(margins),)


def _of(margin: NamedMargin, name: str) -> Margin:
    return lambda joints: margin(joints, name)


def _on_same_side(name: str, others: list[str]) -> list[str]:
    """Those of the names that are on the same side as `name`; all of them where none is."""
    side = name.split("_")[0]
    return [other for other in others if other.startswith(side)] or others


def _position(text: str, either: str | None, subject: str, relation: str, other: str, by: str | None) -> Alternatives:
    axis, sign = _AXES[relation]
    others, least = _expand(other, text, POINTS), float(by or 0.0)

    def margin(joints: Array, name: str) -> Array:
        gaps = [
            sign * measures.relative_position(joints, name, partner)[:, axis] for partner in _on_same_side(name, others)
        ]
        return _beyond(gaps[0] if len(gaps) == 1 else np.min(gaps, axis=0), least)

    return _for_subject(either, subject, text, POINTS, margin)


def _near(text: str, either: str | None, subject: str, relation: str, other: str, by: str | None) -> Alternatives:
    others, limit = _expand(other, text, POINTS), float(by or 0.25)

    def margin(joints: Array, name: str) -> Array:
        gaps = [measures.distance(joints, name, partner) for partner in _on_same_side(name, others)]
        farthest = gaps[0] if len(gaps) == 1 else np.max(gaps, axis=0)
        return np.asarray(limit - farthest) if relation == "near" else _beyond(farthest, limit)

    return _for_subject(either, subject, text, POINTS, margin)


def _pair(text: str, subject: str, relation: str, limits: str | None) -> Alternatives:
    names = _expand(subject, text, POINTS)
    if len(names) != 2:
        raise InputError(f"condition '{text}': '{subject}' is not a pair; use {', '.join(_PLURALS)}")
    default = (0.0, 0.20) if relation == "close" else (0.40, np.inf)
    within = _within(limits, default)
    return _one(lambda joints: within(measures.distance(joints, *names)))


def _floor(text: str, either: str | None, subject: str, relation: str) -> Alternatives:
    def margin(joints: Array, name: str) -> Array:
        height = measures.height(joints, name)
        if relation == "on":
            return np.asarray(measures.FLOOR_TOLERANCE - height)
        return _beyond(height, measures.FLOOR_TOLERANCE)

    return _for_subject(either, subject, text, POINTS, margin)


def _bent(text: str, either: str | None, subject: str, relation: str, limits: str | None) -> Alternatives:
    within = _within(limits, (0.0, 30.0) if relation == "straight" else (30.0, np.inf), PER_DEGREE)
    joints_that_bend = ("left_knee", "right_knee", "left_elbow", "right_elbow")
    return _for_subject(
        either, subject, text, joints_that_bend, lambda joints, name: within(measures.flexion(joints, name))
    )


def _torso(text: str, relation: str, where: str, limits: str | None) -> Alternatives:
    within = _within(limits, (15.0, np.inf), PER_DEGREE)
    sign = 1.0 if where in ("forward", "left") else -1.0
    sideways = where in ("left", "right")
    if (relation == "twists") > sideways:
        raise InputError(f"condition '{text}': the torso twists left or right")
    if relation == "twists":
        return _one(lambda joints: within(sign * measures.torso_twist(joints)))
    if sideways:
        return _one(lambda joints: within(sign * measures.torso_lean(joints)))
    pitch = measures.body_bend if relation == "bends" else measures.torso_pitch
    return _one(lambda joints: within(sign * pitch(joints)))


def _torso_orientation(text: str, how: str) -> Alternatives:
    low, high = {"upright": (0.0, 25.0), "horizontal": (60.0, 120.0), "inverted": (120.0, 180.0)}[how]

    def margin(joints: Array) -> Array:
        tilt = np.degrees(np.arccos(np.clip(measures.direction(joints, "back")[:, 1], -1.0, 1.0)))
        return np.asarray(PER_DEGREE * np.minimum(tilt - low, high - tilt))

    return _one(margin)


def _head(text: str, relation: str, where: str, limits: str | None) -> Alternatives:
    within = _within(limits, (8.0, np.inf), PER_DEGREE)
    sign = 1.0 if where in ("down", "left") else -1.0
    amount = measures.head_side if where in ("left", "right") else measures.head_nod
    return _one(lambda joints: within(sign * amount(joints)))


def _segment(text: str, either: str | None, subject: str, how: str) -> Alternatives:
    def margin(joints: Array, name: str) -> Array:
        tilt = measures.angle_from_vertical(joints, name)
        return np.asarray(PER_DEGREE * (25.0 - tilt if how == "vertical" else tilt - 65.0))

    return _for_subject(either, subject, text, (*measures.LIMBS, "back"), margin)


def _points(text: str, either: str | None, subject: str, where: str, by: str | None) -> Alternatives:
    most = float(by or 45.0)

    def margin(joints: Array, name: str) -> Array:
        towards = "left" if name.startswith("left") else "right"
        aim = np.array(_DIRECTIONS[towards if where == "outward" else where])
        return np.asarray(PER_DEGREE * (most - angle_between(measures.direction(joints, name), aim)))

    return _for_subject(either, subject, text, measures.LIMBS, margin)


def _height(text: str, either: str | None, subject: str, limits: str | None) -> Alternatives:
    within = _within(limits, (0.0, np.inf))
    return _for_subject(either, subject, text, POINTS, lambda joints, name: within(measures.height(joints, name)))


def _chest(text: str, where: str) -> Alternatives:
    aim = np.array(_DIRECTIONS[where])
    return _one(lambda joints: np.asarray(PER_DEGREE * (50.0 - angle_between(measures.chest_axes(joints)[2], aim))))


def _kneeling(text: str, side: str | None) -> Alternatives:
    """Both knees are on the floor, with the hips above them or the knees completely bent; or one knee is, below the
    other one, whose foot is on the floor."""
    if side:
        other = "left" if side == "right" else "right"
        on_floor = (*_floor(text, None, f"{side}_knee", "on")[0], *_floor(text, None, f"{other}_foot", "on")[0])
        return ((*on_floor, *_position(text, None, f"{side}_knee", "below", f"{other}_knee", "0.05")[0]),)
    (on_floor,) = _floor(text, None, "knees", "on")
    (above,) = _position(text, None, "hips", "above", "knees", "0.15")
    (folded,) = _bent(text, None, "knees", "bent", "135")
    return ((*on_floor, *above), (*on_floor, *folded))


def _one(margin: Margin) -> Alternatives:
    return ((margin,),)


def _beyond(values: Array, limit: float) -> Array:
    """The margin of values that have to exceed the limit."""
    return np.asarray(values - limit - _STRICT)


def _within(limits: str | None, default: tuple[float, float], scale: float = 1.0) -> Callable[[Array], Array]:
    """The margin of values, times `scale`, that have to be within the limits, or the default ones where none are given.

    A single number replaces the default's upper limit where that is finite, else the lower one: `close 0.3` is at most
    0.3, `leans back 20` at least 20.
    """
    least, most = default
    if limits and ".." in limits:
        low, high = limits.split("..")
        least, most = float(low or -np.inf), float(high or np.inf)
    elif limits:
        least, most = (least, float(limits)) if np.isfinite(most) else (float(limits), most)
    return lambda values: np.asarray(scale * np.minimum(values - least, most - values))


_DIRECTION: Final = "|".join(_DIRECTIONS)
_FORMS: Final[tuple[tuple[str, Callable[..., Alternatives]], ...]] = (
    (r"kneeling(?: on (left|right)_knee)?", _kneeling),
    (rf"chest faces ({_DIRECTION})", _chest),
    (rf"torso (leans|bends|twists) (forward|back|left|right){_RANGE}", _torso),
    (r"torso (upright|horizontal|inverted)", _torso_orientation),
    (rf"head (looks|tilts) (up|down|left|right){_RANGE}", _head),
    (rf"{_SUBJECT} (on|off) floor", _floor),
    (rf"{_SUBJECT} (bent|straight){_RANGE}", _bent),
    (rf"(\w+) (close|apart){_RANGE}", _pair),
    (rf"{_SUBJECT} (vertical|horizontal)", _segment),
    (rf"{_SUBJECT} points ({_DIRECTION}|outward){_NUMBER}", _points),
    (rf"{_SUBJECT} height{_RANGE}", _height),
    (rf"{_SUBJECT} (near|far from) (\w+){_NUMBER}", _near),
    (rf"{_SUBJECT} ({'|'.join(_AXES)}) (\w+){_NUMBER}", _position),
)
