"""One pose as a file of another program."""

from typing import Final

from mardm_batch.export.formats.format import ExportOptions, FilesPerPose
from mardm_batch.export.formats.registry import FORMATS, format_for
from mardm_batch.export.poses import ExportPose

OFFERED: Final = ("bvh", "glb")


def exports() -> list[str]:
    """The formats that the page offers."""
    return [name for name in OFFERED if name in FORMATS]


def export_pose(pose: ExportPose, name: str) -> tuple[bytes, str]:
    """The file of a pose in a format, and its name."""
    format = format_for(name, ExportOptions())
    assert isinstance(format, FilesPerPose)
    encoded = next(iter(format.encode([pose])))
    return encoded.contents[0], format.file_names(pose.name)[0]
