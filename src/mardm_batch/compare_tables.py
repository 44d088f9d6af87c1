"""The tables of a comparison, for the terminal and the page alike: a column a run, a row a setting or a metric."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mardm_batch.compare_runs import ACROSS_SHARDS, COUNTS, Run

RUN_SPECIFIC = ("shard", "paths.output", "paths.temp")
"""Settings that differ from run to run without making other poses."""
BETTER: Mapping[str, Callable[[Sequence[float]], float]] = {"poses_per_second": max, "bone_length_error_cm": min}
"""The metrics of which one can say that more, or less, is better."""
UNITS = {"cm": " (cm)", "mb": " (MB)"}
SETTINGS_IN_DIFFERENCE = 3
LONGEST_VALUE_IN_DIFFERENCE = 22
ERRORS_SHOWN = 10
NONE = "–"


@dataclass(frozen=True)
class Cell:
    """One run's value of one row: `number` where it can be drawn as a bar, `detail` in smaller print, `alarm` where
    something went wrong."""

    text: str
    number: float | None = None
    detail: str = ""
    best: bool = False
    alarm: bool = False


@dataclass(frozen=True)
class Row:
    label: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Section:
    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Comparison:
    """`names` are short and tell the runs apart; `differences` say in a few words how their settings differ."""

    runs: tuple[Run, ...]
    names: tuple[str, ...]
    differences: tuple[str, ...]
    sections: tuple[Section, ...]


def compare(runs: Sequence[Run]) -> Comparison:
    """The tables of some runs, a column a run."""
    differing = differing_settings(runs)
    sections = [
        Section("Settings that differ", tuple(setting_row(key, runs) for key in differing)),
        Section("Outcome", tuple(outcome_rows(runs))),
        *metric_sections(runs),
        Section("Errors", tuple(error_rows(runs))),
    ]
    return Comparison(
        tuple(runs),
        run_names(runs),
        tuple(difference(run, differing) for run in runs),
        tuple(section for section in sections if section.rows),
    )


def differing_settings(runs: Sequence[Run]) -> list[str]:
    """The dotted keys of the settings that are not the same in all runs."""
    keys = dict.fromkeys(key for run in runs for key in run.settings if key not in RUN_SPECIFIC)
    return [key for key in keys if len({shown(run.settings[key]) if key in run.settings else None for run in runs}) > 1]


def setting_row(key: str, runs: Sequence[Run]) -> Row:
    return Row(key, tuple(Cell(shown(run.settings[key]) if key in run.settings else NONE) for run in runs))


def shown(value: object) -> str:
    """A setting as it is written on the command line."""
    return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def printable(text: str) -> str:
    """Text that a terminal does not take for commands."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def run_names(runs: Sequence[Run]) -> tuple[str, ...]:
    """The ends of the folders' paths, as short as tells all runs apart; of a sweep that is one run, the sweep's folder."""
    firsts = [run.folders[0].resolve() for run in runs]
    jobs_of = Counter(folder.parent for folder in firsts)
    ends = []
    for folder in firsts:
        if not folder.name.isdigit():
            ends.append(folder.parts)
        elif jobs_of[folder.parent] == 1:
            ends.append(folder.parts[:-1])
        else:
            ends.append((*folder.parts[:-2], "/".join(folder.parts[-2:])))
    depth = 0
    names: list[str] = []
    while len(set(names)) < len(runs):
        depth += 1
        names = [printable("/".join(end[-depth:])) for end in ends]
        without_microseconds = [re.sub(r"(\d\d-\d\d-\d\d)-\d{6}\b", r"\1", name) for name in names]
        if len(set(without_microseconds)) == len(runs):
            names = without_microseconds
    return tuple(names)


def difference(run: Run, differing: Sequence[str]) -> str:
    """How a run differs from the others, in a few settings: with other models most of the model's follow from its
    name."""
    keys = [key for key in differing if not (key.startswith("model.") and "model.name" in differing)]
    words = []
    for key in (["model.name"] if "model.name" in differing else []) + keys:
        value = shown(run.settings.get(key, NONE))
        if len(value) > LONGEST_VALUE_IN_DIFFERENCE:
            value = "…" + value[1 - LONGEST_VALUE_IN_DIFFERENCE :]
        words.append(f"{key.removesuffix('.name').rpartition('.')[2]}={value}")
    return "  ".join(words[:SETTINGS_IN_DIFFERENCE]) + (" …" if len(words) > SETTINGS_IN_DIFFERENCE else "")


def outcome_rows(runs: Sequence[Run]) -> Iterator[Row]:
    yield Row("state", tuple(Cell(printable(run.state), detail=f"exit code {run.exit_code}") for run in runs))
    if any(run.num_shards is not None for run in runs):
        yield Row("shards", tuple(Cell(shards_words(run)) for run in runs))
    for key in COUNTS:
        yield from metric_row(key, runs)


def shards_words(run: Run) -> str:
    if run.num_shards is None:
        return "all"
    missing = [str(shard) for shard in range(run.num_shards) if shard not in run.shards]
    return f"{len(run.shards)} of {run.num_shards}" + (f", without {', '.join(missing)}" if missing else "")


def metric_sections(runs: Sequence[Run]) -> tuple[Section, Section]:
    """Speed, and quality: whatever else the runs measured."""
    keys = list(dict.fromkeys(key for run in runs for key in run.metrics if key not in COUNTS))
    speed = [key for key in keys if key in ACROSS_SHARDS or key.startswith("seconds/")]
    quality = [key for key in keys if key not in speed]
    return (
        Section("Speed", tuple(row for key in speed for row in metric_row(key, runs))),
        Section("Quality", tuple(row for key in quality for row in metric_row(key, runs))),
    )


def metric_row(key: str, runs: Sequence[Run]) -> Iterator[Row]:
    """The row of a metric, unless there is nothing in it. A run that made no poses has no speed and no quality."""
    values = [run.metrics.get(key) if key in COUNTS or run.metrics.get("poses_done") else None for run in runs]
    known = [value for value in values if value is not None]
    if not known or (key == "device_memory_mb" and not any(known)):
        return
    best = BETTER[key](known) if key in BETTER and len(set(known)) > 1 else None
    cells = []
    for run, value in zip(runs, values, strict=True):
        if value is None:
            cells.append(Cell(NONE))
            continue
        detail = f"{number_words(1000 * value / run.metrics['poses_done'])} ms a pose" if "/" in key else ""
        cells.append(Cell(number_words(value), float(value), value == best, detail))
    yield Row(metric_words(key), tuple(cells))


def metric_words(key: str) -> str:
    """`bone_length_error_cm` -> bone length error (cm)"""
    stem, _, last = key.rpartition("_")
    name = stem + UNITS[last] if last in UNITS else key
    return printable(name.replace("_", " ").replace("/", ": "))


def number_words(value: float) -> str:
    decimals = 0 if value == round(value) else 1 if abs(value) >= 100 else 2 if abs(value) >= 0.1 else 4
    return f"{value:,.{decimals}f}"


def error_rows(runs: Sequence[Run]) -> list[Row]:
    """How often each error came up, the most frequent first."""
    total: Counter[str] = Counter()
    for run in runs:
        total.update(run.errors)
    return [
        Row(printable(error), tuple(count_cell(run.errors.get(error, 0)) for run in runs))
        for error, _ in total.most_common(ERRORS_SHOWN)
    ]


def count_cell(count: int) -> Cell:
    return Cell(str(count), count) if count else Cell(NONE)
