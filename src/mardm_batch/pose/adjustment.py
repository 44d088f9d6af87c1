"""A pose changed as little as need be, so that it meets conditions.

Axes: 22 joints, 3 coordinates; metres, Y up. Every bone keeps its length: joints turn what is below them, by damped
Gauss-Newton steps on what the pose lacks of its conditions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch.pose.conditions import Condition, Margin
from mardm_batch.pose.measures import measured_once
from mardm_batch.pose.rotations import from_axis_angles, shortest_rotation
from mardm_batch.pose.skeleton import JOINT_INDEX, NUM_JOINTS, PARENTS
from mardm_batch.pose.vectors import Array, cross, length, orthogonal, unit

STEPS: Final = 12
PATIENCE: Final = 3
"""Steps in a row without progress after which requirements are taken to contradict each other."""
PROGRESS: Final = 0.98
"""The share that is left, at most, of what a pose lacks after a step that is progress."""
MARGIN: Final = 0.1
"""By which a pose meets afterwards what it lacked: metres, or degrees times `conditions.PER_DEGREE`."""
TOLERANCE: Final = 0.3
"""The share of such a margin that may lack in the end."""
NARROW_MARGIN: Final = 0.03
"""Of poses that cannot meet it by more."""
LARGEST_LACK: Final = 0.25
"""What a step aims to make up for at most, in the same units."""
LARGEST_TURN: Final = 0.35
"""Radians that a joint turns in one step at most."""
DAMPING: Final = 0.02
"""What a squared radian of a joint costs, where what the pose lacks costs its square and weight."""
COSTS: Final = {"pelvis": 1.0, "spine1": 1.0, "spine2": 1.0, "spine3": 1.0, "neck": 0.5} | {
    f"{side}_{name}": cost
    for side in ("left", "right")
    for name, cost in (("hip", 1.0), ("knee", 1.0), ("ankle", 2.0), ("shoulder", 0.7), ("elbow", 0.7))
}
"""Of turning what is below each joint that may turn, beside the others'."""
CONTACT: Final = 0.06
"""Metres above the lowest joint up to which joints stay on the floor together."""
_FLOOR: Final = NUM_JOINTS
"""Index of a further point at the height of the lowest joint: what is lowest is lifted against it."""
_SMALL: Final = 1e-3
"""Metres by which a point is moved to find how margins change."""
_TURNING: Final = np.array([JOINT_INDEX[name] for name in COSTS])


@dataclass(frozen=True)
class Requirements:
    """Margins, with the amount and the weight (m,) of each."""

    margins: tuple[Margin, ...]
    targets: Array
    weights: Array


def adjusted(pose: Array, conditions: Sequence[Condition], weights: Sequence[float], margin: float = MARGIN) -> Array:
    """The pose (22, 3) changed until it meets its conditions, or as far as they let each other.

    Of a condition with alternatives the nearest is pursued. What the pose met before it meets as well as before, or
    by the margin; joints on the floor stay on one level.
    """
    pose = np.array(pose, np.float64)
    requirements = _requirements(pose, conditions, weights, margin)
    resting: NDArray[np.bool_] | None = None
    nearest, least, steps_since = pose, np.inf, 0
    for _ in range(STEPS + 1):
        values, slopes = _values_and_slopes(pose, requirements.margins)
        if resting is None:
            resting = _resting(pose, values, slopes)
        lack = requirements.targets - values
        short = lack > np.maximum(TOLERANCE * requirements.targets, 1e-4)
        lacking = float(requirements.weights[short] @ lack[short] ** 2)
        steps_since = 0 if lacking < PROGRESS * least else steps_since + 1
        if lacking < least:
            nearest, least = pose, lacking
        if not short.any() or steps_since == PATIENCE:
            break
        pose = _turned(pose, _next_turns(pose, slopes[short], lack[short], requirements.weights[short], resting))
    return nearest


def follow(clip: Array, before: Array, after: Array) -> Array:
    """A clip (t, 22, 3) with every bone turned as from one pose (22, 3) to another one, which it has in their place."""
    turns = shortest_rotation(_bone_directions(before), _bone_directions(after))  # (21, 3, 3)
    followed = clip.copy()
    followed[:, 0] += after[0] - before[0]
    for joint in range(1, NUM_JOINTS):
        parent = PARENTS[joint]
        followed[:, joint] = followed[:, parent] + (clip[:, joint] - clip[:, parent]) @ turns[joint - 1].T
    return followed


def _bone_directions(pose: Array) -> Array:
    return unit(pose[1:] - pose[list(PARENTS[1:])])


def _turned(pose: Array, turns: Array) -> Array:
    """The pose with all that is below each joint turned about it by a rotation vector (22, 3)."""
    rotations = from_axis_angles(turns)  # (22, 3, 3)
    turned = pose.copy()
    for joints, parents in _LEVELS:
        bones = (pose[joints] - pose[parents])[..., None]
        turned[joints] = turned[parents] + (rotations[parents] @ bones)[..., 0]
        rotations[joints] = rotations[parents] @ rotations[joints]
    return turned


def _requirements(pose: Array, conditions: Sequence[Condition], weights: Sequence[float], least: float) -> Requirements:
    """What is required of the pose: all margins of the nearest alternative of each condition."""
    found: list[tuple[Margin, float, float]] = []
    poses = pose[None]
    with measured_once(poses):
        for condition, weight in zip(conditions, weights, strict=True):
            values = [[float(margin(poses)[0]) for margin in margins] for margins in condition.alternatives]
            nearest = max(range(len(values)), key=lambda place: min(values[place]))
            for margin, value in zip(condition.alternatives[nearest], values[nearest], strict=True):
                found.append((margin, least if value < 0.0 else min(value, least), weight))
    margins, targets, all_weights = zip(*found, strict=True)
    return Requirements(margins, np.array(targets), np.array(all_weights))


