"""The tables of a comparison, for the terminal and the page alike: a column a run, a row a setting or a metric."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mardm_batch.compare.runs import ACROSS_SHARDS, COUNTS, Run
from mardm_batch.system.terminal import printable

RUN_SPECIFIC = ("shard", "paths.output", "paths.temp")
"""Settings that differ from run to run without making other poses."""
BETTER: Mapping[str, Callable[[Sequence[float]], float]] = {
    "poses_per_second": max,
    "bone_length_error_cm": min,
    "conditions_met": max,
}
"""The metrics of which one can say that more, or less, is better."""
UNITS = {"cm": " (cm)", "mb": " (MB)"}
SETTINGS_IN_DIFFERENCE = 2
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
    telling = telling_settings(differing, runs)
    sections = [
        Section("Settings that differ", tuple(setting_row(key, runs) for key in differing)),
        Section("Outcome", tuple(outcome_rows(runs))),
        *metric_sections(runs),
        Section("Errors", tuple(error_rows(runs))),
    ]
    return Comparison(
        tuple(runs),
        run_names(runs),
        tuple(difference(run, telling) for run in runs),
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


def run_names(runs: Sequence[Run]) -> tuple[str, ...]:
    """The ends of the folders' paths, as short as tells all runs apart, without microseconds where it does so too."""
    firsts = [run.folders[0].resolve() for run in runs]
    runs_in = Counter(folder.parent for folder in firsts)
    paths = [name_path(folder, alone=runs_in[folder.parent] == 1) for folder in firsts]
    names: list[str] = []
    for depth in range(1, max(map(len, paths)) + 1):
        names = ["/".join(path[-depth:]) for path in paths]
        shorter = [re.sub(r"(\d\d-\d\d-\d\d)-\d{6}\b", r"\1", name) for name in names]
        if len(set(names)) == len(runs):
            names = shorter if len(set(shorter)) == len(runs) else names
            break
    return tuple(map(printable, names))


def name_path(folder: Path, alone: bool) -> tuple[str, ...]:
    """The parts of a run's path of which its name is the end. The number of a sweep's job says something beside the
    sweep alone, and nothing where the job (with the shards merged into it) is all of the sweep."""
    if not folder.name.isdigit():
        return folder.parts
    return folder.parts[:-1] if alone else (*folder.parts[:-2], f"{folder.parent.name}/{folder.name}")


def telling_settings(differing: Sequence[str], runs: Sequence[Run]) -> list[str]:
    """The few settings that tell the most runs apart. With different models, most of the models' own follow from their
    names."""
    follow = "model.name" in differing
    keys = [key for key in differing if key == "model.name" or not (follow and key.startswith("model."))]
    return sorted(keys, key=lambda key: -len({shown(run.settings.get(key)) for run in runs}))[:SETTINGS_IN_DIFFERENCE]


def difference(run: Run, keys: Sequence[str]) -> str:
    """What a run has for some settings, in a few words."""
    words = []
    for key in keys:
        value = shown(run.settings[key]) if key in run.settings else NONE
        if len(value) > LONGEST_VALUE_IN_DIFFERENCE:
            value = "…" + value[1 - LONGEST_VALUE_IN_DIFFERENCE :]
        words.append(f"{key.removesuffix('.name').rpartition('.')[2]}={value}")
    return "  ".join(words)


def outcome_rows(runs: Sequence[Run]) -> Iterator[Row]:
    states = (Cell(printable(run.state), detail=f"exit {run.exit_code}", alarm=run.exit_code != 0) for run in runs)
    yield Row("state", tuple(states))
    if any(run.num_shards is not None for run in runs):
        yield Row("shards", tuple(map(shards_cell, runs)))
    yield from metric_rows(COUNTS, runs)


def shards_cell(run: Run) -> Cell:
    if run.num_shards is None:
        return Cell("all")
    missing = [str(shard) for shard in range(run.num_shards) if shard not in run.shards]
    without = f"without {', '.join(missing)}" if missing else ""
    return Cell(f"{len(run.shards)} of {run.num_shards}", detail=without, alarm=bool(missing))


def metric_sections(runs: Sequence[Run]) -> tuple[Section, Section]:
    """Speed, and quality: whatever else the runs measured."""
    keys = list(dict.fromkeys(key for run in runs for key in run.metrics if key not in COUNTS))
    stages = [key for key in keys if key.startswith("seconds/")]
    speed = [key for key in keys if key in ACROSS_SHARDS]
    quality = [key for key in keys if key not in (*stages, *speed)]
    return (
        Section("Speed", (*metric_rows(speed, runs), *(stage_row(key, runs) for key in stages))),
        Section("Quality", tuple(metric_rows(quality, runs))),
    )


def metric_rows(keys: Iterable[str], runs: Sequence[Run]) -> Iterator[Row]:
    """A row a metric. A run that made no poses has no speed and no quality, and a CPU no memory of its own."""
    for key in keys:
        values = [run.metrics.get(key) if key in COUNTS or run.metrics.get("poses_done") else None for run in runs]
        known = [value for value in values if value is not None]
        if known and (key != "device_memory_mb" or any(known)):
            best = (
                number_words(BETTER[key](known)) if key in BETTER and len(set(map(number_words, known))) > 1 else None
            )
            yield Row(metric_words(key), tuple(metric_cell(key, value, best) for value in values))


def metric_cell(key: str, value: float | None, best: str | None) -> Cell:
    if value is None:
        return Cell(NONE)
    text = number_words(value)
    return Cell(text, value, best=text == best, alarm=key == "failures" and value > 0)


def stage_row(key: str, runs: Sequence[Run]) -> Row:
    """The time of a stage, which several processes may have spent side by side, for a pose and in all."""
    cells = []
    for run in runs:
        seconds, poses = run.metrics.get(key), run.metrics.get("poses_done")
        if seconds is None or not poses:
            cells.append(Cell(NONE))
        else:
            cells.append(
                Cell(number_words(1000 * seconds / poses), 1000 * seconds / poses, f"{number_words(seconds)} s")
            )
    return Row(f"{printable(key.removeprefix('seconds/'))} (ms a pose)", tuple(cells))


def metric_words(key: str) -> str:
    """`bone_length_error_cm` -> bone length error (cm)"""
    stem, _, last = key.rpartition("_")
    return printable((stem + UNITS[last] if last in UNITS else key).replace("_", " "))


def number_words(value: float) -> str:
    decimals = 0 if isinstance(value, int) else 1 if abs(value) >= 100 else 2 if abs(value) >= 0.01 or not value else 4
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
