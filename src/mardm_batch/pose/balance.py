"""Whether a pose is possible for a body with mass and thickness. Axes: n poses, 22 joints (n, 22, 3), metres, Y up."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch.pose.skeleton import JOINT_INDEX
from mardm_batch.pose.vectors import Array, length, unit

# Segments of the body: ends, share of its mass, position of its centre from the first end to the second (means of men
# and women, after de Leva, 1996).
_SEGMENTS: Final = (
    ("neck", "head", 0.068, 0.9),
    ("pelvis", "neck", 0.430, 0.50),
    *(
        segment
        for side in ("left", "right")
        for segment in (
            (f"{side}_shoulder", f"{side}_elbow", 0.026, 0.58),
            (f"{side}_elbow", f"{side}_wrist", 0.021, 0.62),
            (f"{side}_hip", f"{side}_knee", 0.145, 0.39),
            (f"{side}_knee", f"{side}_ankle", 0.046, 0.44),
            (f"{side}_ankle", f"{side}_foot", 0.013, 0.5),
        )
    ),
)
CONTACT_HEIGHT: Final = 0.09
"""Metres above the lowest joint up to which a joint carries the body; joints are inside the body."""
SEAT_HEIGHT: Final = 0.2
"""The same for the pelvis and the hips, which have more flesh below them."""
BALANCE_MARGIN: Final = 0.03
"""Metres by which the centre of mass may be outside the joints' support, for the flesh around them."""
TRUNK_RADIUS: Final = 0.075
"""Metres from the spine within which no forearm, hand or shin is."""
_CONTACT_HEIGHTS: Final = np.array([[SEAT_HEIGHT if index in (0, 1, 2) else CONTACT_HEIGHT] for index in range(22)])
_ANKLES: Final = [JOINT_INDEX["left_ankle"], JOINT_INDEX["right_ankle"]]
_FEET: Final = [JOINT_INDEX["left_foot"], JOINT_INDEX["right_foot"]]
_HEEL, _TOES, _SOLE_WIDTH = 0.05, 0.07, 0.045
_ANGLES: Final = np.linspace(0.0, np.pi, 12, endpoint=False)
_LINES: Final = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)])


def centre_of_mass(joints: Array) -> Array:
    """The centre of mass (n, 3), by standard masses of the body's segments."""
    return np.asarray(np.einsum("j,nji->ni", _CENTRE, joints))


def outside_support(joints: Array) -> Array:
    """Metres (n,) by which the centre of mass is outside the convex hull of what is on the floor; negative inside."""
    # The hull by its extent both ways along each of many lines.
    places = _contacts(joints) @ _LINES  # (p, n, lines)
    centre = centre_of_mass(joints)[:, ::2] @ _LINES
    most, least = places.max(axis=0, initial=-np.inf), places.min(axis=0, initial=np.inf)  # (n, lines)
    return np.asarray(np.maximum(centre - most, least - centre).max(axis=-1))


def is_balanced(joints: Array) -> NDArray[np.bool_]:
    """Whether (n,) the centre of mass is above what is on the floor, or the person may sit or lie."""
    return np.asarray(imbalance(joints) == 0.0)


def imbalance(joints: Array) -> Array:
    """Metres (n,) by which the centre of mass is outside of what is on the floor; 0 where the person is balanced."""
    outside = outside_support(joints)
    return np.where((outside <= BALANCE_MARGIN) | may_rest(joints), 0.0, outside)


def may_rest(joints: Array) -> NDArray[np.bool_]:
    """Whether (n,) a person lies, or a seat may be below the pelvis: it is low and the thighs are about level."""
    thighs = joints[:, [JOINT_INDEX["left_knee"], JOINT_INDEX["right_knee"]]] - joints[:, [1, 2]]
    level = np.abs(thighs[..., 1]) <= 0.65 * length(thighs)
    height = joints[:, [0, JOINT_INDEX["neck"]], 1] - joints[:, :, 1].min(axis=1)[:, None]
    seated = (height[:, 0] < 0.75) & (height[:, 0] > 0.3) & (level & (thighs[..., 2] > 0.1)).all(axis=1)
    return np.asarray(seated | (height < 0.45).all(axis=1))


def limb_in_trunk(joints: Array) -> NDArray[np.bool_]:
    """Whether (n,) a forearm, a hand or a shin goes through the trunk."""
    return np.asarray(outside_trunk(joints) < 0.0)


def outside_trunk(joints: Array) -> Array:
    """Metres (n,) by which forearms, hands and shins are outside the trunk; negative where one goes through it."""
    start, end = joints[:, JOINT_INDEX["pelvis"]], joints[:, JOINT_INDEX["spine3"]]
    axis = end - start
    squared = (axis * axis).sum(-1)[:, None]
    offsets = _LIMB_POINTS @ joints - start[:, None]
    along = np.clip((offsets @ axis[..., None])[..., 0] / squared, 0.0, 1.0)
    gaps = offsets - along[..., None] * axis[:, None]
    return np.asarray(np.sqrt((gaps * gaps).sum(-1).min(axis=1)) - TRUNK_RADIUS)


def is_possible(joints: Array) -> NDArray[np.bool_]:
    """Whether (n,) a pose is balanced and has no limb in the trunk."""
    return np.asarray(is_balanced(joints) & ~limb_in_trunk(joints))


def _mass_weights() -> Array:
    """The weight (22,) of each joint in the centre of mass."""
    weights = np.zeros(len(JOINT_INDEX))
    for first, second, share, position in _SEGMENTS:
        weights[JOINT_INDEX[first]] += share * (1.0 - position)
        weights[JOINT_INDEX[second]] += share * position
    return np.asarray(weights / weights.sum())


def _limb_points() -> Array:
    """Weights (points, 22) of points along the forearms, to the middle of the hand, and along the shins."""
    rows = []
    for side in ("left", "right"):
        for near, far, shares in (("elbow", "wrist", (0.25, 0.5, 0.75, 1.0, 1.25)), ("knee", "ankle", (0.0, 0.5, 1.0))):
            for share in shares:
                row = np.zeros(len(JOINT_INDEX))
                row[JOINT_INDEX[f"{side}_{near}"]] = 1.0 - share
                row[JOINT_INDEX[f"{side}_{far}"]] = share
                rows.append(row)
    return np.stack(rows)


_CENTRE: Final = _mass_weights()
_LIMB_POINTS: Final = _limb_points()


def _contacts(joints: Array) -> Array:
    """Where (p, n, 2) joints and soles are on the floor, seen from above.

    For what is not on the floor the lowest joint stands.
    """
    seen, heights = (np.ascontiguousarray(each.swapaxes(0, 1)) for each in (joints[:, :, ::2], joints[:, :, 1]))
    lowest = heights.argmin(axis=0)  # (n,)
    each = np.arange(len(joints))
    low = heights - heights[lowest, each] <= _CONTACT_HEIGHTS  # (22, n)
    ahead = unit(seen[_FEET] - seen[_ANKLES])  # (sides, n, 2)
    aside = _SOLE_WIDTH * np.stack([-ahead[..., 1], ahead[..., 0]], axis=-1)
    heels, toes = seen[_ANKLES] - _HEEL * ahead, seen[_FEET] + _TOES * ahead
    points = np.concatenate([seen, heels + aside, heels - aside, toes + aside, toes - aside])
    on_floor = np.concatenate([low, low[_ANKLES], low[_ANKLES], low[_FEET], low[_FEET]])
    some = on_floor.any(axis=1)  # most joints are on the floor in none of the poses
    return np.where(on_floor[some, :, None], points[some], seen[lowest, each])
