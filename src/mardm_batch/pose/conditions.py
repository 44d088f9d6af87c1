"""Conditions on a pose, written as people would: `left_wrist above head`, `torso leans back 20..`.

A condition is one clause, or several joined by " or ". Ranges are `20..`, `..30` or `60..120`; a plural (`hands`,
`knees`) means both, `either hand` means at least one. Poses are (n, 22, 3), facing +Z, in metres and degrees.

    hands above head 0.1            a point above | below | in front of | behind | left of | right of another
    left_hand near right_hip 0.25   within so many metres (0.25 unless said); `far from` is the contrary
    feet apart 0.4..0.9             hands, wrists, elbows, knees, ankles or feet, also `hands close` (0.20)
    left_knee on floor              at most 0.10 m above the lowest joint; `off floor` is the contrary
    right_knee bent 60..            flexion of a knee or an elbow; `straight` is at most 30
    torso leans back 20..           forward, back, left or right; `torso bends forward` is against the legs
    torso twists left 20..          shoulders against hips
    torso upright                   within 25 degrees; `horizontal` from 60 to 120, `inverted` from 120
    head looks down 15..            up, down, left, right (8 unless said; left and right also by `tilts`)
    left_thigh horizontal           thigh, shin, leg, upper_arm, forearm, arm: `vertical` (25), `horizontal` (65)
    right_arm points forward 40     within so many degrees (45): up, down, left, right, forward, back, outward
    pelvis height ..0.5             metres above the lowest joint
    chest faces up                  within 50 degrees
    kneeling                        also `kneeling on left_knee`
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import yaml
from numpy.typing import NDArray

from mardm_batch.errors import InputError
from mardm_batch.pose import measures as measure
from mardm_batch.pose.sides import swap_sides
from mardm_batch.pose.skeleton import JOINT_INDEX

Poses = NDArray[np.floating]
Check = Callable[[Poses], NDArray[np.bool_]]
Test = Callable[[Poses, str], NDArray[np.bool_]]

POINTS: Final = (*JOINT_INDEX, "left_hand", "right_hand", "torso")
_PLURALS: Final = {
    "hands": "hand", "wrists": "wrist", "elbows": "elbow", "shoulders": "shoulder", "knees": "knee",
    "ankles": "ankle", "feet": "foot", "hips": "hip", "thighs": "thigh", "shins": "shin", "legs": "leg",
    "upper_arms": "upper_arm", "forearms": "forearm", "arms": "arm",
}  # fmt: skip
_LIMBS: Final = tuple(f"{side}_{name}" for side in ("left", "right") for name in measure.SEGMENTS)
_AXES: Final = {
    "left of": (0, 1.0), "right of": (0, -1.0), "above": (1, 1.0), "below": (1, -1.0),
    "in front of": (2, 1.0), "behind": (2, -1.0),
}  # fmt: skip
_DIRECTIONS: Final = {
    "up": (0.0, 1.0, 0.0), "down": (0.0, -1.0, 0.0), "left": (1.0, 0.0, 0.0), "right": (-1.0, 0.0, 0.0),
    "forward": (0.0, 0.0, 1.0), "back": (0.0, 0.0, -1.0),
}  # fmt: skip
_NUMBER: Final = r"(?: (\d+(?:\.\d+)?))?"
_RANGE: Final = r"(?: (\d[\d.]*|[\d.]*\.\.[\d.]*))?"
_WHO: Final = r"(?:(either) )?(\w+)"


@dataclass(frozen=True)
class Condition:
    """A condition's text and its check."""

    text: str
    check: Check

    def met(self, joints: Poses) -> NDArray[np.bool_]:
        """Whether (n,) each of the poses (n, 22, 3) meets the condition."""
        return self.check(np.asarray(joints))


@cache
def parse(text: str) -> Condition:
    """Reads a condition; raises InputError naming it and the words that could stand there."""
    clauses = [_clause(clause.strip(), text) for clause in text.split(" or ")]
    return Condition(text, lambda joints: np.any([clause(joints) for clause in clauses], axis=0))


