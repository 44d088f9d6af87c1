"""A pose as flat shapes seen by a camera. Axes: n shapes, k points of an outline; metres, Y up; pixels, y up.

The figure is a mannequin: the torso, then capsules (hulls of two circles) for limbs and head, then the joints' dots.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch.pose.skeleton import JOINT_INDEX, JOINT_NAMES, NUM_JOINTS, PARENTS

Floats = NDArray[np.float64]

NEAR_SCALE: Final = 440.0
"""Pixels a metre, seen from NEAREST: raised arms (2.1 m) fit, so nearly all poses share one scale."""
NEAREST: Final = 5.5  # metres from camera to pelvis: depth is seen, yet limbs that point at us do not balloon
AIM: Final = 0.95  # metres above the floor: where the camera looks

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
"""Metres at the parent's and at the own end of the limb that ends in this joint, on either side."""
SKULL_RADII: Final = (0.074, 0.090)
SKULL_LENGTH: Final = 0.078  # metres from the chin's circle, which is the head joint's, to the crown's
DOT_RADIUS: Final = 0.023
TORSO_RADII: Final = {
    "left_shoulder": 0.055,
    "right_shoulder": 0.055,
    "left_hip": 0.075,
    "right_hip": 0.075,
    "neck": 0.045,
}
"""The torso is the hull of circles around these joints."""
TORSO_DEPTH: Final = 0.08  # metres by which it is behind the farthest limb that it carries
OUTLINE: Final = 2.5  # pixels
LIGHT: Final = (-0.26, 0.30)  # radii by which a highlight is off the middle: the light is at the upper left
HIGHLIGHT: Final = 0.36  # radii

# Points of outlines, no more than the eye needs: each takes Agg as long as hundreds of pixels.
LIMB_POINTS: Final = 26
LIGHT_POINTS: Final = 16
SHADOW_POINTS: Final = 18
DOT_POINTS: Final = 18
TORSO_POINTS: Final = 28

SHADOWS: Final = ((0.010, 0.10, 0.07), (0.0, 0.02, 0.12))
"""For each layer: metres wider than the body, metres wider for each metre of height, opacity."""

HEAD: Final = JOINT_INDEX["head"]
NECK: Final = JOINT_INDEX["neck"]
CHILDREN: Final = np.arange(1, NUM_JOINTS)  # the pelvis is no limb's end
ORIGINS: Final = np.array(PARENTS)[CHILDREN]
DOTS: Final = np.delete(np.arange(NUM_JOINTS), HEAD)
CAPSULE_RADII: Final = np.array(
    [LIMB_RADII[JOINT_NAMES[joint].removeprefix("left_").removeprefix("right_")] for joint in CHILDREN]
    + [SKULL_RADII]
    + [(DOT_RADIUS, DOT_RADIUS)] * len(DOTS)
)
CAPSULE_ENDS: Final = np.array(
    [*zip(ORIGINS, CHILDREN, strict=True), (HEAD, NUM_JOINTS), *zip(DOTS, DOTS, strict=True)]
)
"""Joints; the crown of the head is one more."""
BODY: Final = len(CHILDREN) + 1
"""So many of the capsules are the body; the others are dots."""
DOT_JOINT, DOT_LIMB = np.nonzero((DOTS[:, None] == CHILDREN) | (DOTS[:, None] == ORIGINS))
"""Which dots are at an end of which limbs."""
TORSO: Final = np.array([JOINT_INDEX[name] for name in TORSO_RADII])
TORSO_LIMBS: Final = np.nonzero(np.isin(CHILDREN, (*TORSO, *TORSO[:2] - 3, 3, 6, 9)))[0]
SHADOW_LIMBS: Final = np.nonzero(~np.isin(np.arange(BODY), CHILDREN[[0, 1, 2, 5, 8, 12, 13]] - 1))[0]
SHADOW_RADII: Final = np.concatenate((CAPSULE_RADII[SHADOW_LIMBS], ((0.085, 0.080),)))
"""What casts a shadow: the limbs but those within the torso, the head, and in place of the torso a capsule."""


def _side(joint: int) -> str:
    side = JOINT_NAMES[joint].split("_")[0]
    return side if side in ("left", "right") else "spine"


