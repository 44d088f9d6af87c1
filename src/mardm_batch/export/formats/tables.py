"""Poses as rows of a table: name and caption, where they come from, and the columns of the prompt file."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from mardm_batch.dataset.metadata import DTYPES, cell, column_types
from mardm_batch.export.poses import ExportPose

COLUMNS: Final[Mapping[str, tuple[type, str]]] = {
    "name": (str, "the stem of the pose's files"),
    "caption": (str, "what the person does"),
    "agreement": (float, "how well the pose agrees with the caption, 0 to 1"),
    "model": (str, "the model that made the pose"),
    "weights_sha256": (str, "SHA-256 of its weights"),
    "seed": (int, "the seed of the run"),
    "frame_index": (int, "the frame of the clip that the pose is"),
    "attempt": (int, "number of earlier samples that were rejected"),
}
"""Our columns beside the joints, with their types and descriptions; empty ones are left out."""


class PoseTable:
    """The rows of poses, without their joints, as columns of one type each."""

    def __init__(self, poses: Sequence[ExportPose], reserved: Iterable[str]) -> None:
        """`reserved`: names of columns that the format adds; one of the prompt file gets `source_` before such."""
        self.types: dict[str, tuple[type, str]] = {}
        self.values: dict[str, list[Any]] = {}
        for name, (kind, what) in COLUMNS.items():
            values = [pose.name if name == "name" else getattr(pose.document, name, None) for pose in poses]
            if any(value is not None for value in values):
                self.types[name], self.values[name] = (kind, what), values
        sources = [pose.document.source or {} for pose in poses]
        taken = {*COLUMNS, *reserved}
        for key, (proposed, kind) in column_types(sources).items():
            name = proposed
            while name in taken:
                name = f"source_{name}"
            taken.add(name)
            self.types[name] = (kind, "as in the prompt file")
            self.values[name] = [cell(source.get(key), kind) for source in sources]

    def features(self) -> dict[str, tuple[str, str]]:
        """Types, as `datasets` names them, and descriptions of the columns."""
        return {name: (DTYPES[kind], what) for name, (kind, what) in self.types.items()}
