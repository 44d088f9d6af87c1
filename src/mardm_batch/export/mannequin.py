"""The mannequin of the pictures as a mesh in 3D, skinned to the joints. Axes: v vertices, f triangles; metres, Y up.

It is made of the same shapes as the pictures: a capsule (the hull of two spheres) for each limb, for the skull, the
face and the nose, and the hull of five spheres for the torso. Every vertex lies on a sphere whose centre moves with one
joint, so the mesh of a pose is that of the rest pose with other centres.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch.pose.inverse_kinematics import Positions
from mardm_batch.pose.rest_pose import REST_DIRECTIONS, REST_OFFSETS
from mardm_batch.pose.skeleton import JOINT_INDEX, JOINT_NAMES, NUM_JOINTS, PARENTS
from mardm_batch.render.figure import (
    FACE_RADII,
    HEAD_POINTS,
    LIMB_RADII,
    NOSE_RADII,
    SKULL_RADII,
    TORSO_RADII,
)

Floats = NDArray[np.float64]

LIMB_GRID: Final = (12, 2)
HEAD_GRID: Final = (20, 4)
"""Points around a capsule, and rings of each of its ends: few, as a file has all of them."""
TORSO_GRID: Final = (16, 9)
"""Points around and from pole to pole of the directions in which the torso is sampled."""
PARTS: Final = ("left", "right", "spine", "torso", "face")
"""What has a colour of its own."""
HEAD: Final = JOINT_INDEX["head"]


@dataclass(frozen=True)
class Part:
    """The triangles of one colour.

    `centres` (v,): the joint about which the sphere of a vertex lies. `owners` (v,): the joint whose rotation moves it.
    `offsets` (v, 3): from the centre to the vertex in the rest pose. `normals` (v, 3). `triangles` (f, 3): of vertices,
    counter-clockwise seen from outside.
    """

    centres: NDArray[np.intp]
    owners: NDArray[np.intp]
    offsets: Floats
    normals: Floats
    triangles: NDArray[np.intp]

    def vertices(self, rest: Positions) -> Positions:
        """Vertices (n, v, 3) in the rest poses (n, 22, 3)."""
        return np.asarray(rest[:, self.centres] + self.offsets)


def rest_positions(offsets: Floats) -> Positions:
    """Joints (n, 22, 3) of the rest pose of skeletons with these offsets (n, 22, 3); the pelvis at the origin."""
    rest = np.zeros_like(offsets)
    for joint in range(1, NUM_JOINTS):
        rest[:, joint] = rest[:, PARENTS[joint]] + offsets[:, joint]
    return rest


@cache
def mannequin() -> Mapping[str, Part]:
    """The parts by name."""
    pieces: dict[str, list[Part]] = {name: [] for name in PARTS}
    for joint in range(1, NUM_JOINTS):
        side = JOINT_NAMES[joint].split("_")[0]
        radii = LIMB_RADII[JOINT_NAMES[joint].removeprefix("left_").removeprefix("right_")]
        parent = PARENTS[joint]
        limb = capsule((parent, joint), (parent, parent), np.zeros((2, 3)), radii, REST_DIRECTIONS[joint], LIMB_GRID)
        pieces[side if side in ("left", "right") else "spine"].append(limb)
    crown, *others = np.stack((np.zeros(5), *HEAD_POINTS.T), axis=1)  # x, up, front
    for name, ends, radii in (
        ("spine", (np.zeros(3), crown), SKULL_RADII),
        ("face", others[:2], FACE_RADII),
        ("spine", others[2:], NOSE_RADII),
    ):
        pieces[name].append(capsule((HEAD, HEAD), (HEAD, HEAD), np.array(ends), radii, ends[1] - ends[0], HEAD_GRID))
    pieces["torso"].append(torso())
    return {name: join(parts) for name, parts in pieces.items()}


def capsule(
    centres: tuple[int, int],
    owners: tuple[int, int],
    shifts: Floats,
    radii: tuple[float, float],
    axis: Floats,
    grid: tuple[int, int],
) -> Part:
    """The hull of two spheres.

    Args:
        centres: the joints of the spheres.
        owners: the joints that move them.
        shifts: (2, 3), from those joints to the middles of the spheres, metres.
        radii: metres.
        axis: (3,), from the first sphere to the second, of any length.
        grid: points around, and rings of each end.
    """
    frame, number = orthonormal(axis), grid[0]
    angles = np.linspace(0.0, 2 * np.pi, number, endpoint=False)
    rings = np.linspace(0.0, np.pi / 2, grid[1] + 1)
    polar = np.concatenate((rings, np.pi - rings[::-1]))
    directions, ends = [], []
    for place, angle in enumerate(polar):
        around = angles if 0 < place < len(polar) - 1 else angles[:1]
        across = np.sin(angle) * np.stack((np.cos(around), np.sin(around)), axis=1)
        directions.append(np.column_stack((across, np.full(len(around), np.cos(angle)))) @ frame)
        ends += [int(2 * place < len(polar))] * len(around)
    normals, end = np.concatenate(directions), np.array(ends)
    offsets = np.array(shifts)[end] + np.array(radii)[end, None] * normals
    return Part(np.array(centres)[end], np.array(owners)[end], offsets, normals, grid_triangles(number, len(polar)))


def torso() -> Part:
    """The hull of the spheres of `TORSO_RADII`, sampled by direction; those of a hull's vertex are its normals."""
    around, along = TORSO_GRID
    names = list(TORSO_RADII)
    joints = np.array([JOINT_INDEX[name] for name in names])
    radii = np.array([TORSO_RADII[name] for name in names])
    rest = rest_positions(REST_OFFSETS[None])[0, joints]
    angles = np.linspace(0.0, 2 * np.pi, around, endpoint=False)
    directions = [np.array([[0.0, 1.0, 0.0]])]
    for polar in np.linspace(0.0, np.pi, along)[1:-1]:
        x, z = np.sin(polar) * np.sin(angles), np.sin(polar) * np.cos(angles)
        directions.append(np.column_stack((x, np.full(around, np.cos(polar)), z)))
    normals = np.concatenate((*directions, [[0.0, -1.0, 0.0]]))
    farthest = (normals @ rest.T + radii).argmax(axis=1)
    # A sphere turns with the bone that carries it, not with the limb that begins there.
    owners = np.array([PARENTS[joint] for joint in joints])[farthest]
    return Part(joints[farthest], owners, radii[farthest, None] * normals, normals, grid_triangles(around, along))


