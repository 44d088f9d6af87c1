"""SMPL: rotations as in AMASS's NPZ files, for body models and what is trained on motion capture.

`poses` (frames, 156) are axis-angles in SMPL+H's order: 22 joints as ours, then 30 of the hands, which are zero; the
first 66 are SMPL's root and body. Y is up, as in the model itself; AMASS's own files have Z up.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from mardm_batch.export.formats.format import Encoded, FilesPerPose, JointError
from mardm_batch.export.mannequin import rest_positions
from mardm_batch.export.poses import ExportPose
from mardm_batch.pose.inverse_kinematics import Skeleton, with_bones
from mardm_batch.pose.rest_pose import REST_OFFSETS
from mardm_batch.pose.rotations import to_axis_angles
from mardm_batch.pose.skeleton import FRAMES_PER_SECOND, JOINT_NAMES, NUM_JOINTS

SMPLH_JOINTS: Final = 52
BETAS: Final = 16
SOFT_TISSUE: Final = 8


class Smpl(FilesPerPose):
    """One file a pose."""

    NAME = "smpl"
    SUMMARY = "rotations in axis-angle as AMASS has them (NAME.npz), for SMPL, SMPL+H and SMPL-X"
    TAKES_CLIPS = True

    def facts(self) -> Mapping[str, Any]:
        """See `ExportFormat.facts`."""
        return {
            "poses": f"(frames, {3 * SMPLH_JOINTS}): axis-angles in radians; root, 21 body joints, hands (zero)",
            "trans": "(frames, 3): the pelvis in metres; a body model adds where its own pelvis is at rest",
            "axes": {"up": "+Y", "facing": "+Z", "left": "+X"},
            "betas": "zero: the mean shape; bones are those of HumanML3D's skeleton (rest_joints), not fitted",
            "twist": "joints do not tell it: see docs/formats.md for how it is chosen",
            "error": "metres from a joint to where forward kinematics of rest_joints puts it, the largest in the file",
            "mocap_framerate": FRAMES_PER_SECOND,
        }

    def file_names(self, name: str) -> Sequence[str]:
        """See `FilesPerPose.file_names`."""
        return (f"{name}.npz",)

    def encode(self, poses: Sequence[ExportPose]) -> Iterator[Encoded]:
        """See `FilesPerPose.encode`."""
        frames = np.concatenate([pose.frames for pose in poses])
        skeleton = with_bones(frames)
        axis_angles = to_axis_angles(skeleton.rotations)
        start = 0
        for pose in poses:
            part = slice(start, start + len(pose.frames))
            start = part.stop
            own = Skeleton(skeleton.offsets[part], skeleton.rotations[part], skeleton.root[part])
            error = JointError.of(pose, own)
            yield Encoded((smpl_file(pose, axis_angles[part], own.root, error.max / 1000),), error)


def smpl_file(pose: ExportPose, axis_angles: Any, root: Any, error: float) -> bytes:
    """The file of a pose or clip, with rotations (frames, 22, 3) and the pelvis (frames, 3)."""
    frames = len(root)
    rotations = np.zeros((frames, 3 * SMPLH_JOINTS))
    rotations[:, : 3 * NUM_JOINTS] = axis_angles.reshape(frames, -1)
    content = io.BytesIO()
    np.savez(
        content,
        allow_pickle=False,
        poses=rotations,
        trans=root,
        betas=np.zeros(BETAS),
        dmpls=np.zeros((frames, SOFT_TISSUE)),
        gender=np.array("neutral"),
        mocap_framerate=np.array(float(FRAMES_PER_SECOND)),
        caption=np.array(pose.caption),
        joint_names=np.array(JOINT_NAMES),
        rest_joints=rest_positions(REST_OFFSETS[None])[0],
        error=np.array(error),
    )
    return content.getvalue()
