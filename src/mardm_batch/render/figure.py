"""A pose as flat shapes seen by a camera. Axes: n shapes, k points of an outline; metres, Y up; pixels, y up.

The figure is a mannequin: a torso, capsules (convex hulls of two circles) for limbs, head, face and nose, and dots on
the joints.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch.pose.gaze import TURN_SHARE
from mardm_batch.pose.skeleton import HEAD_REST_ANGLE, JOINT_INDEX, JOINT_NAMES, NUM_JOINTS, PARENTS

Floats = NDArray[np.float64]
Vector = Sequence[float]
"""Three coordinates."""

DEFAULT_SCALE: Final = 440.0
"""Pixels a metre at DEFAULT_DISTANCE. Raised arms (2.1 m) fit, so nearly all poses are drawn at this scale."""
DEFAULT_DISTANCE: Final = 5.5  # metres from camera to pelvis: near enough for some perspective
TARGET_HEIGHT: Final = 0.95  # metres above the floor of the point at which the camera looks

LIMB_RADII: Final = {
    "hip": (0.036, 0.046),
    "knee": (0.060, 0.046),
    "ankle": (0.046, 0.032),
    "foot": (0.035, 0.030),
    "spine1": (0.034, 0.034),
    "spine2": (0.034, 0.034),
    "spine3": (0.034, 0.034),
    "collar": (0.034, 0.034),
    "neck": (0.034, 0.034),
    "head": (0.034, 0.034),
    "shoulder": (0.034, 0.042),
    "elbow": (0.045, 0.037),
    "wrist": (0.037, 0.028),
}
"""Radii in metres of the limb that ends in this joint, at its parent and at the joint, for both sides."""
SKULL_RADII: Final = (0.074, 0.090)
SKULL_LENGTH: Final = 0.078  # metres from the head joint to the crown of the head
FACE_RADII: Final = (0.056, 0.068)
NOSE_RADII: Final = (0.024, 0.015)
HEAD_POINTS: Final = np.array([(SKULL_LENGTH, 0.0), (-0.008, 0.036), (0.072, 0.034), (0.036, 0.078), (0.022, 0.116)])
"""Metres above and in front of the head joint: the crown, both ends of the face and of the nose."""
DOT_RADIUS: Final = 0.023
TORSO_RADII: Final = {
    "left_shoulder": 0.055,
    "right_shoulder": 0.055,
    "left_hip": 0.075,
    "right_hip": 0.075,
    "neck": 0.045,
}
"""The torso is the convex hull of circles around these joints; radii in metres."""
TORSO_DEPTH: Final = 0.08  # metres by which the torso is behind the farthest limb attached to it
OUTLINE: Final = 2.5  # pixels
HIGHLIGHT_OFFSET: Final = (-0.26, 0.30)  # radii, from a limb's middle: light from the upper left
HIGHLIGHT_SIZE: Final = 0.36  # radii

# Points of outlines, as few as look smooth: for Agg each costs as much as hundreds of pixels.
LIMB_POINTS: Final = 26
HIGHLIGHT_POINTS: Final = 12
SHADOW_POINTS: Final = 14
DOT_POINTS: Final = 14
TORSO_POINTS: Final = 28

SHADOWS: Final = ((0.010, 0.10, 0.07), (0.0, 0.02, 0.12))
"""Layers of the shadow: metres wider than the body, further metres for each metre of height, opacity."""

_REST_COS, _REST_SIN = math.cos(math.radians(HEAD_REST_ANGLE)), math.sin(math.radians(HEAD_REST_ANGLE))

HEAD: Final = JOINT_INDEX["head"]
NECK: Final = JOINT_INDEX["neck"]
LIMB_ENDS: Final = np.arange(1, NUM_JOINTS)  # all joints but the pelvis
LIMB_STARTS: Final = np.array(PARENTS)[LIMB_ENDS]
DOTS: Final = np.delete(np.arange(NUM_JOINTS), HEAD)
CAPSULE_RADII: Final = np.array(
    [LIMB_RADII[JOINT_NAMES[joint].removeprefix("left_").removeprefix("right_")] for joint in LIMB_ENDS]
    + [SKULL_RADII, FACE_RADII, NOSE_RADII]
    + [(DOT_RADIUS, DOT_RADIUS)] * len(DOTS)
)
CAPSULE_ENDS: Final = np.array(
    [
        *zip(LIMB_STARTS, LIMB_ENDS, strict=True),
        *((HEAD, NUM_JOINTS), (NUM_JOINTS + 1, NUM_JOINTS + 2), (NUM_JOINTS + 3, NUM_JOINTS + 4)),
        *zip(DOTS, DOTS, strict=True),
    ]
)
"""Indices of the joints at both ends of each capsule; from NUM_JOINTS on they are HEAD_POINTS."""
SOLID_COUNT: Final = len(LIMB_ENDS) + 1
"""Number of capsules that are limbs or the skull; face and nose follow."""
BODY_COUNT: Final = SOLID_COUNT + 2
"""Number of capsules that are limbs or the head; the others are dots."""
DOT_JOINT, DOT_LIMB = np.nonzero((DOTS[:, None] == LIMB_ENDS) | (DOTS[:, None] == LIMB_STARTS))
"""Pairs of a dot and a limb that ends at it."""
TORSO: Final = np.array([JOINT_INDEX[name] for name in TORSO_RADII])
TORSO_LIMBS: Final = np.nonzero(np.isin(LIMB_ENDS, (*TORSO, *TORSO[:2] - 3, 3, 6, 9)))[0]
TRUNK: Final = ("left_hip", "right_hip", "spine1", "spine2", "spine3", "left_collar", "right_collar", "neck", "head")
"""Ends of the limbs inside the torso, and of the neck."""
OUTER_LIMBS: Final = np.setdiff1d(np.arange(SOLID_COUNT), [JOINT_INDEX[name] - 1 for name in TRUNK])
"""The other limbs and the skull: they have highlights and cast shadows."""
SHADOW_RADII: Final = np.concatenate((CAPSULE_RADII[OUTER_LIMBS], ((0.085, 0.080),)))
"""Shadows are those of the outer limbs and of a capsule in place of the trunk."""


def _side(joint: int) -> str:
    side = JOINT_NAMES[joint].split("_")[0]
    return side if side in ("left", "right") else "spine"


_SIDES: Final = ("torso", *map(_side, LIMB_ENDS.tolist()), *("spine",) * 3, *map(_side, DOTS.tolist()))
SHAPES: Final = (
    *((side, "edge") for side in _SIDES),
    *zip(_SIDES, ("base",) * (1 + SOLID_COUNT) + ("face", "base") + ("dot",) * len(DOTS), strict=True),
    *((_SIDES[shape], "light") for shape in (0, *(1 + OUTER_LIMBS))),
)
"""Colour and tone of each flat shape: first all edges, then all bases, then highlights of torso and outer limbs."""


@dataclass(frozen=True)
class Camera:
    """Perspective camera at `distance` metres from the person, `azimuth` degrees to the left of the front."""

    azimuth: float
    elevation: float
    distance: float
    magnification: float = 1.0

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """Points (..., 3), metres, to pixels (..., 2) from where the camera looks, and pixels a metre (...)."""
        relative = (points - (0.0, TARGET_HEIGHT, 0.0)) @ self.axes
        # At least half a metre away: points behind the camera would be projected upside down.
        scale = (
            self.magnification * DEFAULT_SCALE * DEFAULT_DISTANCE / np.maximum(self.distance - relative[..., 2], 0.5)
        )
        return relative[..., :2] * scale[..., None], scale

    def on_floor(self, spots: Floats) -> Floats:
        """Points (..., 2) on the floor, x and z in metres, to pixels (..., 2)."""
        points = np.zeros((*spots.shape[:-1], 3))
        points[..., ::2] = spots
        return self.project(points)[0]

    @cached_property
    def axes(self) -> Floats:
        """Columns: the picture's right, its up, and towards the camera."""
        azimuth, elevation = np.radians((self.azimuth, self.elevation))
        right = np.array((np.cos(azimuth), 0.0, -np.sin(azimuth)))
        level = np.array((np.sin(azimuth), 0.0, np.cos(azimuth)))
        towards = level * np.cos(elevation) + (0.0, np.sin(elevation), 0.0)
        return np.stack((right, np.cross(towards, right), towards), axis=1)


