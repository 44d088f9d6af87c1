"""CSV: a row a pose, for spreadsheets."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from mardm_batch.dataset.records import UNITS
from mardm_batch.export.formats.format import Archive
from mardm_batch.export.formats.tables import PoseTable
from mardm_batch.export.poses import ExportPose
from mardm_batch.pose.skeleton import JOINT_NAMES
from mardm_batch.system.files import replacing

COORDINATES: Final = tuple(f"{joint}_{axis}" for joint in JOINT_NAMES for axis in "xyz")
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
"""Text that begins so is run as a formula by spreadsheets."""


class Csv(Archive):
    """`poses.csv`: UTF-8 with the mark by which spreadsheets know it, commas, a header."""

    NAME = "csv"
    SUMMARY = "one table (poses.csv): captions, labels and joint coordinates, for a spreadsheet"

    def facts(self) -> Mapping[str, Any]:
        """See `ExportFormat.facts`."""
        return {"units": UNITS, "text": "an apostrophe is put before text that a spreadsheet would run as a formula"}

    def file_names(self, number: int) -> Sequence[str]:
        """See `Archive.file_names`."""
        return ("poses.csv",)

    def write(self, poses: Iterator[ExportPose], folder: Path, number: int) -> int:
        """See `Archive.write`."""
        held = list(poses)
        table = PoseTable(held, COORDINATES)
        rows = zip(*table.values.values(), strict=True)
        with (
            replacing(folder / self.file_names(0)[0]) as path,
            path.open("w", encoding="utf-8-sig", newline="") as file,
        ):
            writer = csv.writer(file)
            writer.writerow([*map(defuse, table.values), *COORDINATES])
            for pose, row in zip(held, rows, strict=True):
                joints = np.round(pose.document.joints.astype(np.float64), 6).ravel().tolist()
                writer.writerow([*map(defuse, row), *joints])
        return len(held)


def defuse(value: Any) -> Any:
    """Text that a spreadsheet would run as a formula, with an apostrophe before it; everything else as it is."""
    if isinstance(value, str):
        return f"'{value}" if value.lstrip(" \n").startswith(FORMULA_STARTS) else value
    return "" if value is None else value
