"""The tables of a comparison, for terminal and page: a column for each run, a row for each setting or metric."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from mardm_batch.compare.runs import COUNTS, SPEED, Run
from mardm_batch.system.terminal import counted, printable

NOT_COMPARED: Final = ("shard", "gpu_ids", "existing", "retry", "paths.output", "paths.temp", "tracking.")
"""Settings (a group by its dot) that say nothing of what is compared: poses, pictures and how fast they are made."""
FILES: Final = ("render.", "output.")
"""Groups of settings that change pictures and files but not the poses: names have them last."""
BEST_OF: Mapping[str, Callable[[Sequence[float]], float]] = {
    "poses_per_second": max,
    "bone_length_error_cm": min,
    "conditions_met": max,
    "agreement": max,
    "agreement_below_half": min,
}
"""How the best value of a metric is chosen; metrics that are not listed have no best value."""
MAX_SHARE_OF_BEST: Final = 2 / 3
"""The best value is marked where at most this share of the runs has it."""
SHARES = ("adjusted", "agreement_below_half")
"""Metrics that are shown in per cent."""
LABELS = {"poses_per_second": "poses/s, once started"}
"""Of metrics whose keys do not say enough: the rate leaves out the time until the first batch, `seconds` does not."""
UNITS = {"cm": " (cm)", "mb": " (MB)"}
MAX_SETTINGS_IN_NAME = 4
MAX_VALUE_LENGTH = 22
MAX_SHARDS_LISTED = 5
MAX_ERRORS = 10
MISSING = "–"
NOT_SET = "null"


@dataclass(frozen=True)
class Cell:
    """A run's value in a row. `number` is drawn as a bar, `detail` in smaller print, `warning` marks a problem."""

    text: str
    number: float | None = None
    detail: str = ""
    best: bool = False
    warning: bool = False


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
    """Runs with their tables. `names` say what differs and are unique; `folders` are short names of the folders."""

    runs: tuple[Run, ...]
    names: tuple[str, ...]
    folders: tuple[str, ...]
    sections: tuple[Section, ...]


def compare(runs: Sequence[Run]) -> Comparison:
    """The tables of the runs, in which each is a column."""
    differing = differing_settings(runs)
    folders = folder_names(runs)
    sections = [
        Section("Settings that differ", tuple(setting_row(key, runs) for key in differing)),
        Section("Outcome", tuple(outcome_rows(runs))),
        *metric_sections(runs),
        Section("Errors", tuple(error_rows(runs))),
    ]
    return Comparison(
        tuple(runs),
        run_names(runs, differing, folders),
        folders,
        tuple(section for section in sections if section.rows),
    )


def differing_settings(runs: Sequence[Run]) -> list[str]:
    """The dotted keys of the settings that differ between the runs."""
    keys = dict.fromkeys(key for run in runs for key in run.settings if not key.startswith(NOT_COMPARED))
    return [key for key in keys if len({setting_text(run, key) for run in runs}) > 1]


def setting_row(key: str, runs: Sequence[Run]) -> Row:
    return Row(key, tuple(Cell(setting_text(run, key)) for run in runs))


def setting_text(run: Run, key: str) -> str:
    """A setting as written on the command line; a dash where the run does not have it."""
    if key not in run.settings:
        return MISSING
    value = run.settings[key]
    return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def run_names(runs: Sequence[Run], differing: Sequence[str], folders: Sequence[str]) -> tuple[str, ...]:
    """The settings that tell runs apart, `cfg=3.0`; with the folder for runs that these do not tell apart."""
    keys = discriminative_settings(differing, runs)
    names = [describe_difference(run, keys) for run in runs]
    counts = Counter(names)
    return tuple(
        name if name and counts[name] == 1 else f"{name}  {folder}".strip()
        for name, folder in zip(names, folders, strict=True)
    )


