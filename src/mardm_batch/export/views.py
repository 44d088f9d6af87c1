"""Poses as a camera of the pictures sees them: 2D points, what is hidden, and the camera's matrices.

A view is the number of degrees around the person: 0 in front, 90 at its left. The camera is the one with which a
picture of that view is drawn, so points fit the pixels of `NAME@045.png`. Axes: n poses, k points, c capsules; metres,
Y up; pixels from the upper left corner, x to the right, y down.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch.constants import PICTURE_SIZE
from mardm_batch.pose.skeleton import JOINT_INDEX, NUM_JOINTS
from mardm_batch.render.figure import (
    CAPSULE_ENDS,
    CAPSULE_RADII,
    DEFAULT_DISTANCE,
    DEFAULT_SCALE,
    HEAD_POINTS,
    SOLID_COUNT,
    TARGET_HEIGHT,
    TORSO_RADII,
    TRUNK,
    Camera,
    capsule_ends,
    head_axes,
)
from mardm_batch.render.framing import Framing

Floats = NDArray[np.float64]

TORSO_CAPSULES: Final = (
    ("left_shoulder", "left_hip"),
    ("right_shoulder", "right_hip"),
    ("left_shoulder", "right_shoulder"),
    ("left_hip", "right_hip"),
    ("neck", "left_hip"),
    ("neck", "right_hip"),
)
"""Capsules that together hide what the torso hides."""
TRUNK_JOINTS: Final = tuple(JOINT_INDEX[name] for name in ("pelvis", *TRUNK))
SURFACE: Final = 0.02
"""Metres by which a capsule must be nearer to the camera than a point to hide it."""
FACE_POINTS: Final = {
    "nose": (0.0, *HEAD_POINTS[4]),
    "left_eye": (0.032, 0.062, 0.092),
    "right_eye": (-0.032, 0.062, 0.092),
    "left_ear": (0.082, 0.038, 0.0),
    "right_ear": (-0.082, 0.038, 0.0),
}
"""Metres from the head joint to its left, up and to its front: estimates on the head of the pictures."""
SKULL: Final = SOLID_COUNT - 1


@dataclass(frozen=True)
class View:
    """A pose seen by a camera.

    `points` (22, 2) of the joints and `face` (5, 2) of `FACE_POINTS`, pixels; `hidden` (22,) and `face_hidden` (5,):
    behind a limb, the head or the torso; `box`: x, y, width and height of the body in pixels.
    """

    degrees: int
    intrinsics: Floats
    """(3, 3), pixels."""
    extrinsics: Floats
    """(3, 4): from our axes to the camera's (x right, y down, z away), metres."""
    points: Floats
    face: Floats
    hidden: NDArray[np.bool_]
    face_hidden: NDArray[np.bool_]
    box: tuple[float, float, float, float]

    def camera(self) -> dict[str, Any]:
        """The camera for a file."""
        return {
            "view_degrees": self.degrees,
            "intrinsics": np.round(self.intrinsics, 6).tolist(),
            "extrinsics": np.round(self.extrinsics, 9).tolist(),
        }


def view_name(name: str, degrees: int) -> str:
    """The stem of the files of a pose seen from so many degrees, 0 to 359."""
    return f"{name}@{degrees % 360:03d}"


@cache
def framing(degrees: int, elevation: float) -> Framing:
    return Framing(float(degrees), elevation)


def view(joints: Floats, degrees: int, elevation: float) -> View:
    """A pose (22, 3) seen from so many degrees around it, and `elevation` degrees above the horizontal."""
    ends = capsule_ends(joints)
    camera, aim, corners = framing(degrees, elevation).frame(ends)
    up, front = head_axes(joints)
    axes = np.stack((np.cross(up, front), up, front))
    face = joints[JOINT_INDEX["head"]] + np.array(list(FACE_POINTS.values())) @ axes
    low, high = corners.clip(0.0, PICTURE_SIZE)
    return View(
        degrees % 360,
        intrinsics(camera, aim),
        extrinsics(camera),
        to_picture(camera.project(joints)[0] + aim),
        to_picture(camera.project(face)[0] + aim),
        hidden_joints(joints, ends, position(camera)),
        any_of(hidden_points(face, ends[[SKULL]], CAPSULE_RADII[[SKULL]], position(camera))),
        (float(low[0]), float(PICTURE_SIZE - high[1]), float(high[0] - low[0]), float(high[1] - low[1])),
    )


