"""Poses as flat shapes seen by cameras. Axes: b poses, n shapes, k points of an outline; metres, Y up; pixels, y up.

The figure is a mannequin: a torso, capsules (convex hulls of two circles) for limbs, head, face and nose, and dots on
the joints.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import accumulate, pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch.pose.gaze import head_frames
from mardm_batch.pose.skeleton import JOINT_INDEX, JOINT_NAMES, NUM_JOINTS, PARENTS

Floats = NDArray[np.float64]

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
SHADOW_COUNT: Final = len(SHADOW_RADII)


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


_SHAPE_POINTS: Final = (
    *(TORSO_POINTS, *(LIMB_POINTS,) * BODY_COUNT, *(DOT_POINTS,) * len(DOTS)) * 2,
    *(TORSO_POINTS, *(HIGHLIGHT_POINTS,) * len(OUTER_LIMBS)),
)
_LAYER_POINTS: Final = len(SHADOW_RADII) * SHADOW_POINTS
_PATHS: Final = tuple(pairwise(accumulate((*(_LAYER_POINTS,) * len(SHADOWS), *_SHAPE_POINTS), initial=0)))
"""Of each layer of the shadow and each of SHAPES: where its points begin and end."""
POINTS: Final = _PATHS[-1][1]
"""Number of points of all outlines."""
_HULLS: Final = (
    *range(0, _LAYER_POINTS, SHADOW_POINTS),
    *(start for start, _ in _PATHS[len(SHADOWS) :][: 1 + len(CAPSULE_ENDS)]),
)
"""Where the points of the widest outlines begin, within which everything is painted."""
_PAST_HULLS: Final = _PATHS[len(SHADOWS) + 1 + len(CAPSULE_ENDS)][0]


@dataclass(frozen=True)
class Camera:
    """Perspective camera at `distance` metres from the person, `azimuth` degrees to the left of the front."""

    azimuth: float
    elevation: float
    distance: float
    magnification: float = 1.0

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """Points (..., 3), metres, to pixels (..., 2) from where the camera looks, and pixels a metre (...)."""
        return _project(points, self.axes, self.distance, self.magnification)

    def on_floor(self, spots: Floats) -> Floats:
        """Points (..., 2) on the floor, x and z in metres, to pixels (..., 2)."""
        return self.project(_floor_points(spots))[0]

    @cached_property
    def axes(self) -> Floats:
        """Columns: the picture's right, its up, and towards the camera."""
        azimuth, elevation = np.radians((self.azimuth, self.elevation))
        right = np.array((np.cos(azimuth), 0.0, -np.sin(azimuth)))
        level = np.array((np.sin(azimuth), 0.0, np.cos(azimuth)))
        towards = level * np.cos(elevation) + (0.0, np.sin(elevation), 0.0)
        return np.stack((right, np.cross(towards, right), towards), axis=1)


class Views:
    """A camera for each of b poses, all of one direction, and the pixels (b, 2) at which they look."""

    def __init__(self, cameras: Sequence[Camera], aims: Floats) -> None:
        self._axes, self._aims = cameras[0].axes, aims
        self.distances = np.array([camera.distance for camera in cameras])  # (b,)
        self._magnifications = np.array([camera.magnification for camera in cameras])

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """Points (b, ..., 3), metres, to pixels (b, ..., 2), and pixels a metre (b, ...)."""
        each = (-1, *(1,) * (points.ndim - 2))
        pixels, scale = _project(points, self._axes, self.distances.reshape(each), self._magnifications.reshape(each))
        pixels += self._aims.reshape(*each, 2)
        return pixels, scale

    def on_floor(self, spots: Floats) -> Floats:
        """Points (b, ..., 2) on the floor, x and z in metres, to pixels (b, ..., 2)."""
        return self.project(_floor_points(spots))[0]

    def depths(self, scale: Floats) -> Floats:
        """Metres from the camera by pixels a metre (b, n)."""
        depths: Floats = self._magnifications[:, None] * DEFAULT_SCALE * DEFAULT_DISTANCE / scale
        return depths


def _project(
    points: Floats, axes: Floats, distance: Floats | float, magnification: Floats | float
) -> tuple[Floats, Floats]:
    relative = (points - (0.0, TARGET_HEIGHT, 0.0)) @ axes
    # At least half a metre away: points behind the camera would be projected upside down.
    scale = magnification * DEFAULT_SCALE * DEFAULT_DISTANCE / np.maximum(distance - relative[..., 2], 0.5)
    return relative[..., :2] * scale[..., None], scale


def _floor_points(spots: Floats) -> Floats:
    points = np.zeros((*spots.shape[:-1], 3))
    points[..., ::2] = spots
    return points


def capsule_ends(joints: Floats) -> Floats:
    """Both ends (..., n, 2, 3) of the capsules of joints (..., 22, 3): limbs, skull, face, nose, dots; metres."""
    head_points = joints[..., HEAD, None, :] + HEAD_POINTS @ np.stack(head_axes(joints), axis=-2)
    ends: Floats = np.concatenate((joints, head_points), axis=-2)[..., CAPSULE_ENDS, :]
    return ends


def head_axes(joints: Floats) -> tuple[Floats, Floats]:
    """Unit vectors (..., 3) to the crown of the head and to where it looks; shorter where joints coincide."""
    poses = joints.reshape(-1, NUM_JOINTS, 3)
    frames = head_frames(poses[:, HEAD] - poses[:, NECK], poses).reshape(*joints.shape[:-2], 3, 3)
    return frames[..., 1], frames[..., 2]