def folder_names(runs: Sequence[Run]) -> tuple[str, ...]:
    """The shortest ends of the folders' paths that are unique, without microseconds where these are not needed."""
    firsts = [run.folders[0].resolve() for run in runs]
    runs_in = Counter(folder.parent for folder in firsts)
    paths = [path_parts(folder, alone=runs_in[folder.parent] == 1) for folder in firsts]
    names: list[str] = []
    for depth in range(1, max(map(len, paths)) + 1):
        names = ["/".join(path[-depth:]) for path in paths]
        shorter = [re.sub(r"(\d\d-\d\d-\d\d)-\d{6}\b", r"\1", name) for name in names]
        if len(set(names)) == len(runs):
            names = shorter if len(set(shorter)) == len(runs) else names
            break
    return tuple(map(printable, names))


def path_parts(folder: Path, alone: bool) -> tuple[str, ...]:
    """The parts of a run's path, the last of which become its name.

    A job's number is only meaningful together with its sweep, and is left out (`alone`) where the job, with the shards
    that are merged into it, is the whole sweep.
    """
    if not folder.name.isdigit():
        return folder.parts
    return folder.parts[:-1] if alone else (*folder.parts[:-2], f"{folder.parent.name}/{folder.name}")


def discriminative_settings(differing: Sequence[str], runs: Sequence[Run]) -> list[str]:
    """The fewest settings, those with the most different values first, that tell as many runs apart as all of them.

    A preset is named before other settings, those of pictures and files after them. Where the models differ, their
    names stand for all other settings of the models.
    """
    by_name = "model.name" in differing
    keys = [key for key in differing if key == "model.name" or not (by_name and key.startswith("model."))]
    values = {key: len({setting_text(run, key) for run in runs}) for key in keys}
    keys.sort(key=lambda key: (key != "preset", key.startswith(FILES), -values[key]))

    def groups(chosen: Sequence[str]) -> int:
        return len({tuple(setting_text(run, key) for key in chosen) for run in runs})

    chosen: list[str] = []
    for key in keys:
        if len(chosen) < MAX_SETTINGS_IN_NAME and groups([*chosen, key]) > groups(chosen):
            chosen.append(key)
    return chosen


def describe_difference(run: Run, keys: Sequence[str]) -> str:
    """Some settings of a run, shortened: `seed=1  time_steps=18`. One that is not set says nothing."""
    words = []
    for key in keys:
        value = setting_text(run, key)
        if value in (MISSING, NOT_SET):
            continue
        if len(value) > MAX_VALUE_LENGTH:
            value = "…" + value[1 - MAX_VALUE_LENGTH :]
        words.append(f"{key.removesuffix('.name').rpartition('.')[2]}={value}")
    return "  ".join(words)


def outcome_rows(runs: Sequence[Run]) -> Iterator[Row]:
    yield Row("state", tuple(map(state_cell, runs)))
    if any(run.num_shards is not None for run in runs):
        yield Row("shards", tuple(map(shards_cell, runs)))
    yield from metric_rows(COUNTS, runs)


def state_cell(run: Run) -> Cell:
    """How a run ended; of one whose shards ended well, how many of them did if not all."""
    if run.exit_code == 0 and run.missing_shards:
        ended = f"{len(set(run.shards))} of {counted(run.num_shards or 0, 'shard')} ended"
        return Cell("incomplete", detail=ended, warning=True)
    detail = "no summary" if run.exit_code is None else f"exit code {run.exit_code}" if run.exit_code else ""
    return Cell(printable(run.state), detail=detail, warning=run.incomplete)


def shards_cell(run: Run) -> Cell:
    if run.num_shards is None:
        return Cell("all")
    missing = (str(shard) for shard in range(run.num_shards) if shard not in run.shards)
    listed = ", ".join(islice(missing, MAX_SHARDS_LISTED))
    more = f" and {run.missing_shards - MAX_SHARDS_LISTED} more" if run.missing_shards > MAX_SHARDS_LISTED else ""
    detail = f"missing: {listed}{more}" if listed else ""
    return Cell(f"{len(run.shards)} of {run.num_shards}", detail=detail, warning=bool(listed))


