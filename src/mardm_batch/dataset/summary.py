"""`summary.json`: the settings of one run of one shard and how it ended, written to its run folder."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mardm_batch.system.json_records import Codec, JsonRecord, json_field

SUMMARY_FILE: Final = "summary.json"


MAX_NUMBER: Final = 1e30
"""Larger numbers are damage: sums and shares of them would not be numbers any more."""


def finite_numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """Those of the values that are numbers, and neither infinite nor absurd. Raises ValueError for no object."""
    if not isinstance(values, Mapping):
        raise ValueError("should be an object of numbers")
    return {key: value for key, value in values.items() if type(value) in (int, float) and abs(value) <= MAX_NUMBER}


FINITE_NUMBERS: Final = Codec(finite_numbers, dict, {"type": "object", "additionalProperties": {"type": "number"}})
FOLDER: Final = Codec(Path, str, {"type": "string"})


@dataclass(frozen=True)
class PoseSample(JsonRecord):
    """A pose that stands for its run."""

    name: str
    caption: str
    measures: Mapping[str, float] = json_field("as in the metrics, of this pose alone", codec=FINITE_NUMBERS)


@dataclass(frozen=True)
class RunSummary(JsonRecord):
    """The settings of a run and how it ended."""

    shard: str
    sweep: str | None
    state: str
    """finished, incomplete, interrupted or crashed."""
    exit_code: int
    output: Path = json_field("folder of the poses", codec=FOLDER)
    settings: Mapping[str, Any] = json_field("sections are nested objects", default_factory=dict)
    metrics: Mapping[str, float] = json_field(
        "counts, rates, seconds by stage, and means of the measures of the poses",
        codec=FINITE_NUMBERS,
        default_factory=dict,
    )
    errors: Mapping[str, int] = json_field("failed poses by stage and error", default_factory=dict)
    unknown_words: Mapping[str, int] = json_field("captions by word that the model lacks", default_factory=dict)
    captions_with_unknown_words: int = json_field("of the poses that this run was to make", default=0)
    captions_rewritten: int = json_field("of the poses that this run was to make, read in other words", default=0)
    samples: tuple[PoseSample, ...] = field(default=())
    started: float | None = json_field("seconds since 1970", default=None)
