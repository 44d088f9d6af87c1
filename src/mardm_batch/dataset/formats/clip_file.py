"""The whole clip of a pose, for NumPy: NAME.clip.npy, (frames, 22, 3), 20 frames a second."""

from pathlib import Path
from typing import Final

import numpy as np

from mardm_batch.dataset.formats.format import Damage, DamagedFileError, Format, PoseContent
from mardm_batch.dataset.formats.npy_file import map_npy, npy_bytes
from mardm_batch.dataset.records import CLIP_FRAMES, PoseDocument
from mardm_batch.pose.skeleton import NUM_JOINTS


def encode_clip(content: PoseContent) -> bytes:
    if content.pose.clip is None:
        raise ValueError("the clip was not kept")
    return npy_bytes(content.pose.clip)


def check_clip(path: Path, document: PoseDocument | None) -> None:
    """float32 (frames, 22, 3), finite, and the pose among the frames."""
    clip = map_npy(path)
    if clip.ndim != 3 or clip.shape[1:] != (NUM_JOINTS, 3) or not len(clip) or clip.dtype != np.float32:
        detail = f"should be float32 (frames, {NUM_JOINTS}, 3), not {clip.dtype} {clip.shape}"
        raise DamagedFileError(Damage.WRONG, detail)
    if not np.isfinite(clip).all():
        raise DamagedFileError(Damage.WRONG, "joints are not finite")
    if document is not None:
        frame = document.frame_index
        frames = (document.sampling or {}).get(CLIP_FRAMES, len(clip))
        if len(clip) != frames:
            raise DamagedFileError(Damage.MISMATCH, f"has {len(clip)} frames, not {frames}")
        if not 0 <= frame < len(clip) or not np.array_equal(clip[frame], document.joints):
            raise DamagedFileError(Damage.MISMATCH, f"frame {frame} is not the pose")


CLIP: Final = Format(".clip.npy", encode_clip, check_clip, setting="output.clip")