_SIDES: Final = ("torso", *map(_side, CHILDREN.tolist()), "spine", *map(_side, DOTS.tolist()))
SHAPES: Final = (
    *((side, "edge") for side in _SIDES),
    *((side, "base" if shape <= BODY else "dot") for shape, side in enumerate(_SIDES)),
    *((side, "light") for side in _SIDES[: 1 + BODY]),
)
"""Colour and tone of each flat shape: all outlines, all shapes, and the highlights of torso, limbs and head."""


@dataclass(frozen=True)
class Camera:
    """Perspective view of the person from `distance` metres, `azimuth` degrees towards the left of the front."""

    azimuth: float
    elevation: float
    distance: float

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """Metres (..., 3) to pixels (..., 2) from where the camera looks, and scale (...) in pixels a metre."""
        seen = (points - (0.0, AIM, 0.0)) @ self._axes
        # What is behind the camera would come out upside down: nothing is nearer than half a metre.
        scale = NEAR_SCALE * NEAREST / np.maximum(self.distance - seen[..., 2], 0.5)
        return seen[..., :2] * scale[..., None], scale

    def on_floor(self, spots: Floats) -> Floats:
        """Spots (..., 2) on the floor, x and z in metres, to pixels (..., 2)."""
        points = np.zeros((*spots.shape[:-1], 3))
        points[..., ::2] = spots
        return self.project(points)[0]

    @cached_property
    def _axes(self) -> Floats:
        """Columns: the picture's right, its up, and towards the camera."""
        azimuth, elevation = np.radians((self.azimuth, self.elevation))
        right = np.array((np.cos(azimuth), 0.0, -np.sin(azimuth)))
        level = np.array((np.sin(azimuth), 0.0, np.cos(azimuth)))
        towards = level * np.cos(elevation) + (0.0, np.sin(elevation), 0.0)
        return np.stack((right, np.cross(towards, right), towards), axis=1)


def capsule_ends(joints: Floats) -> Floats:
    """Ends (n, 2, 3) of the capsules: limbs, head, dots."""
    up = joints[HEAD] - joints[NECK]
    crown = joints[HEAD] + up * (SKULL_LENGTH / max(math.hypot(*up), 1e-6))
    ends: Floats = np.concatenate((joints, crown[None]))[CAPSULE_ENDS]
    return ends


def bounds(ends: Floats, camera: Camera) -> tuple[Floats, Floats]:
    """Lower left and upper right corner (2,) of the capsules in pixels from where the camera looks."""
    pixels, scale = camera.project(ends)
    radii = (CAPSULE_RADII * scale)[..., None] + OUTLINE
    return (pixels - radii).min(axis=(0, 1)), (pixels + radii).max(axis=(0, 1))


class Outlines:
    """All outlines (…, k, 2) in pixels. They are written in place, so that paths which share this memory can stay."""

    def __init__(self) -> None:
        self.shadows = np.zeros((len(SHADOWS), len(SHADOW_RADII), SHADOW_POINTS, 2))
        self.torso = np.zeros((3, TORSO_POINTS, 2))  # edge, base, light
        self.limbs = np.zeros((2, BODY, LIMB_POINTS, 2))  # edges, bases
        self.dots = np.zeros((2, len(DOTS), DOT_POINTS, 2))
        self.lights = np.zeros((BODY, LIGHT_POINTS, 2))

    def shapes(self) -> list[Floats]:
        """The outlines (k, 2) of SHAPES, in their order."""
        (edge, base, light), (edges, bases), (dot_edges, dots) = self.torso, self.limbs, self.dots
        return [edge, *edges, *dot_edges, base, *bases, *dots, light, *self.lights]

    def beyond_body(self) -> tuple[Floats, Floats]:
        """Lower left and upper right corner (2,) of what may be outside the bounds of the body: shadow and torso."""
        points = np.concatenate((self.shadows[0].reshape(-1, 2), self.torso[0]))
        return points.min(axis=0), points.max(axis=0)


