"""Which poses are exported: conditions on caption, name, agreement, review, model and the columns of the prompt file.

A condition is KEY, an operator and a value: `caption~arms raised` (holds the words), `name=wav*` (shell pattern),
`agreement>=0.8`, `review=accept`, `set!=test`. Text is compared whatever its case.
"""

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from mardm_batch.dataset.reviews import ReviewList, Reviews
from mardm_batch.errors import InputError
from mardm_batch.export.poses import ExportPose

NOT_REVIEWED: Final = "none"
NUMBERS: Final[dict[str, Callable[[float, float], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_CONDITION: Final = re.compile(r"\s*(?P<key>.+?)\s*(?P<operator>>=|<=|!=|=|~|>|<)\s*(?P<value>.*?)\s*", re.DOTALL)


@dataclass(frozen=True)
class Condition:
    """One condition, as `--select` has it."""

    key: str
    operator: str
    value: str

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether values by key meet it; a value that is missing meets only `!=`."""
        value = values.get(self.key)
        if self.operator in NUMBERS:
            number = as_number(value)
            return number is not None and NUMBERS[self.operator](number, float(self.value))
        if self.operator == "~":
            return value is not None and self.value.casefold() in as_text(value)
        return (value is not None and matches(value, self.value)) == (self.operator == "=")


def parse_condition(text: str) -> Condition:
    """The condition of a text such as `agreement>=0.8`. Raises InputError, which says how one is written."""
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise InputError(
            f"--select {text}: write KEY=VALUE, KEY!=VALUE, KEY~WORDS, or KEY>=NUMBER (also <=, >, <); KEY is caption, "
            "name, agreement, review, model, seed or a column of the prompt file"
        )
    condition = Condition(match["key"], match["operator"], match["value"])
    if condition.operator in NUMBERS and as_number(condition.value) is None:
        raise InputError(f"--select {text}: {condition.value!r} is not a number")
    return condition


def as_number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def as_text(value: Any) -> str:
    return (str(value).lower() if isinstance(value, bool) else str(value)).casefold()


def matches(value: Any, pattern: str) -> bool:
    """Whether a value is a number of the same size, or a text of this shell pattern."""
    one, other = as_number(value), as_number(pattern)
    return (one is not None and one == other) or fnmatchcase(as_text(value), pattern.casefold())


class Selection:
    """The poses that meet all conditions. Counts them, and remembers which keys any pose had."""

    def __init__(self, conditions: Sequence[Condition], output: Path) -> None:
        self.conditions = conditions
        asks_for_reviews = any(each.key == "review" for each in conditions)
        self.reviews = read_reviews(output) if asks_for_reviews else Reviews()
        self.seen = self.selected = 0
        self.keys: set[str] = set()

    def filter(self, poses: Iterable[ExportPose]) -> Iterator[ExportPose]:
        """The selected poses."""
        for pose in poses:
            self.seen += 1
            if self.conditions:
                values = self.values(pose)
                self.keys.update(values)
                if not all(each.holds(values) for each in self.conditions):
                    continue
            self.selected += 1
            yield pose

    def values(self, pose: ExportPose) -> dict[str, Any]:
        """What conditions can ask for; a column of the prompt file does not hide what is ours."""
        document = pose.document.to_json()
        ours: dict[str, Any] = {
            key: document[key] for key in ("caption", "agreement", "model", "seed") if key in document
        }
        review = self.reviews.verdict(pose.name, pose.document) or NOT_REVIEWED
        return {**(pose.document.source or {}), **ours, "name": pose.name, "review": review}

    def check(self) -> None:
        """After the last pose: raise InputError where a condition asks for what no pose has, or nothing is selected."""
        for each in self.conditions:
            if self.seen and each.key not in self.keys:
                known = ", ".join(sorted(self.keys))
                raise InputError(f"--select {each.key}{each.operator}{each.value}: no pose has {each.key}; use {known}")
        if self.seen and not self.selected:
            raise InputError(f"--select: none of {self.seen:,} poses meets every condition")


def read_reviews(output: Path) -> Reviews:
    """The latest verdicts. Raises InputError where their list cannot be read."""
    listed = ReviewList(output)
    try:
        return listed.read()
    except OSError as error:
        raise InputError(f"{listed.path}: cannot be read: {error.strerror}") from None
