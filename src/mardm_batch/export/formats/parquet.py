"""Parquet: a row a pose, for training and for Hugging Face's `datasets`."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from mardm_batch.dataset.card import JOINTS_FEATURE
from mardm_batch.dataset.records import UNITS
from mardm_batch.export.card import write_export_card
from mardm_batch.export.formats.format import Archive, ExportTotals
from mardm_batch.export.formats.tables import PoseTable
from mardm_batch.export.poses import ExportPose
from mardm_batch.pose.skeleton import NUM_JOINTS
from mardm_batch.system.files import replacing

JOINTS: Final = "joints"
UNKNOWN_WORDS: Final = "unknown_words"
ROWS_PER_GROUP: Final = 10_000


class Parquet(Archive):
    """`poses.parquet`, and a dataset card."""

    NAME = "parquet"
    SUMMARY = "one table (poses.parquet) with a dataset card: captions, joints, labels, provenance, for training"
    NEEDS = {"pyarrow": "parquet"}

    features: Mapping[str, tuple[str | Mapping[str, Any], str]] = {}

    def facts(self) -> Mapping[str, Any]:
        """See `ExportFormat.facts`."""
        return {"joints": f"{NUM_JOINTS} x 3 numbers, float32: {UNITS}"}

    def file_names(self, number: int) -> Sequence[str]:
        """See `Archive.file_names`."""
        return ("poses.parquet",)

    def write(self, poses: Iterator[ExportPose], folder: Path, number: int) -> int:
        """See `Archive.write`."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        held = list(poses)
        table = PoseTable(held, (JOINTS, UNKNOWN_WORDS))
        coordinates = np.concatenate([pose.document.joints.ravel() for pose in held] or [np.zeros(0, np.float32)])
        points = pa.ListArray.from_arrays(np.arange(0, len(coordinates) + 1, 3, dtype=np.int32), coordinates)
        joints = pa.ListArray.from_arrays(np.arange(0, len(points) + 1, NUM_JOINTS, dtype=np.int32), points)
        words = pa.array([list(pose.document.unknown_words or ()) for pose in held], pa.list_(pa.string()))
        types = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
        columns = {name: pa.array(values, types[table.types[name][0]]) for name, values in table.values.items()}
        with replacing(folder / self.file_names(0)[0]) as path:
            pq.write_table(pa.table({**columns, UNKNOWN_WORDS: words, JOINTS: joints}), path, ROWS_PER_GROUP)
        self.features = {
            **table.features(),
            UNKNOWN_WORDS: ({"sequence": "string"}, "words of the caption that the model does not know"),
            JOINTS: (JOINTS_FEATURE, f"{NUM_JOINTS} × 3 numbers: {UNITS}"),
        }
        return len(held)

    def finish(self, folder: Path, totals: ExportTotals) -> None:
        """See `ExportFormat.finish`."""
        write_export_card(folder, self.file_names(0)[0], self.features, totals)
