"""NPZ: all poses in one file of arrays, for NumPy."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mardm_batch.dataset.records import UNITS
from mardm_batch.errors import InputError
from mardm_batch.export.formats.format import Archive
from mardm_batch.export.poses import ExportPose
from mardm_batch.pose.skeleton import FRAMES_PER_SECOND, JOINT_NAMES, NUM_JOINTS, PARENTS
from mardm_batch.system.files import replacing

CLIP_ARRAYS: Final = "clips, starts"
MAX_TEXT_BYTES: Final = 2**32
"""Of an array of text, whose elements all have the length of the longest."""


class Npz(Archive):
    """`poses.npz`. Text is stored as UTF-8 strings of one length, so that no pickle is needed to load it."""

    NAME = "npz"
    SUMMARY = "one file of arrays (poses.npz): joints (n, 22, 3), captions, names, provenance, for NumPy"
    TAKES_CLIPS = True

    def facts(self) -> Mapping[str, Any]:
        """See `ExportFormat.facts`."""
        return {
            "arrays": {
                "joints": f"float32 (n, {NUM_JOINTS}, 3), {UNITS}",
                "captions, names, sources": "text (n,); sources are JSON objects of the other columns",
                "joint_names, parents": f"({NUM_JOINTS},)",
                **(
                    {CLIP_ARRAYS: "float32 (frames, 22, 3); pose i is starts[i]:starts[i+1]"}
                    if self.options.clips
                    else {}
                ),
            }
        }

    def file_names(self, number: int) -> Sequence[str]:
        """See `Archive.file_names`."""
        return ("poses.npz",)

    def write(self, poses: Iterator[ExportPose], folder: Path, number: int) -> int:
        """See `Archive.write`."""
        joints, texts, clips = list[Any](), list[tuple[str, ...]](), list[Any]()
        for pose in poses:
            document = pose.document
            source = json.dumps(document.source or {}, ensure_ascii=False)
            joints.append(document.joints)
            texts.append((pose.caption, pose.name, source, document.model or "", document.weights_sha256 or ""))
            if pose.clip is not None:
                clips.append(pose.clip)
        captions, names, sources, models, weights = (text_array(column) for column in zip(*texts, strict=True))
        arrays = {
            "joints": np.stack(joints),
            "captions": captions,
            "names": names,
            "sources": sources,
            "models": models,
            "weights_sha256": weights,
            "joint_names": text_array(JOINT_NAMES),
            "parents": np.array(PARENTS),
            "frames_per_second": np.array(FRAMES_PER_SECOND),
            "units": text_array([UNITS])[0],
        }
        if clips:
            arrays["clips"] = np.concatenate(clips)
            arrays["starts"] = np.cumsum([0, *map(len, clips)])
        if any(array.nbytes > MAX_TEXT_BYTES for array in arrays.values() if array.dtype.kind == "U"):
            raise InputError(
                "--to npz: a caption is too long for an array of text, in which each takes the room of the longest; "
                "use --to parquet"
            )
        with replacing(folder / self.file_names(0)[0]) as path, path.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
        return len(joints)


def text_array(texts: Sequence[str]) -> NDArray[np.str_]:
    """An array of text. NumPy drops NULs at the end of an element; captions have none."""
    return np.array(texts, dtype=np.str_)