def capsule_ends(joints: Floats) -> Floats:
    """Both ends (n, 2, 3) of the capsules of joints (22, 3): limbs, skull, face, nose, dots; metres."""
    up, front = head_axes(joints)
    head_points = joints[HEAD] + HEAD_POINTS @ np.array((up, front))
    ends: Floats = np.concatenate((joints, head_points))[CAPSULE_ENDS]
    return ends


def head_axes(joints: Floats) -> tuple[Vector, Vector]:
    """Unit vectors to the crown of the head and to where it looks; shorter where joints coincide.

    As `pose.gaze.head_frames`, for one pose: plain floats, as arrays of three take much longer.
    """
    neck, head, left, right = joints[(NECK, HEAD, *TORSO[:2]),].tolist()
    bone = _unit([a - b for a, b in zip(head, neck, strict=True)])
    across = _unit([a - b for a, b in zip(left, right, strict=True)])
    offset = _dot(across, bone)
    side = _unit([a - offset * b for a, b in zip(across, bone, strict=True)])
    ahead = (
        side[1] * bone[2] - side[2] * bone[1],
        side[2] * bone[0] - side[0] * bone[2],
        side[0] * bone[1] - side[1] * bone[0],
    )
    turn = TURN_SHARE * math.asin(max(-1.0, min(1.0, offset / _REST_SIN)))
    cos, sin = math.cos(turn), math.sin(turn)
    turned = [cos * a + sin * b for a, b in zip(ahead, side, strict=True)]
    up = [_REST_COS * b - _REST_SIN * a for a, b in zip(turned, bone, strict=True)]
    front = [_REST_COS * a + _REST_SIN * b for a, b in zip(turned, bone, strict=True)]
    return up, front