def flatten(joints: Floats, ends: Floats, camera: Camera, aim: Floats, outlines: Outlines) -> Floats:
    """Write the shapes' outlines, in pixels where the camera looks at `aim` (2,). Return their depth (n,) in metres.

    Painted in the order of falling depth, and in this order where it is equal, SHAPES are the figure.
    """
    pixels, scale = camera.project(ends)
    pixels += aim
    radii = CAPSULE_RADII * scale
    limbs, limb_radii = pixels[:BODY], radii[:BODY]
    outlines.limbs[:] = hulls(limbs, limb_radii, (OUTLINE, 0.0), LIMB_POINTS)
    lit = limbs + np.array(LIGHT) * limb_radii[..., None]
    (outlines.lights[:],) = hulls(lit, HIGHLIGHT * limb_radii, (0.0,), LIGHT_POINTS)
    middles, dot_radii = pixels[BODY:, :1], radii[BODY:, :1, None]
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
        hull + OUTLINE * (np.sign(LIGHT) - 3 * outward),
    )

    depth = np.empty(1 + len(ends))
    depth[1:] = NEAR_SCALE * NEAREST / scale.mean(axis=1)
    limb_depth, dot_depth = depth[1:][:BODY], depth[1:][BODY:]
    depth[0] = limb_depth[TORSO_LIMBS].max() + TORSO_DEPTH
    np.minimum.at(dot_depth, DOT_JOINT, limb_depth[DOT_LIMB] - 1e-6)  # a dot covers the limbs that meet in it
    return np.concatenate((depth, depth, depth[: 1 + BODY]))


def cast_shadows(joints: Floats, ends: Floats, camera: Camera, aim: Floats, outlines: Outlines) -> None:
    """Write the outlines of the body on the floor, straight below, in pixels where the camera looks at `aim` (2,)."""
    body = np.concatenate((ends[SHADOW_LIMBS], joints[None, (0, NECK)]))
    height = np.maximum(body[..., 1], 0.0)
    radii = np.stack([SHADOW_RADII + wider + softness * height for wider, softness, _ in SHADOWS])
    spots = np.broadcast_to(body[..., ::2], (*radii.shape, 2))
    (outline,) = hulls(spots, radii, (0.0,), SHADOW_POINTS)
    outlines.shadows[:] = camera.on_floor(outline) + aim


def hulls(ends: Floats, radii: Floats, wider: Sequence[float], points: int) -> Floats:
    """Outlines (len(wider), ..., points, 2) of the hulls of two circles each, at each of these distances around.

    Centres `ends` (..., 2, 2), `radii` (..., 2). Each end has as many of the points as it has of the directions.
    """
    axis, growth = ends[..., 1, :] - ends[..., 0, :], radii[..., 1] - radii[..., 0]
    length = np.maximum(np.hypot(axis[..., 0], axis[..., 1]), 1e-9)
    # Where one circle lies within the other the tangents have no angle, and the whole larger circle is left.
    half = np.arccos(np.clip(-growth / length, -1.0, 1.0))
    at_first = np.clip(np.rint(points * (1.0 - half / np.pi)), 2, points - 2).astype(np.intp)
    second, fixed, turning = _arcs(points).take(at_first, axis=1)  # (..., points) each
    angles = turning * half[..., None] + fixed + np.arctan2(axis[..., 1], axis[..., 0])[..., None]
    directions = np.stack((np.cos(angles), np.sin(angles)), axis=-1)
    centres = ends[..., :1, :] + second[..., None] * axis[..., None, :]
    reach = (radii[..., :1] + second * growth[..., None])[..., None]
    return np.stack([centres + (reach + more) * directions for more in wider])


@cache
def _arcs(points: int) -> Floats:
    """Of a hull's points (3, 1 + at first end, points): whether one is at the second end, and its angle from the axis,
    a fixed one and how many times half of the second end's arc."""
    number, at_first = np.arange(points), np.arange(points + 1)[:, None]
    second = number >= at_first
    place, of = np.where(second, number - at_first, number), np.where(second, points - at_first, at_first)
    turn = 2.0 * place / np.maximum(of - 1, 1) - 1.0  # from -1 to 1 along the arc
    return np.stack((second, np.where(second, 0.0, np.pi * (1.0 + turn)), np.where(second, turn, -turn)))


@cache
def circle(points: int) -> Floats:
    """Points (points, 2) of the unit circle."""
    angles = np.linspace(0.0, 2 * np.pi, points, endpoint=False)
    return np.stack((np.cos(angles), np.sin(angles)), axis=1)
