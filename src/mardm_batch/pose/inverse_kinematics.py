"""Rotations of the joints from their positions, and positions from rotations. Axes: n poses, 22 joints; metres.

Positions do not determine all of a rotation, so each is chosen:

- pelvis and spine3, which carry three bones each: the rotation that fits their directions best (Kabsch). The hips
  count most at the pelvis, since what is wrong there moves the whole legs.
- shoulders and hips: the smallest rotation that points the bone, then a twist about it by which the elbow or the knee
  bends about its hinge. The straighter the limb the less the hinge shows, so the twist fades out below 25 degrees of
  flexion, and it stays within `TWIST_LIMITS`.
- spine1 and spine2: the smallest rotation, and a third each of the twist between pelvis and chest.
- neck: the head looks where the pictures have it look, see `pose.gaze`.
- all others: the smallest rotation that points the bone (no twist). Head, feet and wrists carry no bone; they do not
  turn.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch.pose.gaze import head_frames
from mardm_batch.pose.rest_pose import CHILDREN, REST_DIRECTIONS, REST_OFFSETS
from mardm_batch.pose.rotations import Rotations, about_axis, best_fit, rotate, shortest_rotation, transpose
from mardm_batch.pose.skeleton import JOINT_INDEX, JOINT_NAMES, NUM_JOINTS, PARENTS
from mardm_batch.pose.vectors import Array, orthogonal, unit

Positions = NDArray[np.float64]

CHILD_PARENTS: Final = np.array(PARENTS[1:])
FIT_WEIGHTS: Final = {
    JOINT_INDEX["pelvis"]: np.array((1.0, 1.0, 0.1)),  # left hip, right hip, spine1
    JOINT_INDEX["spine3"]: np.array((1.0, 1.0, 1.0)),  # neck, left and right collar
}
LIMB_ROOTS: Final = {
    JOINT_INDEX["left_hip"]: (0.0, 0.0, -1.0),
    JOINT_INDEX["right_hip"]: (0.0, 0.0, -1.0),
    JOINT_INDEX["left_shoulder"]: (0.0, 0.0, 1.0),
    JOINT_INDEX["right_shoulder"]: (0.0, 0.0, 1.0),
}
"""Where the next bone of a limb folds to in the rest pose: shins to the back, forearms to the front."""
FLEXION_RANGE: Final = (5.0, 25.0)
"""Degrees of flexion of knee or elbow between which the twist of the bone above fades in."""
TWIST_LIMITS: Final = {"hip": 75.0, "shoulder": 110.0}
"""Degrees to each side; clinical range-of-motion tables have 45 and 90, and the smallest rotation adds some."""
TWISTED: Final = (JOINT_INDEX["spine1"], JOINT_INDEX["spine2"])
SPINE3: Final = JOINT_INDEX["spine3"]
NECK: Final = JOINT_INDEX["neck"]
HEAD: Final = JOINT_INDEX["head"]
TRUNK: Final = (0, *TWISTED, SPINE3)


@dataclass(frozen=True)
class Skeleton:
    """Poses as rotations of a skeleton.

    `offsets` (n, 22, 3): from each parent to the joint in the rest pose, metres. `rotations` (n, 22, 3, 3): of each
    joint against its parent; of the pelvis against the world. `root` (n, 3): the pelvis, metres.
    """

    offsets: Positions
    rotations: Rotations
    root: Positions

    def positions(self) -> Positions:
        """Positions (n, 22, 3) of the joints: forward kinematics."""
        return forward_kinematics(self.rotations, self.offsets, self.root)


def with_own_bones(poses: Array) -> Skeleton:
    """Poses (n, 22, 3) on a skeleton each of its own: `positions` gives the joints back exactly.

    The offsets are the bones as the rotations leave them: along `REST_DIRECTIONS` but for those of pelvis and spine3,
    which one rotation each cannot all fit.
    """
    joints = as_positions(poses)
    world = world_rotations(joints, None)
    bones = joints[:, 1:] - joints[:, CHILD_PARENTS]
    offsets = np.zeros_like(joints)
    offsets[:, 1:] = rotate(transpose(world[:, CHILD_PARENTS]), bones)
    return Skeleton(offsets, local_rotations(world), joints[:, 0])


def with_bones(poses: Array, skeleton: Array = REST_OFFSETS) -> Skeleton:
    """Poses (n, 22, 3) on one skeleton, given by its offsets (22, 3).

    Where its bones are those of the poses `positions` gives the joints back. Elsewhere every bone points to where the
    next joint should be from where it is, so that differences do not add up along a limb.
    """
    joints = as_positions(poses)
    offsets = np.broadcast_to(as_positions(skeleton), joints.shape)
    return Skeleton(offsets, local_rotations(world_rotations(joints, offsets)), joints[:, 0])


def mean_offsets(joints: Array) -> Positions:
    """The offsets (22, 3) of the skeleton that frames (n, 22, 3) of one clip share: the mean of their own."""
    return np.asarray(with_own_bones(joints).offsets.mean(axis=0))


def forward_kinematics(rotations: Rotations, offsets: Array, root: Array) -> Positions:
    """Positions (n, 22, 3) of joints whose rotations (n, 22, 3, 3) are against their parents.

    Args:
        offsets: (22, 3) or (n, 22, 3), from each parent to the joint in the rest pose, metres.
        root: (n, 3), the pelvis.
    """
    offsets = np.broadcast_to(offsets, rotations.shape[:-1])
    world, positions = np.array(rotations), np.empty(rotations.shape[:-1])
    positions[:, 0] = root
    for joint in range(1, NUM_JOINTS):
        parent = PARENTS[joint]
        world[:, joint] = world[:, parent] @ rotations[:, joint]
        positions[:, joint] = positions[:, parent] + rotate(world[:, parent], offsets[:, joint])
    return positions


def as_positions(points: Array) -> Positions:
    """Points as numbers that are precise enough for sums along the limbs."""
    return np.asarray(points, dtype=np.float64)


def local_rotations(world: Rotations) -> Rotations:
    """Rotations (n, 22, 3, 3) against the parents, of such against the world."""
    local = np.array(world)
    local[:, 1:] = transpose(world[:, CHILD_PARENTS]) @ world[:, 1:]
    return local


def world_rotations(joints: Positions, offsets: Positions | None) -> Rotations:
    """Rotations (n, 22, 3, 3) of the joints against the world.

    Args:
        joints: (n, 22, 3).
        offsets: (n, 22, 3) of the skeleton that is turned; None: one whose joints are where they should be.
    """
    untwisted = _Solver(joints, offsets)
    for joint in TRUNK:
        untwisted.turn(joint, 0.0)
    twist = _twist_about(untwisted.world[:, TWISTED[-1]], untwisted.world[:, SPINE3]) / (len(TWISTED) + 1)
    solver = _Solver(joints, offsets)
    for joint in range(NUM_JOINTS):
        solver.turn(joint, twist if joint in TWISTED else 0.0)
    return solver.world


def _twist_about(parent: Rotations, child: Rotations) -> NDArray[np.float64]:
    """The angle (n,) in radians by which a child is turned about its parent's Y axis (swing-twist decomposition)."""
    local = transpose(parent) @ child
    return np.asarray(np.arctan2(local[:, 0, 2] - local[:, 2, 0], local[:, 0, 0] + local[:, 2, 2]))