def orthonormal(axis: Floats) -> Floats:
    """Rows (3, 3): a right-handed frame whose last is along an axis."""
    z = axis / np.linalg.norm(axis)
    x = np.cross(np.eye(3)[np.abs(z).argmin()], z)
    x /= np.linalg.norm(x)
    return np.stack((x, np.cross(z, x), z))


def grid_triangles(around: int, along: int) -> NDArray[np.intp]:
    """Triangles (f, 3) of a closed surface: a pole, `along` - 2 rings of `around` vertices, a pole.

    Counter-clockwise seen from outside where the rings turn counter-clockwise seen from the first pole.
    """
    number = np.arange(around)
    following = (number + 1) % around
    last = 1 + (along - 2) * around
    triangles = [np.stack((np.zeros(around, int), 1 + number, 1 + following), axis=1)]
    for ring in range(along - 3):
        upper, lower = 1 + ring * around, 1 + (ring + 1) * around
        triangles.append(np.stack((upper + number, lower + number, lower + following), axis=1))
        triangles.append(np.stack((upper + number, lower + following, upper + following), axis=1))
    triangles.append(np.stack((np.full(around, last), last - around + following, last - around + number), axis=1))
    return np.concatenate(triangles)


def join(parts: list[Part]) -> Part:
    """One part of several."""
    starts = np.cumsum([0, *(len(part.centres) for part in parts)])
    centres, owners, offsets, normals = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("centres", "owners", "offsets", "normals")
    )
    triangles = [part.triangles + start for part, start in zip(parts, starts, strict=False)]
    return Part(centres, owners, offsets, normals, np.concatenate(triangles))