def metric_sections(runs: Sequence[Run]) -> tuple[Section, Section]:
    """The sections Speed and Quality; every metric that is neither a count nor a time is one of quality."""
    keys = list(dict.fromkeys(key for run in runs for key in run.metrics if key not in COUNTS))
    stages = [key for key in keys if key.startswith("seconds/")]
    speed = [key for key in keys if key in SPEED]
    quality = [key for key in keys if key not in (*stages, *speed)]
    return (
        Section("Speed", (*metric_rows(speed, runs), *(stage_row(key, runs) for key in stages))),
        Section("Quality", tuple(metric_rows(quality, runs))),
    )


def metric_rows(keys: Iterable[str], runs: Sequence[Run]) -> Iterator[Row]:
    """A row for each metric. Runs without new poses have no speed and no quality, those of one pose no diversity, runs
    on a CPU no device memory."""
    for key in keys:
        least = 0 if key in COUNTS else 2 if key == "diversity_cm" else 1
        values = [run.metrics.get(key) if run.metrics.get("poses_done", 0) >= least else None for run in runs]
        present = [value for value in values if value is not None]
        if present and (key != "device_memory_mb" or any(present)):
            comparable = [
                value for value, run in zip(values, runs, strict=True) if value is not None and not run.incomplete
            ]
            best = best_text(key, comparable) if comparable else None
            yield Row(
                metric_label(key),
                tuple(
                    metric_cell(key, value, None if run.incomplete else best)
                    for value, run in zip(values, runs, strict=True)
                ),
            )


def best_text(key: str, values: Sequence[float]) -> str | None:
    """The text of the best value; None where the metric has none, or nearly all values have this text."""
    if key not in BEST_OF:
        return None
    best = metric_text(key, BEST_OF[key](values))
    return best if stands_out(best, [metric_text(key, value) for value in values]) else None


def stands_out(best: str, texts: Sequence[str]) -> bool:
    """Whether the best of these texts is rare enough among them to be marked."""
    return texts.count(best) <= MAX_SHARE_OF_BEST * len(texts)


def metric_cell(key: str, value: float | None, best: str | None) -> Cell:
    if value is None:
        return Cell(MISSING)
    text = metric_text(key, value)
    return Cell(text, value, best=text == best, warning=key == "failures" and value > 0)


def metric_text(key: str, value: float) -> str:
    """A metric's value in a table."""
    return f"{100 * value:.1f} %" if key in SHARES else format_number(value)


def stage_row(key: str, runs: Sequence[Run]) -> Row:
    """The time of a stage per pose and in total, summed over parallel processes."""
    cells = []
    for run in runs:
        seconds, poses = run.metrics.get(key), run.metrics.get("poses_done")
        if seconds is None or not poses or poses < 1:
            cells.append(Cell(MISSING))
        else:
            ms = 1000 * seconds / poses
            cells.append(Cell(format_number(ms), ms, f"{format_number(seconds)} s"))
    return Row(f"{printable(key.removeprefix('seconds/'))}: ms/pose, total", tuple(cells))


def metric_label(key: str) -> str:
    """The label of a metric: `bone_length_error_cm` is "bone length error (cm)"."""
    if key in LABELS:
        return LABELS[key]
    stem, _, last = key.rpartition("_")
    return printable((stem + UNITS[last] if last in UNITS else key).replace("_", " "))


def format_number(value: float) -> str:
    """A number with one, two or four decimals by its size; none for whole numbers; huge ones as powers of ten."""
    if abs(value) >= 1e15:
        return f"{value:.3g}"
    decimals = 0 if isinstance(value, int) else 1 if abs(value) >= 100 else 2 if abs(value) >= 0.01 or not value else 4
    return f"{value:,.{decimals}f}"


def error_rows(runs: Sequence[Run]) -> list[Row]:
    """The number of occurrences of each error, the most frequent first."""
    total: Counter[str] = Counter()
    for run in runs:
        total.update(run.errors)
    return [
        Row(printable(error), tuple(count_cell(run.errors.get(error, 0)) for run in runs))
        for error, _ in total.most_common(MAX_ERRORS)
    ]


def count_cell(count: int) -> Cell:
    return Cell(str(count), count) if count else Cell(MISSING)