def _dot(one: Vector, other: Vector) -> float:
    return one[0] * other[0] + one[1] * other[1] + one[2] * other[2]


def _unit(vector: Vector) -> Vector:
    length = max(math.hypot(*vector), 1e-6)
    return [value / length for value in vector]


def bounds(ends: Floats, camera: Camera) -> tuple[Floats, Floats]:
    """Lower left and upper right corner (2,) of capsules (..., n, 2, 3), in pixels from where the camera looks."""
    pixels, scale = camera.project(ends)
    radii = (CAPSULE_RADII * scale)[..., None] + OUTLINE
    return (pixels - radii).reshape(-1, 2).min(axis=0), (pixels + radii).reshape(-1, 2).max(axis=0)


class Outlines:
    """All outlines (…, k, 2) in pixels, written in place: the paths that share this memory are made only once."""

    def __init__(self) -> None:
        self.shadows = np.zeros((len(SHADOWS), len(SHADOW_RADII), SHADOW_POINTS, 2))
        self.torso = np.zeros((3, TORSO_POINTS, 2))  # edge, base, light
        self.limbs = np.zeros((2, BODY_COUNT, LIMB_POINTS, 2))  # edges, bases
        self.dots = np.zeros((2, len(DOTS), DOT_POINTS, 2))
        self.highlights = np.zeros((len(OUTER_LIMBS), HIGHLIGHT_POINTS, 2))

    def shapes(self) -> list[Floats]:
        """The outlines (k, 2) of SHAPES, in their order."""
        (edge, base, light), (edges, bases), (dot_edges, dots) = self.torso, self.limbs, self.dots
        return [edge, *edges, *dot_edges, base, *bases, *dots, light, *self.highlights]

    def shadow_and_torso_bounds(self) -> tuple[Floats, Floats]:
        """Lower left and upper right corner (2,) of shadow and torso, which may exceed the capsules' bounds."""
        points = np.concatenate((self.shadows[0].reshape(-1, 2), self.torso[0]))
        return points.min(axis=0), points.max(axis=0)