def to_picture(pixels: Floats) -> Floats:
    """Pixels (..., 2) with y up as those of a picture, whose first row is the uppermost."""
    return np.stack((pixels[..., 0], PICTURE_SIZE - pixels[..., 1]), axis=-1)


def axes_of(camera: Camera) -> Floats:
    """Rows (3, 3): the camera's right, down and away from it."""
    return np.asarray(camera.axes.T * np.array([[1.0], [-1.0], [-1.0]]))


def position(camera: Camera) -> Floats:
    """Where the camera is, (3,)."""
    return np.asarray((0.0, TARGET_HEIGHT, 0.0) + camera.distance * camera.axes[:, 2])


def intrinsics(camera: Camera, aim: Floats) -> Floats:
    focal = camera.magnification * DEFAULT_SCALE * DEFAULT_DISTANCE
    return np.array([[focal, 0.0, aim[0]], [0.0, focal, PICTURE_SIZE - aim[1]], [0.0, 0.0, 1.0]])


def extrinsics(camera: Camera) -> Floats:
    axes = axes_of(camera)
    return np.column_stack((axes, -axes @ position(camera)))


def hidden_joints(joints: Floats, ends: Floats, eye: Floats) -> NDArray[np.bool_]:
    """Whether (22,) a joint is behind a limb that does not end there, behind the head, or behind the torso."""
    behind = hidden_points(joints, ends[:SOLID_COUNT], CAPSULE_RADII[:SOLID_COUNT], eye)
    behind &= ~ends_at_joint()
    names = np.array([[JOINT_INDEX[name] for name in pair] for pair in TORSO_CAPSULES])
    radii = np.array([[TORSO_RADII[name] for name in pair] for pair in TORSO_CAPSULES])
    torso = any_of(hidden_points(joints, joints[names], radii, eye))
    torso[list(TRUNK_JOINTS)] = False  # they are in it
    torso[[JOINT_INDEX[f"{side}_shoulder"] for side in ("left", "right")]] = False
    return np.asarray(any_of(behind) | torso)


def any_of(table: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether any in a row (k, c) is true, (k,)."""
    return np.asarray(table.any(axis=1))


@cache
def ends_at_joint() -> NDArray[np.bool_]:
    """Whether (22, c) a capsule ends at a joint, or is inside the torso as the joint is."""
    index = np.arange(NUM_JOINTS)[:, None]
    table = (index == CAPSULE_ENDS[:SOLID_COUNT, 0]) | (index == CAPSULE_ENDS[:SOLID_COUNT, 1])
    inside = np.isin(CAPSULE_ENDS[:SOLID_COUNT], TRUNK_JOINTS).all(axis=1)
    table[np.ix_(list(TRUNK_JOINTS), np.flatnonzero(inside).tolist())] = True
    return np.asarray(table)


def hidden_points(points: Floats, ends: Floats, radii: Floats, eye: Floats) -> NDArray[np.bool_]:
    """Whether (k, c) the line from the eye to a point (k, 3) passes through a capsule before it comes there.

    Args:
        ends: (c, 2, 3), the middles of both ends.
        radii: (c, 2), metres.
    """
    line = (eye - points)[:, None]  # (k, 1, 3)
    axis = (ends[:, 1] - ends[:, 0])[None]  # (1, c, 3)
    offset = points[:, None] - ends[None, :, 0]
    ll, aa, la = (line * line).sum(-1), np.maximum((axis * axis).sum(-1), 1e-12), (line * axis).sum(-1)
    lo, ao = (line * offset).sum(-1), (axis * offset).sum(-1)
    determinant = np.maximum(ll * aa - la * la, 1e-12)
    along_line = ((la * ao - aa * lo) / determinant).clip(0.0, 1.0)
    along_axis = ((la * along_line + ao) / aa).clip(0.0, 1.0)
    along_line = ((la * along_axis - lo) / ll).clip(0.0, 1.0)
    gap = np.linalg.norm(offset + along_line[..., None] * line - along_axis[..., None] * axis, axis=-1)
    radius = radii[:, 0] + along_axis * (radii[:, 1] - radii[:, 0])
    nearer = along_line * np.sqrt(ll)
    return np.asarray((gap < radius) & (nearer > SURFACE))