class _Solver:
    """Turns joint after joint, parents first."""

    def __init__(self, joints: Positions, offsets: Positions | None) -> None:
        self.joints, self.offsets = joints, offsets
        self.placed = np.array(joints)
        """Where the joints are on the skeleton that is turned."""
        self.world = np.zeros((*joints.shape, 3))
        rest = REST_DIRECTIONS if offsets is None else unit(offsets)
        self.rest = np.broadcast_to(rest, joints.shape)

    def turn(self, joint: int, twist: float | NDArray[np.float64]) -> None:
        """Set the rotation of a joint whose parent has one, and place its children. `twist`: (n,), about its bone."""
        children = CHILDREN[joint]
        if joint in FIT_WEIGHTS:
            aims = unit(self.joints[:, children] - self.placed[:, joint, None])
            self.world[:, joint] = best_fit(self.rest[:, children], aims, FIT_WEIGHTS[joint])
        elif not children:
            self.world[:, joint] = self.world[:, PARENTS[joint]]
        elif joint == NECK:
            self.world[:, joint] = self.neck()
        else:
            self.world[:, joint] = self.world[:, PARENTS[joint]] @ self.point(joint, twist)
        if self.offsets is not None:
            for child in children:
                self.placed[:, child] = self.placed[:, joint] + rotate(self.world[:, joint], self.offsets[:, child])

    def neck(self) -> Rotations:
        """The neck's rotation (n, 3, 3) against the world, by where the head looks."""
        bone = self.joints[:, HEAD] - self.placed[:, NECK]
        frames = head_frames(bone, self.joints)
        # On a skeleton whose neck leans otherwise at rest, the rest of the way is the smallest rotation.
        return shortest_rotation(rotate(frames, self.rest[:, HEAD]), unit(bone)) @ frames

    def point(self, joint: int, twist: float | NDArray[np.float64]) -> Rotations:
        """The rotation (n, 3, 3) against the parent that points the bone of a joint at where the next one should be."""
        (child,) = CHILDREN[joint]
        to_parent = transpose(self.world[:, PARENTS[joint]])
        rest = self.rest[:, child]
        aim = rotate(to_parent, unit(self.joints[:, child] - self.placed[:, joint]))
        swing = shortest_rotation(rest, aim)
        if joint in LIMB_ROOTS:
            twist = self.hinge_twist(joint, self.world[:, PARENTS[joint]] @ swing)
        return swing @ about_axis(rest, np.broadcast_to(twist, rest.shape[:1]))

    def hinge_twist(self, joint: int, swung: Rotations) -> NDArray[np.float64]:
        """The twist (n,) of a limb's first bone, in radians, with which the next joint bends about its hinge.

        Args:
            swung: rotation (n, 3, 3) of the bone against the world without twist.
        """
        (middle,) = CHILDREN[joint]
        (end,) = CHILDREN[middle]
        axis = self.rest[:, middle]
        place = self.joints[:, middle]
        if self.offsets is not None:
            place = self.placed[:, joint] + rotate(swung, self.offsets[:, middle])
        bone = rotate(transpose(swung), unit(self.joints[:, end] - place))
        fold, rest_fold = orthogonal(bone, axis), unit(orthogonal(np.array(LIMB_ROOTS[joint]), axis))
        flexion = np.degrees(np.arctan2(np.linalg.norm(fold, axis=-1), (bone * axis).sum(-1)))
        twist = np.arctan2((np.cross(rest_fold, fold) * axis).sum(-1), (rest_fold * fold).sum(-1))
        limit = np.radians(TWIST_LIMITS[JOINT_NAMES[joint].rpartition("_")[2]])
        low, high = FLEXION_RANGE
        share = np.clip((flexion - low) / (high - low), 0.0, 1.0)
        return np.asarray(np.clip(twist, -limit, limit) * share**2 * (3.0 - 2.0 * share))
