"""What a format is: how poses become files of another program."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from mardm_batch.export.poses import ExportPose
from mardm_batch.pose.inverse_kinematics import Skeleton


@dataclass(frozen=True)
class ExportOptions:
    """What the command line says about an export. `views`: degrees around the person, 0 in front, 90 at the left.

    `container`: the kind of video file.
    """

    clips: bool = False
    views: tuple[int, ...] | None = None
    container: str | None = None


@dataclass(frozen=True)
class JointError:
    """How far joints are from where they were, by forward kinematics of what a file holds: of all joints and frames of
    a pose or clip the mean, the 95th percentile and the largest distance, millimetres."""

    mean: float
    p95: float
    max: float

    @classmethod
    def of(cls, pose: ExportPose, skeleton: Skeleton) -> Self:
        """Of a pose whose frames are those of the skeleton."""
        distances = 1000 * np.linalg.norm(skeleton.positions() - pose.frames, axis=-1)  # (frames, 22)
        figures = (distances.mean(), np.percentile(distances, 95), distances.max())
        return cls(*(round(float(each), 3) for each in figures))


class Encoded(NamedTuple):
    """The files of a pose. `joint_error`: where the format does not hold every joint exactly."""

    contents: Sequence[bytes]
    joint_error: JointError | None = None


@dataclass(frozen=True)
class ExportTotals:
    """What all files of an export hold. `models`: poses by model and hash of weights. `digest`: of all poses."""

    poses: int
    models: Mapping[str, int]
    digest: str


class ExportFormat(ABC):
    """Base of formats. An object is made anew for each export; it goes to the processes that write."""

    NAME: ClassVar[str]
    SUMMARY: ClassVar[str]
    """One line of the help: what is written, and for whom."""
    TAKES_CLIPS: ClassVar[bool] = False
    NEEDS_CLIPS: ClassVar[bool] = False
    """Whether there is nothing to export without them."""
    TAKES_VIEWS: ClassVar[bool] = False
    NEEDS: ClassVar[Mapping[str, str]] = {}
    """Packages that have to be installed, each with the extra that brings it."""
    CONTAINERS: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    """Kinds of files of which the user chooses one, the usual one first, with what each needs besides."""

    def __init__(self, options: ExportOptions) -> None:
        self.options = options

    def facts(self) -> Mapping[str, Any]:
        """What a stranger should know about the files (axes, units, choices); it goes into `export.json`."""
        return {}

    def finish(self, folder: Path, totals: ExportTotals) -> None:
        """Write what belongs to all files together, once they are there."""
        return


class FilesPerPose(ExportFormat):
    """A format with files for each pose."""

    @abstractmethod
    def file_names(self, name: str) -> Sequence[str]:
        """The files of a pose, by its name."""

    @abstractmethod
    def encode(self, poses: Sequence[ExportPose]) -> Iterator[Encoded]:
        """For each pose the content of its files, in the order of `file_names`. Several at once, as that is faster."""


class Archive(ExportFormat):
    """A format in which a file holds many poses."""

    POSES_PER_FILE: ClassVar[int | None] = None
    """None: all of them."""

    @abstractmethod
    def file_names(self, number: int) -> Sequence[str]:
        """The files of the archive of this number, from 0; where one holds all poses there is only number 0."""

    @abstractmethod
    def write(self, poses: Iterator[ExportPose], folder: Path, number: int) -> int:
        """Write the files of an archive whole; returns the number of poses in it."""
