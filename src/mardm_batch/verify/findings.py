"""The findings of an audit of an output folder, and its report."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from mardm_batch.dataset.formats.format import Damage, Format
from mardm_batch.dataset.records import LOW_AGREEMENT
from mardm_batch.errors import ExitCode
from mardm_batch.prompts.names import Prompt


class Kind(StrEnum):
    """Kinds of findings, in the order of the report. Damaged files follow the missing ones; see `damage_kind`."""

    MISPLACED = "in the way of a file or folder"
    MISSING_FILE = "missing file of a pose"
    WRONG_CAPTION = "caption does not match the name"
    FAILED = "failed, not generated since"
    MISSING_POSE = "missing pose"
    ORPHAN = "pose file without JSON"
    TEMPORARY = "leftover temporary file"
    UNKNOWN_FILE = "unknown file"
    RECORD = "record of a run that cannot be read"
    LAYOUT = "record of the layout that is missing or wrong"
    METADATA = "metadata.jsonl is out of date"
    FAILURES = "failures.jsonl cannot be read in full"
    REVIEWS = "reviews.jsonl cannot be read"
    TABLE = "Parquet file of a block that is missing or damaged"
    LEDGER = "ledger that differs from the poses"
    UNREQUESTED = "pose that was not requested"
    UNREQUESTED_VIEW = "picture from a side that was not requested"
    MIXED_SETTINGS = "mixed settings"
    FOLDER = "folder that was not audited"
    LOG = "errors logged by a run"
    LOST_RUN = "run on another machine that no longer reports"
    ACTIVE_RUN = "active run: files that it is writing may be reported"


NOTES: Final = (
    Kind.UNREQUESTED,
    Kind.UNREQUESTED_VIEW,
    Kind.MIXED_SETTINGS,
    Kind.FOLDER,
    Kind.LOG,
    Kind.LOST_RUN,
    Kind.ACTIVE_RUN,
)
"""Findings that are reported but need no repair, and do not change the exit code."""


PRUNED: Final = (Kind.UNREQUESTED, Kind.UNREQUESTED_VIEW)
"""Notes whose files are set aside on request."""


def damage_kind(damage: Damage, format: Format) -> str:
    """The kind of a damaged file, such as `unreadable PNG`."""
    if damage is Damage.MISMATCH:
        return f"JSON and {format.label} differ"
    return f"{damage.value} {format.label}"


@dataclass(frozen=True)
class Finding:
    """`where`: the file or pose. `files`: those that a repair moves. Paths are relative to the output folder."""

    kind: str
    where: str
    detail: str = ""
    files: tuple[str, ...] = ()

    @property
    def order(self) -> int:
        """Place of its kind in the report."""
        kinds: list[str] = list(Kind)
        return kinds.index(self.kind) if self.kind in kinds else kinds.index(Kind.MISSING_FILE)


@dataclass(frozen=True)
class Expected:
    """The poses that an output folder should hold."""

    prompts: Mapping[str, Prompt] | None
    """By name; None where the requested captions are unknown."""
    source: str
    """Where the captions are listed, or why they are unknown."""
    file: Path | None
    formats: tuple[Format, ...]
    """Of the files that each pose should have."""
    list_rejected: bool = True
    """Whether the metadata has poses that a review rejected."""
    left_out: Mapping[str, Prompt] = field(default_factory=dict)
    """By name all of the list where only the limit of the newest run leaves some out: these are no strangers."""


@dataclass(frozen=True)
class Counts:
    """Numbers of poses. `requested` and `missing` are None where the requested captions are unknown."""

    requested: int | None
    missing: int | None
    found: int
    damaged: int
    unknown_words: int
    """Of those found, the ones whose captions have words that the model did not know."""
    checked: int | None = None
    """Of those found, the ones whose files were read; None: all of them."""


@dataclass(frozen=True)
class AgreementSummary:
    """How far the poses agree with their captions: of `poses`, for which it was measured, the mean and the share below
    0.5."""

    poses: int
    mean: float
    below_half: float

    @classmethod
    def of(cls, agreements: Sequence[float]) -> "AgreementSummary | None":
        """None where it was measured for no pose."""
        if not agreements:
            return None
        low = sum(each < LOW_AGREEMENT for each in agreements)
        return cls(len(agreements), round(sum(agreements) / len(agreements), 4), round(low / len(agreements), 4))


@dataclass(frozen=True)
class Repair:
    """`folder`: where files and folders were moved to, if any were. `to_generate`: poses left to the next run."""

    folder: str | None
    moved: int
    to_generate: int


@dataclass(frozen=True)
class Report:
    """The result of an audit. `source`: where the requested captions are listed."""

    output: Path
    source: str
    counts: Counts
    problems: Sequence[Finding]
    notes: Sequence[Finding]
    disk: Mapping[str, tuple[int, int]]
    """Number of files and bytes of each type of file."""
    agreement: AgreementSummary | None = None
    repair: Repair | None = None
    unreadable: frozenset[str] = frozenset()
    """Names of missing poses that no run can make, as the model knows no word of their captions."""

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.SOME_FAILED if self.problems else ExitCode.ALL_FINISHED

    def to_json(self) -> dict[str, Any]:
        """The output of `--json`, whose keys scripts rely on."""
        counts = {
            "asked for": self.counts.requested,
            "missing": self.counts.missing,
            "there": self.counts.found,
            "damaged": self.counts.damaged,
            "unknown_words": self.counts.unknown_words,
            "checked": self.counts.checked,
        }
        repair = self.repair
        return {
            "output": str(self.output),
            "asked": self.source,
            "counts": {key: number for key, number in counts.items() if number is not None},
            "problems": [asdict(each) for each in self.problems],
            "notes": [asdict(each) for each in self.notes],
            "disk": dict(self.disk),
            "agreement": self.agreement and asdict(self.agreement),
            "repair": repair and {"folder": repair.folder, "moved": repair.moved, "to_make": repair.to_generate},
            "exit_code": self.exit_code,
        }
