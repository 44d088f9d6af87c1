"""The finished poses of an output folder as formats get them, one after the other, so that memory does not grow."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

import numpy as np

from mardm_batch.dataset.formats.clip_file import CLIP
from mardm_batch.dataset.formats.format import DamagedFileError
from mardm_batch.dataset.formats.npy_file import load_npy
from mardm_batch.dataset.formats.png_file import PNG
from mardm_batch.dataset.formats.registry import FORMATS
from mardm_batch.dataset.layouts.layout import Layout
from mardm_batch.dataset.records import PoseDocument
from mardm_batch.dataset.store import PoseStore
from mardm_batch.errors import InputError, first_line
from mardm_batch.pose.geometry import Joints
from mardm_batch.pose.skeleton import NUM_JOINTS
from mardm_batch.system.folders import check_folder

DIGEST_BYTES = 12


@dataclass(frozen=True)
class ExportPose:
    """A finished pose. `clip` (frames, 22, 3), metres: the motion that it is a frame of, where that is exported."""

    layout: Layout
    name: str
    document: PoseDocument
    clip: Joints | None = None

    @property
    def caption(self) -> str:
        return self.document.caption

    @property
    def frames(self) -> Joints:
        """The clip, or the pose as a clip of one frame: (frames, 22, 3)."""
        return self.document.joints[None] if self.clip is None else self.clip

    @cached_property
    def digest(self) -> str:
        """Of everything that an export has of the pose, but for its picture."""
        digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
        values = [(each.name, getattr(self.document, each.name)) for each in fields(self.document)]
        digest.update(repr([(key, value) for key, value in values if key != "joints"]).encode(errors="replace"))
        digest.update(np.ascontiguousarray(self.document.joints).tobytes())
        if self.clip is not None:
            digest.update(np.ascontiguousarray(self.clip).tobytes())
        return digest.hexdigest()

    def picture(self) -> bytes | None:
        """The PNG; None where none was drawn."""
        try:
            return self.layout.read(self.name, PNG.suffix)
        except FileNotFoundError:
            return None


def open_finished(output: Path) -> PoseStore:
    """The poses of an output folder, with pictures or without. Raises InputError where there is no such folder."""
    check_folder(output, "name the one that a run wrote to (its paths.output)")
    return PoseStore(output, [each for each in FORMATS.values() if each.setting is None])


def finished_poses(store: PoseStore, with_clips: bool) -> Iterator[ExportPose]:
    """The finished poses, sorted by name.

    Raises:
        InputError: a pose has no clip, and clips are wanted.
        OSError: a file cannot be read.
    """
    for name, document in store.named_documents():
        clip = read_clip(store.layout, name) if with_clips else None
        yield ExportPose(store.layout, name, document, clip)


def read_clip(layout: Layout, name: str) -> Joints:
    """The clip (frames, 22, 3) of a pose. Raises InputError where it has none that can be used."""
    path = layout.output / layout.place(name, CLIP.suffix)
    try:
        clip = load_npy(layout.read(name, CLIP.suffix))
    except FileNotFoundError:
        raise InputError(
            f"{path}: no clip to export: it does not exist; runs with output.clip=true keep clips"
        ) from None
    except (DamagedFileError, OSError) as error:
        raise InputError(f"{path}: no clip to export: {first_line(error)}") from None
    if clip.ndim != 3 or clip.shape[1:] != (NUM_JOINTS, 3) or not len(clip) or not np.isfinite(clip).all():
        raise InputError(
            f"{path}: not a clip of finite numbers (frames, {NUM_JOINTS}, 3); verify --repair and a run make it again"
        )
    return np.array(clip, dtype=np.float32)
