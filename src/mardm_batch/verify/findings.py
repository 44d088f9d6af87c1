"""What an audit of an output folder can find, and its report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final


class Kind(StrEnum):
    """What can be found, in the order of the report."""

    MISSING_FILE = "missing file of a pose"
    UNREADABLE_JSON = "unreadable JSON"
    WRONG_JSON = "wrong JSON"
    UNREADABLE_NPY = "unreadable NPY"
    WRONG_NPY = "wrong NPY"
    DIFFERENT_JOINTS = "JSON and NPY differ"
    UNREADABLE_PNG = "unreadable PNG"
    WRONG_PNG_SIZE = "wrong PNG size"
    WRONG_CAPTION = "caption is not the name's"
    FAILED = "failed, and not made since"
    MISSING_POSE = "missing pose"
    ORPHAN = "PNG or NPY without JSON"
    TEMPORARY = "stray temporary file"
    UNKNOWN_FILE = "unknown file"
    METADATA = "metadata.jsonl does not list what is finished"
    NOT_ASKED = "pose that was not asked for"
    MIXED_SETTINGS = "mixed settings"
    FOLDER = "folder that was not looked into"
    LOG = "errors in the log of a run"
    AT_WORK = "run at work: what it is writing may be reported"


NOTES: Final = (Kind.NOT_ASKED, Kind.MIXED_SETTINGS, Kind.FOLDER, Kind.LOG, Kind.AT_WORK)
"""What is said but is nothing to put right."""


@dataclass(frozen=True)
class Finding:
    """`where`: the file or pose. `files`: what a repair moves, a JSON first. Paths are from the output folder."""

    kind: Kind
    where: str
    detail: str = ""
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked:
    """`captions`: name -> caption; None where they are not known. `source` says where they stand, or why not."""

    captions: Mapping[str, str] | None
    source: str
    file: Path | None
    pictures: bool
    """Whether each pose has a picture."""


@dataclass(frozen=True)
class Repair:
    """`folder`: where the files went, if any had to. `to_make`: poses that the generator's next run makes."""

    folder: str | None
    moved: int
    to_make: int


@dataclass(frozen=True)
class Report:
    """`asked`: what says what was asked for. `counts` of poses. `disk`: files and bytes of each type."""

    output: Path
    asked: str
    counts: Mapping[str, int]
    problems: Sequence[Finding]
    notes: Sequence[Finding]
    disk: Mapping[str, tuple[int, int]]
    repair: Repair | None = None

    @property
    def exit_code(self) -> int:
        return 1 if self.problems else 0