@cache
def bundled_conditions() -> Mapping[str, tuple[Condition, ...]]:
    """What must hold of the poses of the captions that ship with the package."""
    path = Path(__file__).parents[1] / "assets" / "static_poses_conditions.yaml"
    entries = yaml.load(path.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return {caption: tuple(map(parse, entry["conditions"])) for caption, entry in entries.items()}


def mirrored(text: str) -> str:
    """The condition that the mirror image of a pose meets where the pose meets this one."""
    return swap_sides(text)


def on_either_side(text: str) -> str:
    """The condition, or its mirror image: what a caption that names no side asks for."""
    twin = mirrored(text)
    return text if twin == text else f"{text} or {twin}"


def _clause(clause: str, text: str) -> Check:
    for pattern, build in _FORMS:
        match = re.fullmatch(pattern, clause)
        if match:
            return build(text, *match.groups())
    forms = "above, below, in front of, behind, left of, right of, near, far from, close, apart, on floor, "
    forms += "off floor, bent, straight, height, vertical, horizontal, points; torso leans, bends, twists, "
    forms += "upright, horizontal, inverted; head looks, tilts; chest faces; kneeling"
    raise InputError(f"condition '{text}': '{clause}' is not understood; say <who> and one of: {forms}")


def _named(who: str, text: str, allowed: tuple[str, ...]) -> list[str]:
    """The singular names that a name or plural stands for."""
    if who in _PLURALS:
        who = _PLURALS[who]
        names = [f"left_{who}", f"right_{who}"]
    else:
        names = [who]
    if not set(names) <= set(allowed):
        plurals = [plural for plural, name in _PLURALS.items() if f"left_{name}" in allowed]
        raise InputError(f"condition '{text}': there is no '{who}' here; use {', '.join((*allowed, *plurals))}")
    return names


def _each(either: str | None, who: str, text: str, allowed: tuple[str, ...], test: Test) -> Check:
    """A check of all names that `who` stands for, or after "either" of any of them."""
    if either:
        who = {name: plural for plural, name in _PLURALS.items()}.get(who, who)
    names = _named(who, text, allowed)
    gather = np.any if either else np.all
    return lambda joints: np.asarray(gather([test(joints, name) for name in names], axis=0))


def _beside(who: str, others: list[str]) -> list[str]:
    """Of left and right partners the one on the same side."""
    side = who.split("_")[0]
    return [name for name in others if name.startswith(side)] or others


def _position(text: str, either: str | None, who: str, relation: str, other: str, by: str | None) -> Check:
    axis, sign = _AXES[relation]
    others, margin = _named(other, text, POINTS), float(by or 0.0)

    def test(joints: Poses, name: str) -> NDArray[np.bool_]:
        gaps = [
            sign * measure.relative_position(joints, name, partner)[:, axis] > margin
            for partner in _beside(name, others)
        ]
        return np.asarray(np.all(gaps, axis=0))

    return _each(either, who, text, POINTS, test)


def _near(text: str, either: str | None, who: str, relation: str, other: str, by: str | None) -> Check:
    others, limit = _named(other, text, POINTS), float(by or 0.25)

    def test(joints: Poses, name: str) -> NDArray[np.bool_]:
        gaps = [measure.distance(joints, name, partner) <= limit for partner in _beside(name, others)]
        return np.asarray(np.all(gaps, axis=0) == (relation == "near"))

    return _each(either, who, text, POINTS, test)


def _pair(text: str, who: str, relation: str, limits: str | None) -> Check:
    names = _named(who, text, POINTS)
    if len(names) != 2:
        raise InputError(f"condition '{text}': '{who}' is no pair; use {', '.join(_PLURALS)}")
    default = (0.0, 0.20) if relation == "close" else (0.40, np.inf)
    within = _within(limits, default)
    return lambda joints: within(measure.distance(joints, *names))


def _floor(text: str, either: str | None, who: str, relation: str) -> Check:
    def test(joints: Poses, name: str) -> NDArray[np.bool_]:
        return np.asarray(measure.on_floor(joints, name) == (relation == "on"))

    return _each(either, who, text, POINTS, test)


def _bent(text: str, either: str | None, who: str, relation: str, limits: str | None) -> Check:
    within = _within(limits, (0.0, 30.0) if relation == "straight" else (30.0, np.inf))
    joints_that_bend = ("left_knee", "right_knee", "left_elbow", "right_elbow")
    return _each(either, who, text, joints_that_bend, lambda joints, name: within(measure.bend(joints, name)))


def _torso(text: str, relation: str, where: str, limits: str | None) -> Check:
    within = _within(limits, (15.0, np.inf))
    sign = 1.0 if where in ("forward", "left") else -1.0
    sideways = where in ("left", "right")
    if (relation == "twists") > sideways:
        raise InputError(f"condition '{text}': the torso twists left or right")
    if relation == "twists":
        return lambda joints: within(sign * measure.torso_twist(joints))
    if sideways:
        return lambda joints: within(sign * measure.torso_lean(joints))
    pitch = measure.body_bend if relation == "bends" else measure.torso_pitch
    return lambda joints: within(sign * pitch(joints))


def _torso_stands(text: str, how: str) -> Check:
    low, high = {"upright": (0.0, 25.0), "horizontal": (60.0, 120.0), "inverted": (120.0, 180.0)}[how]

    def check(joints: Poses) -> NDArray[np.bool_]:
        tilt = np.degrees(np.arccos(np.clip(measure.direction(joints, "back")[:, 1], -1.0, 1.0)))
        return np.asarray((tilt >= low) & (tilt <= high))

    return check


def _head(text: str, relation: str, where: str, limits: str | None) -> Check:
    within = _within(limits, (8.0, np.inf))
    sign = 1.0 if where in ("down", "left") else -1.0
    amount = measure.head_side if where in ("left", "right") else measure.head_nod
    return lambda joints: within(sign * amount(joints))


def _segment(text: str, either: str | None, who: str, how: str) -> Check:
    def test(joints: Poses, name: str) -> NDArray[np.bool_]:
        tilt = measure.from_vertical(joints, name)
        return np.asarray(tilt <= 25.0 if how == "vertical" else tilt >= 65.0)

    return _each(either, who, text, (*_LIMBS, "back"), test)


def _points(text: str, either: str | None, who: str, where: str, by: str | None) -> Check:
    least = np.cos(np.radians(float(by or 45.0)))

    def test(joints: Poses, name: str) -> NDArray[np.bool_]:
        towards = "left" if name.startswith("left") else "right"
        aim = np.array(_DIRECTIONS[towards if where == "outward" else where])
        return np.asarray(measure.direction(joints, name) @ aim >= least)

    return _each(either, who, text, _LIMBS, test)


def _height(text: str, either: str | None, who: str, limits: str | None) -> Check:
    within = _within(limits, (0.0, np.inf))
    return _each(either, who, text, POINTS, lambda joints, name: within(measure.height(joints, name)))


def _chest(text: str, where: str) -> Check:
    aim, least = np.array(_DIRECTIONS[where]), np.cos(np.radians(50.0))
    return lambda joints: np.asarray(measure.chest_axes(joints)[2] @ aim >= least)


def _kneeling(text: str, side: str | None) -> Check:
    if side:
        return lambda joints: measure.kneeling_on(joints, side)
    return measure.kneeling


def _within(limits: str | None, default: tuple[float, float]) -> Check:
    """Whether values lie in a range; where none is written, in the default one. A bare number is the end that
    the default leaves to be chosen: `close 0.3` is at most, `leans back 20` at least."""
    least, most = default
    if limits and ".." in limits:
        low, high = limits.split("..")
        least, most = float(low or -np.inf), float(high or np.inf)
    elif limits:
        least, most = (least, float(limits)) if np.isfinite(most) else (float(limits), most)
    return lambda values: np.asarray((values >= least) & (values <= most))


_AIMS: Final = "|".join(_DIRECTIONS)
_FORMS: Final[tuple[tuple[str, Callable[..., Check]], ...]] = (
    (r"kneeling(?: on (left|right)_knee)?", _kneeling),
    (rf"chest faces ({_AIMS})", _chest),
    (rf"torso (leans|bends|twists) (forward|back|left|right){_RANGE}", _torso),
    (r"torso (upright|horizontal|inverted)", _torso_stands),
    (rf"head (looks|tilts) (up|down|left|right){_RANGE}", _head),
    (rf"{_WHO} (on|off) floor", _floor),
    (rf"{_WHO} (bent|straight){_RANGE}", _bent),
    (rf"(\w+) (close|apart){_RANGE}", _pair),
    (rf"{_WHO} (vertical|horizontal)", _segment),
    (rf"{_WHO} points ({_AIMS}|outward){_NUMBER}", _points),
    (rf"{_WHO} height{_RANGE}", _height),
    (rf"{_WHO} (near|far from) (\w+){_NUMBER}", _near),
    (rf"{_WHO} ({'|'.join(_AXES)}) (\w+){_NUMBER}", _position),
)
