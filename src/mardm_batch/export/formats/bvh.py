"""BVH: a skeleton and its motion as text, for Blender, Unity, MotionBuilder and other animation programs.

The hierarchy has our 22 joints under their own names and an end site at each extremity. Offsets are those of the
T-pose; the pelvis has three positions, every joint three angles in degrees, applied as Z X Y. Metres, Y up, facing +Z.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from mardm_batch.export.formats.format import Encoded, FilesPerPose, JointError
from mardm_batch.export.poses import ExportPose
from mardm_batch.pose.inverse_kinematics import Skeleton, mean_offsets, with_bones, with_own_bones
from mardm_batch.pose.rest_pose import CHILDREN, END_OFFSETS
from mardm_batch.pose.rotations import to_euler_zxy
from mardm_batch.pose.skeleton import FRAMES_PER_SECOND, JOINT_NAMES

CHANNELS: Final = "Zrotation Xrotation Yrotation"


def _hierarchy(joint: int, depth: int) -> Iterator[str]:
    """The lines of a joint and what hangs on it, with `%.6f` for the numbers of offsets."""
    indent = "  " * depth
    yield f"{indent}{'JOINT' if depth else 'ROOT'} {JOINT_NAMES[joint]}"
    yield f"{indent}{{"
    yield f"{indent}  OFFSET %.6f %.6f %.6f"
    channels = f"CHANNELS 3 {CHANNELS}" if depth else f"CHANNELS 6 Xposition Yposition Zposition {CHANNELS}"
    yield f"{indent}  {channels}"
    for child in CHILDREN[joint]:
        yield from _hierarchy(child, depth + 1)
    if not CHILDREN[joint]:
        x, y, z = END_OFFSETS[JOINT_NAMES[joint]]
        yield f"{indent}  End Site"
        yield f"{indent}  {{"
        yield f"{indent}    OFFSET {x:.6f} {y:.6f} {z:.6f}"
        yield f"{indent}  }}"
    yield f"{indent}}}"


def _depth_first(joint: int = 0) -> Iterator[int]:
    yield joint
    for child in CHILDREN[joint]:
        yield from _depth_first(child)


ORDER: Final = np.array(list(_depth_first()))
"""The joints in the order of the file."""
HIERARCHY: Final = "HIERARCHY\n" + "\n".join(_hierarchy(0, 0)) + "\n"
MOTION: Final = f"MOTION\nFrames: %d\nFrame Time: {1 / FRAMES_PER_SECOND:.6f}\n"
FRAME: Final = " ".join(["%.6f"] * (3 + 3 * len(ORDER))) + "\n"


class Bvh(FilesPerPose):
    """One file a pose."""

    NAME = "bvh"
    SUMMARY = "a skeleton with rotations (NAME.bvh) for Blender, Unity, MotionBuilder and other animation programs"
    TAKES_CLIPS = True

    def facts(self) -> Mapping[str, Any]:
        """See `ExportFormat.facts`."""
        return {
            "units": "metres",
            "axes": {"up": "+Y", "facing": "+Z", "left": "+X"},
            "rest_pose": "T-pose, arms out",
            "rotation_order": "Z X Y, degrees",
            **bone_facts(self.options.clips),
        }

    def file_names(self, name: str) -> Sequence[str]:
        """See `FilesPerPose.file_names`."""
        return (f"{name}.bvh",)

    def encode(self, poses: Sequence[ExportPose]) -> Iterator[Encoded]:
        """See `FilesPerPose.encode`."""
        for pose, skeleton in zip(poses, skeletons(poses), strict=True):
            yield Encoded((bvh_text(skeleton).encode(),), clip_error(pose, skeleton))


def bone_facts(clips: bool) -> Mapping[str, Any]:
    """What `export.json` says about the bones of `skeletons`."""
    bones = (
        "of each clip the mean of its frames, so bones keep their length where the model's do not; joint_error_mm says "
        "how far joints are off"
        if clips
        else "the pose's own, so that every joint is exactly where it was"
    )
    twist = "joints do not tell it: see docs/formats.md for how it is chosen"
    return {"bone_lengths": bones, "twist": twist, "frames_per_second": FRAMES_PER_SECOND}


def skeletons(poses: Sequence[ExportPose]) -> Iterator[Skeleton]:
    """For each pose its frames as rotations of one skeleton: its own bones, or the mean of those of its clip."""
    if all(pose.clip is None for pose in poses):
        together = with_own_bones(np.stack([pose.document.joints for pose in poses]))
        for place in range(len(poses)):
            one = slice(place, place + 1)
            yield Skeleton(together.offsets[one], together.rotations[one], together.root[one])
        return
    for pose in poses:
        yield with_bones(pose.frames, mean_offsets(pose.frames))


def clip_error(pose: ExportPose, skeleton: Skeleton) -> JointError | None:
    """That of a clip; a pose on its own bones has none."""
    return None if pose.clip is None else JointError.of(pose, skeleton)


def bvh_text(skeleton: Skeleton) -> str:
    """The file of a skeleton, which is the same in all frames."""
    angles = np.degrees(to_euler_zxy(skeleton.rotations[:, ORDER])).reshape(len(skeleton.root), -1)
    rows = np.concatenate((skeleton.root, angles), axis=1) + 0.0  # no negative zeros
    hierarchy = HIERARCHY % tuple((skeleton.offsets[0, ORDER] + 0.0).ravel().tolist())
    frames = "".join([FRAME % tuple(row) for row in rows.tolist()])
    return hierarchy + MOTION % len(rows) + frames