def project_figure(joints: Floats, ends: Floats, camera: Camera, aim: Floats, outlines: Outlines) -> Floats:
    """Write the outlines of SHAPES and return their depths (n,) in metres.

    Painted by descending depth, in the order of SHAPES where it is equal, they are the figure.

    Args:
        joints: (22, 3), metres.
        ends: `capsule_ends(joints)`.
        camera: the view.
        aim: pixel (2,) at which the camera looks.
        outlines: written in place.
    """
    pixels, scale = camera.project(ends)
    pixels += aim
    radii = CAPSULE_RADII * scale
    limbs, limb_radii = pixels[:BODY_COUNT], radii[:BODY_COUNT]
    outlines.limbs[:] = capsule_outlines(limbs, limb_radii, (OUTLINE, 0.0), LIMB_POINTS)
    lit_radii = limb_radii[OUTER_LIMBS]
    lit = limbs[OUTER_LIMBS] + np.array(HIGHLIGHT_OFFSET) * lit_radii[..., None]
    (outlines.highlights[:],) = capsule_outlines(lit, HIGHLIGHT_SIZE * lit_radii, (0.0,), HIGHLIGHT_POINTS)
    middles, dot_radii = pixels[BODY_COUNT:, :1], radii[BODY_COUNT:, :1, None]
    outlines.dots[0] = middles + (dot_radii + OUTLINE) * circle(DOT_POINTS)
    outlines.dots[1] = middles + dot_radii * circle(DOT_POINTS)

    torso, torso_scale = camera.project(joints[TORSO])
    reach = np.array([*TORSO_RADII.values()]) * torso_scale
    outward = circle(TORSO_POINTS)
    farthest = (outward @ torso.T + reach).argmax(axis=1)
    hull = torso[farthest] + aim + reach[farthest, None] * outward
    outlines.torso[:] = (
        hull + OUTLINE * outward,
        hull,
        hull + OUTLINE * (np.sign(HIGHLIGHT_OFFSET) - 3 * outward),
    )

    depth = np.empty(1 + len(ends))
    depth[1:] = camera.magnification * DEFAULT_SCALE * DEFAULT_DISTANCE / scale.mean(axis=1)
    limb_depth, dot_depth = depth[1:][:BODY_COUNT], depth[1:][BODY_COUNT:]
    depth[0] = limb_depth[TORSO_LIMBS].max() + TORSO_DEPTH
    np.minimum.at(dot_depth, DOT_JOINT, limb_depth[DOT_LIMB] - 1e-6)  # a dot covers the limbs that it joins
    return np.concatenate((depth, depth, depth[:1], limb_depth[OUTER_LIMBS]))


def cast_shadows(joints: Floats, ends: Floats, camera: Camera, aim: Floats, outlines: Outlines) -> None:
    """Write the outlines of the body's shadow, vertically below it; arguments as of `project_figure`."""
    body = np.concatenate((ends[OUTER_LIMBS], joints[None, (0, NECK)]))
    height = np.maximum(body[..., 1], 0.0)
    radii = np.stack([SHADOW_RADII + wider + softness * height for wider, softness, _ in SHADOWS])
    spots = np.broadcast_to(body[..., ::2], (*radii.shape, 2))
    (outline,) = capsule_outlines(spots, radii, (0.0,), SHADOW_POINTS)
    outlines.shadows[:] = camera.on_floor(outline) + aim


def capsule_outlines(ends: Floats, radii: Floats, wider: Sequence[float], points: int) -> Floats:
    """Outlines of capsules, the convex hulls of two circles.

    Args:
        ends: centres (..., 2, 2) of the circles.
        radii: (..., 2).
        wider: distances by which outlines are outside the hull, one outline each.
        points: number of points of an outline; each end has a share of them in proportion to its arc.

    Returns:
        (len(wider), ..., points, 2), in the unit of the centres.
    """
    axis, growth = ends[..., 1, :] - ends[..., 0, :], radii[..., 1] - radii[..., 0]
    length = np.maximum(np.hypot(axis[..., 0], axis[..., 1]), 1e-9)
    # Where one circle is inside the other there are no tangents, and the outline is the larger circle.
    half = np.arccos(np.clip(-growth / length, -1.0, 1.0))
    at_first = np.clip(np.rint(points * (1.0 - half / np.pi)), 2, points - 2).astype(np.intp)
    second, constant, multiple = _arcs(points).take(at_first, axis=1)  # (..., points) each
    angles = multiple * half[..., None] + constant + np.arctan2(axis[..., 1], axis[..., 0])[..., None]
    directions = np.stack((np.cos(angles), np.sin(angles)), axis=-1)
    centres = ends[..., :1, :] + second[..., None] * axis[..., None, :]
    reach = (radii[..., :1] + second * growth[..., None])[..., None]
    return np.stack([centres + (reach + distance) * directions for distance in wider])


@cache
def _arcs(points: int) -> Floats:
    """How the points of a capsule's outline are placed, by the number of them at the first end.

    Returns (3, 1 + points, points): whether a point is at the second end, and its angle from the capsule's axis, as a
    constant and as a multiple of half the second end's arc.
    """
    number, at_first = np.arange(points), np.arange(points + 1)[:, None]
    second = number >= at_first
    position = np.where(second, number - at_first, number)
    count = np.where(second, points - at_first, at_first)
    along = 2.0 * position / np.maximum(count - 1, 1) - 1.0  # from -1 to 1 along the arc
    return np.stack((second, np.where(second, 0.0, np.pi * (1.0 + along)), np.where(second, along, -along)))


@cache
def circle(points: int) -> Floats:
    """Points (points, 2) of the unit circle."""
    angles = np.linspace(0.0, 2 * np.pi, points, endpoint=False)
    return np.stack((np.cos(angles), np.sin(angles)), axis=1)