def bounds(ends: Floats, camera: Camera) -> tuple[Floats, Floats]:
    """Lower left and upper right corners (..., 2) of capsules (..., n, 2, 3), in pixels from where the camera looks."""
    pixels, scale = camera.project(ends)
    radii = (CAPSULE_RADII * scale)[..., None] + OUTLINE
    return (pixels - radii).min(axis=(-3, -2)), (pixels + radii).max(axis=(-3, -2))


@dataclass(frozen=True)
class Figures:
    """The shapes of b poses.

    Attributes:
        points: (b, points, 2), pixels; `split_outlines` finds the outlines in them.
        depths: (b, n) of SHAPES in metres. Painted by descending depth, in the order of SHAPES where it is equal, they
            are the figure.
        low: lower left corners (b, h, 2) of parts within which everything is painted, first SHADOW_COUNT of the shadow.
        high: their upper right corners.
    """

    points: Floats
    depths: Floats
    low: Floats
    high: Floats


def split_outlines(points: Floats) -> tuple[list[Floats], list[Floats]]:
    """Views of the points of one pose: of each layer of the shadow (outlines, k, 2), of each of SHAPES (k, 2)."""
    outlines = [points[start:end] for start, end in _PATHS]
    layers, shapes = outlines[: len(SHADOWS)], outlines[len(SHADOWS) :]
    return [layer.reshape(-1, SHADOW_POINTS, 2) for layer in layers], shapes


def draw_figures(joints: Floats, ends: Floats, views: Views) -> Figures:
    """The shapes of poses as cameras see them.

    Args:
        joints: (b, 22, 3), metres.
        ends: `capsule_ends(joints)`.
        views: the cameras.
    """
    pixels, scale = views.project(ends)
    radii = CAPSULE_RADII * scale
    limbs, limb_radii = pixels[:, :BODY_COUNT], radii[:, :BODY_COUNT]
    edges, bases = capsule_outlines(limbs, limb_radii, (OUTLINE, 0.0), LIMB_POINTS)
    lit_radii = limb_radii[:, OUTER_LIMBS]
    lit = limbs[:, OUTER_LIMBS] + np.array(HIGHLIGHT_OFFSET) * lit_radii[..., None]
    (highlights,) = capsule_outlines(lit, HIGHLIGHT_SIZE * lit_radii, (0.0,), HIGHLIGHT_POINTS)
    middles, dot_radii = pixels[:, BODY_COUNT:, :1], radii[:, BODY_COUNT:, :1, None]
    dot_edges, dots = (middles + (dot_radii + wider) * circle(DOT_POINTS) for wider in (OUTLINE, 0.0))

    outward = circle(TORSO_POINTS)
    hull = _torso_hulls(joints, views)
    torso_light = hull + OUTLINE * (np.sign(HIGHLIGHT_OFFSET) - 3 * outward)
    parts = (
        cast_shadows(joints, ends, views),
        *(hull + OUTLINE * outward, edges, dot_edges, hull, bases, dots, torso_light, highlights),
    )
    points = np.concatenate([part.reshape(len(joints), -1, 2) for part in parts], axis=1)
    low, high = (corner.reduceat(points[:, :_PAST_HULLS], _HULLS, axis=1) for corner in (np.minimum, np.maximum))
    return Figures(points, _depths(views.depths(scale.mean(axis=2))), low, high)


def _torso_hulls(joints: Floats, views: Views) -> Floats:
    """Outlines (b, k, 2) of the torsos in pixels."""
    torso, scale = views.project(joints[:, TORSO])
    reach = np.array([*TORSO_RADII.values()]) * scale
    outward = circle(TORSO_POINTS)
    farthest = (outward @ torso.transpose(0, 2, 1) + reach[:, None]).argmax(axis=2)  # (b, k)
    pose = np.arange(len(joints))[:, None]
    hulls: Floats = torso[pose, farthest] + reach[pose, farthest, None] * outward
    return hulls


def _depths(capsules: Floats) -> Floats:
    """The depths (b, n) of SHAPES by those of the capsules."""
    depths = np.empty((len(capsules), 1 + capsules.shape[1]))
    depths[:, 1:] = capsules
    limbs, dots = depths[:, 1:][:, :BODY_COUNT], depths[:, 1:][:, BODY_COUNT:]
    depths[:, 0] = limbs[:, TORSO_LIMBS].max(axis=1) + TORSO_DEPTH
    # a dot covers the limbs that it joins
    np.minimum.at(dots.T, DOT_JOINT, limbs[:, DOT_LIMB].T - 1e-6)
    return np.concatenate((depths, depths, depths[:, :1], limbs[:, OUTER_LIMBS]), axis=1)


def cast_shadows(joints: Floats, ends: Floats, views: Views) -> Floats:
    """Outlines (b, layers, n, k, 2) in pixels of the bodies' shadows, vertically below them."""
    body = np.concatenate((ends[:, OUTER_LIMBS], joints[:, None, (0, NECK)]), axis=1)
    height = np.maximum(body[..., 1], 0.0)
    radii = np.stack([SHADOW_RADII + wider + softness * height for wider, softness, _ in SHADOWS], axis=1)
    spots = np.broadcast_to(body[:, None, ..., ::2], (*radii.shape, 2))
    (outlines,) = capsule_outlines(spots, radii, (0.0,), SHADOW_POINTS)
    return views.on_floor(outlines)


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