def _resting(pose: Array, values: Array, slopes: Array) -> NDArray[np.bool_]:
    """Whether (22,) a joint is on the floor and stays on one level with the others there: not what has to move."""
    moving = np.abs(slopes[values < 0.0]).max(axis=(0, 2), initial=0.0) > 0.0
    return np.asarray(_on_floor(pose) & ~moving[:NUM_JOINTS])


def _on_floor(pose: Array) -> NDArray[np.bool_]:
    return np.asarray(pose[:, 1] < pose[:, 1].min() + CONTACT)


def _next_turns(pose: Array, slopes: Array, lack: Array, weights: Array, resting: NDArray[np.bool_]) -> Array:
    """The rotation vectors (22, 3) of the next step, by what is lacking (s,)."""
    hinges = _hinges(pose)
    rows = _by_turns(pose, _without_floor(pose, slopes), hinges)  # (s, dofs)
    weighted = rows * weights[:, None]
    normal = weighted.T @ rows + np.diag(np.repeat([DAMPING * cost for cost in COSTS.values()], 3))
    if resting.any():
        lifts = np.zeros((int(resting.sum()), NUM_JOINTS, 3))
        lifts[np.arange(len(lifts)), np.flatnonzero(resting), 1] = 1.0
        levels = _by_turns(pose, lifts, hinges)
        levels -= levels.mean(axis=0)
        normal += levels.T @ levels
    solved = np.linalg.solve(normal, weighted.T @ np.minimum(lack, LARGEST_LACK)).reshape(-1, 3)
    angles = length(solved)[:, None]
    turns = np.zeros((NUM_JOINTS, 3))
    turns[_TURNING] = solved * np.minimum(1.0, LARGEST_TURN / np.maximum(angles, 1e-9))
    return turns


def _values_and_slopes(pose: Array, margins: Sequence[Margin]) -> tuple[Array, Array]:
    """The margins (m,) of a pose, and how they change (m, 23, 3) with its joints and the floor."""
    points = np.vstack([pose, (0.0, pose[:, 1].min(), 0.0)])
    moved = np.repeat(points[None], 1 + points.size, axis=0)
    steps = np.full(points.shape, _SMALL)
    steps[_FLOOR] = -_SMALL  # it stays below the lowest joint
    moved[1:].reshape(len(moved) - 1, -1)[np.diag_indices(points.size)] += steps.reshape(-1)
    with measured_once(moved):
        values = np.stack([margin(moved) for margin in margins])  # (m, 1 + 69)
    return values[:, 0], (values[:, 1:] - values[:, :1]).reshape(-1, *points.shape) / steps


def _without_floor(pose: Array, slopes: Array) -> Array:
    """The slopes (m, 22, 3) by joints alone: the floor is where the joints are that rest on it, but for those that a
    margin is about."""
    concerned = np.abs(slopes[:, :NUM_JOINTS]).max(axis=2) > 0.0
    carrying = _on_floor(pose) & ~concerned
    shares = carrying / np.maximum(carrying.sum(axis=1, keepdims=True), 1)
    return np.asarray(slopes[:, :NUM_JOINTS] + shares[..., None] * slopes[:, None, _FLOOR])


def _by_turns(pose: Array, slopes: Array, hinges: Array) -> Array:
    """How values change (m, dofs) with the turns of joints, from how they change (m, 22, 3) with positions."""
    forces = _BELOW @ slopes  # (m, turning joints, 3)
    torques = _BELOW @ cross(pose, slopes) - cross(pose[_TURNING], forces)
    along = (torques * hinges).sum(-1, keepdims=True) * hinges
    return np.where(hinges.any(axis=-1, keepdims=True), along, torques).reshape(len(slopes), -1)


def _hinges(pose: Array) -> Array:
    """The axes (turning joints, 3) of the knees, which turn about no other; zero for joints that turn freely."""
    axes = np.zeros((len(_TURNING), 3))
    for side in ("left", "right"):
        hip, knee, ankle, foot = (pose[JOINT_INDEX[f"{side}_{name}"]] for name in ("hip", "knee", "ankle", "foot"))
        thigh, shin = unit(knee - hip), unit(ankle - knee)
        folded = cross(thigh, shin)
        if length(folded) < 0.2:  # straight: the toes show where the kneecap is
            folded = cross(orthogonal(unit(foot - ankle), shin), shin)
        axes[list(COSTS).index(f"{side}_knee")] = unit(folded)
    return axes


def _below() -> Array:
    """For each turning joint whether (turning joints, 22) a joint is below it, as 1 and 0."""
    below = np.zeros((NUM_JOINTS, NUM_JOINTS))
    for joint in range(NUM_JOINTS):
        parent = PARENTS[joint]
        while parent >= 0:
            below[parent, joint] = 1.0
            parent = PARENTS[parent]
    return np.asarray(below[_TURNING])


def _levels() -> list[tuple[list[int], list[int]]]:
    """The joints with as many bones between them and the pelvis, from it outwards, and their parents."""
    depths = [0] * NUM_JOINTS
    for joint in range(1, NUM_JOINTS):
        depths[joint] = depths[PARENTS[joint]] + 1
    together = ([joint for joint in range(NUM_JOINTS) if depths[joint] == depth] for depth in range(1, max(depths) + 1))
    return [(joints, [PARENTS[joint] for joint in joints]) for joints in together]


_BELOW: Final = _below()
_LEVELS: Final = _levels()
