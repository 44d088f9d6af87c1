"""Training clips from recorded motion. Axes: t frames, f features."""

from collections.abc import Sequence

import numpy as np

from mardm_batch.library.clips import CLIP_FRAMES, Clip, pose_of_frame
from mardm_batch.pose.features import heading_of, joints_to_features
from mardm_batch.pose.geometry import mirror_image
from mardm_batch.pose.joint_limits import within_limits
from mardm_batch.train.mocap import Recording, move_to_floor
from mardm_batch.train.recorded_captions import clip_actions, recorded_captions


def recorded_clips(recordings: Sequence[Recording], stride: int, seed: int) -> list[Clip]:
    """Windows of recordings and of their mirror images, one every `stride` frames, those within joint limits.

    Recordings are extended at both ends by their reflection in time, so that every frame may be the middle one.
    """
    rng = np.random.default_rng(seed)
    margin = CLIP_FRAMES // 2
    clips: list[Clip] = []
    for recording in recordings:
        for mirrored in (False, True):
            joints = mirror_image(recording.joints) if mirrored else recording.joints
            padded = np.pad(joints, ((margin, margin), (0, 0), (0, 0)), mode="symmetric")
            heading = heading_of(padded)
            windows = [slice(start, start + CLIP_FRAMES) for start in range(0, len(joints) + 1, stride)]
            features = [joints_to_features(move_to_floor(padded[window]), heading[window]) for window in windows]
            poses = np.stack([pose_of_frame(each[margin]) for each in features])
            captions = recorded_captions(poses, clip_actions(recording.description, mirrored), rng)
            possible = within_limits(poses)  # in some recordings arms bend the wrong way
            clips += [Clip(features[n], *zip(*captions[n], strict=True)) for n in np.flatnonzero(possible)]
    return clips
