"""A file format of poses: its suffix, and how a pose is encoded and a file checked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from mardm_batch.dataset.records import Pose, PoseDocument


class Damage(StrEnum):
    """The kinds of damage that a check finds."""

    UNREADABLE = "unreadable"
    WRONG = "wrong"
    MISMATCH = "different from the JSON"


class DamagedFileError(Exception):
    """A file of a pose is not as its format requires."""

    def __init__(self, damage: Damage, detail: str) -> None:
        super().__init__(detail)
        self.damage, self.detail = damage, detail


@dataclass(frozen=True)
class PoseContent:
    """What a format encodes: a pose, its JSON document, and its pictures as PNG where it is drawn."""

    pose: Pose
    document: PoseDocument
    picture: bytes | None
    views: Mapping[int, bytes] = field(default_factory=dict)
    """Further pictures by the degrees around the person."""


@dataclass(frozen=True)
class Format:
    """A file that each pose has."""

    suffix: str
    encode: Callable[[PoseContent], bytes]
    check: Callable[[Path, PoseDocument | None], None]
    """Check a file, also against the pose's JSON unless that is damaged itself. Raises DamagedFileError."""
    setting: str | None = None
    """Dotted key of the setting that turns the format on; None: every pose has it."""
    is_picture: bool = False
    """Whether a check has to decode pixels, which takes most of the time of an audit."""
    of_joints: Callable[[bytes], bytes] | None = None
    """The content of the file by the pose's joints, as the bytes of float32 numbers (22, 3), where these alone
    determine it. A file with this content needs no further check."""

    @property
    def label(self) -> str:
        return self.suffix[1:].upper()

    def path(self, folder: Path, name: str) -> Path:
        """The file of the pose of that name."""
        return folder / f"{name}{self.suffix}"

    def paths(self, folder: Path) -> list[Path]:
        """All files of this format in a folder, sorted."""
        return sorted(path for path in folder.glob(f"*{self.suffix}") if not path.name.startswith("."))
