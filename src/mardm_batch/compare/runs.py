"""The runs to be compared, from the summaries in Hydra's run folders.

A run that has no summary, as it is active or was killed, has the settings and metrics that it saved meanwhile.

`outputs/DATE/TIME` is a run; `multirun/DATE/TIME/JOB` is a job of a sweep, where jobs with the same settings are the
shards of one run.
"""

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from mardm_batch.dataset.clocks import joint_rate
from mardm_batch.dataset.formats.format import Format
from mardm_batch.dataset.layouts.layout import Layout
from mardm_batch.dataset.layouts.registry import layout_of
from mardm_batch.dataset.progress import read_progress_records
from mardm_batch.dataset.summary import MAX_NUMBER, SUMMARY_FILE, RunSummary, finite_numbers
from mardm_batch.errors import InputError, reason_of
from mardm_batch.run.saved_settings import read_yaml, select
from mardm_batch.system.error_log import read_error_log
from mardm_batch.system.files import read_regular
from mardm_batch.system.folders import check_folder
from mardm_batch.system.json_records import parse_json

METRICS_FILE: Final = "metrics.jsonl"
MAX_DEPTH = 8
MAX_SETTINGS = 1000
MAX_COUNT = 10**15
COUNTS = ("poses_done", "failures")
SPEED = ("poses_per_second", "seconds", "device_memory_mb")


@dataclass(frozen=True)
class Sample:
    """A sample pose of a run."""

    caption: str
    layout: Layout
    name: str
    measures: Mapping[str, float]

    @contextmanager
    def file(self, format: Format) -> Iterator[Path]:
        """The path of one of its files, which need not exist."""
        with self.layout.at_hand([self.name]) as near:
            yield near.path(self.name, format.suffix)


@dataclass(frozen=True)
class Run:
    """One or more shards with the same settings.

    `settings` have dotted keys, and the name of the preset as `preset`; `num_shards` is None for a run of every prompt.
    """

    folders: tuple[Path, ...]
    output: Path
    shards: tuple[int, ...]
    num_shards: int | None
    state: str
    exit_code: int | None
    """None where the run has no summary."""
    settings: Mapping[str, Any]
    metrics: Mapping[str, float]
    errors: Mapping[str, int]
    samples: tuple[Sample, ...]
    ended: float
    """Seconds since 1970; the time of its last metrics where the run has no summary."""

    @property
    def missing_shards(self) -> int:
        """How many shards of the run have no summary."""
        return 0 if self.num_shards is None else max(0, self.num_shards - len(set(self.shards)))

    @property
    def incomplete(self) -> bool:
        """Whether poses are missing: the run failed in part, was interrupted, or some of its shards have no summary."""
        return self.exit_code != 0 or self.missing_shards > 0


def find_runs(folders: Iterable[Path]) -> tuple[list[Run], list[str]]:
    """The runs in some folders, each the folder of a run, of a sweep, or one above them.

    Returns:
        The runs, and what was skipped: folders whose summary, or settings where they have no summary, cannot be read.

    Raises:
        InputError: a folder has no run, or none that can be read.
    """
    found: list[Path] = []
    without_summary: list[Path] = []
    for folder in folders:
        find_summaries(folder, found, without_summary)
    skipped: list[str] = []
    shards: dict[tuple[Path | str, ...], list[Run]] = {}
    refused: InputError | None = None
    shared = cache(shares_cores)
    for path in {path.resolve(): path for path in [*found, *sorted(without_summary)]}.values():
        try:
            run, is_job = read_unfinished_run(path) if path in without_summary else read_run(path)
        except InputError as error:
            refused = refused or error
            skipped.append(str(error))
            continue
        folder = run.folders[0].resolve()
        if is_job and shared(folder.parent):
            run = replace(run, settings={**run.settings, "cpu_threads": None})
        same_settings = json.dumps({**run.settings, "shard": None}, sort_keys=True)
        key = (folder.parent, same_settings) if is_job and run.shards else (folder,)
        shards.setdefault(key, []).append(run)
    if refused is not None and not shards:
        raise refused
    return [merge_shards(each) for each in shards.values()], skipped


def find_summaries(folder: Path, found: list[Path], without_summary: list[Path]) -> None:
    """Add the summaries in or below a folder to `found`, ordered by date, time and job number.

    The folders of runs that have none are added to `without_summary`.
    """
    if (folder / "summary.json").is_file():
        found.append(folder / "summary.json")
        return
    check_folder(folder, "name the folder of a run, such as outputs/DATE/TIME")
    below, unfinished = list[Path](), list[Path]()
    for place, folders, files in os.walk(folder):
        if "summary.json" in files:
            below.append(Path(place, "summary.json"))
            folders.clear()
        elif ".hydra" in folders:
            unfinished.append(Path(place))
            folders.clear()
    if not below and not unfinished:
        raise InputError(f"{folder}: no run in this folder or below; {newest_run_hint(folder)}")
    without_summary += unfinished
    found += sorted(below, key=lambda path: [(not part.isdigit(), part.zfill(20)) for part in path.parts])


def newest_run_hint(folder: Path) -> str:
    """Which folder to name instead of one without runs: that of the run, or the sweep, that made its poses last."""
    records, _ = read_progress_records(folder)
    newest = max(records, key=lambda record: record.started, default=None)
    if newest is not None:
        run = Path(newest.run_folder) if newest.sweep is None else Path(newest.run_folder).parent
        if run.is_dir():
            with suppress(OSError, ValueError):
                run = run.relative_to(Path.cwd())
            return f"its poses are of {run}: name that"
    return "name the folder of a run, such as outputs/DATE/TIME"


def read_run(path: Path) -> tuple[Run, bool]:
    """A run, or a shard of one, from its summary.json, and whether it was a job of a sweep.

    Raises:
        InputError: the file cannot be read, or is not a run's summary.
    """
    try:
        summary = RunSummary.from_json(json.loads(read_regular(path)))
        settings = {**chosen_preset(path.parent), **flatten(summary.settings)}
        shard, started = settings["shard"], summary.started
        output = output_folder(summary.output, settings["paths.output"], path)
        layout = layout_of(output)
        run = Run(
            folders=(path.parent,),
            output=output,
            shards=() if shard is None else (int(shard),),
            num_shards=None if shard is None else int(settings["num_shards"]),
            state=summary.state,
            exit_code=summary.exit_code,
            settings=settings,
            metrics=summary.metrics,
            errors={error: min(count, MAX_COUNT) for error, count in summary.errors.items()},
            samples=tuple(Sample(each.caption, layout, each.name, each.measures) for each in summary.samples),
            ended=last_written(path) if started is None else started + summary.metrics.get("seconds", 0.0),
        )
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise InputError(f"{path}: not the summary of a run ({problem_with(error)}); leave this folder out") from None
    return run, summary.sweep is not None


def read_unfinished_run(folder: Path) -> tuple[Run, bool]:
    """A run without a summary, or a shard of one, from its settings and last metrics, and whether it was a job of a
    sweep.

    Raises:
        InputError: the run was refused, or the settings cannot be read or are not those of a run.
    """
    _, errors = read_error_log(folder)
    if errors and not (folder / METRICS_FILE).exists():
        raise InputError(f"{folder}: the run ended before its first pose ({errors[-1].message})")
    try:
        saved, hydra = (read_yaml(folder / ".hydra" / name) for name in ("config.yaml", "hydra.yaml"))
        settings = {key: resolved(saved, key, value) for key, value in flatten(saved).items()}
        settings = {**chosen_preset(folder), **settings}
        shard, output = settings["shard"], settings["paths.output"]
        run = Run(
            folders=(folder,),
            output=output_folder(Path(select(hydra, "hydra.runtime.cwd"), output), output, folder / SUMMARY_FILE),
            shards=() if shard is None else (int(shard),),
            num_shards=None if shard is None else int(settings["num_shards"]),
            state="active or killed",
            exit_code=None,
            settings=settings,
            metrics={key: value for key, value in last_metrics(folder).items() if key != "seconds_left"},
            errors={},
            samples=(),
            ended=last_written(folder / METRICS_FILE),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{folder}: no {SUMMARY_FILE} and no settings of a run ({problem_with(error)})") from None
    return run, (folder.parent / "multirun.yaml").is_file()


def problem_with(error: Exception) -> str:
    """Why a file is none of a run, for people."""
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return f"the key {error.args[0]} is missing" if isinstance(error, KeyError) else reason_of(error)


def chosen_preset(run_folder: Path) -> dict[str, str | None]:
    """The preset that a run was started with, as the setting `preset`; nothing where its command is not known."""
    try:
        words = read_yaml(run_folder / ".hydra" / "overrides.yaml")
    except ValueError:
        return {}
    if not isinstance(words, list):
        return {}
    chosen = [word.partition("=")[2] for word in words if isinstance(word, str) and re.match(r"\+*preset=", word)]
    return {"preset": chosen[-1] if chosen else None}


def shares_cores(sweep_folder: Path) -> bool:
    """Whether a sweep shared the cores among its jobs: nothing that it was started with sets cpu_threads."""
    try:
        saved = read_yaml(sweep_folder / "multirun.yaml")
        words, swept = saved["hydra"]["overrides"]["task"], saved["hydra"]["sweeper"]["params"]
        named = {str(word).lstrip("+").partition("=")[0] for word in (*words, *(swept or ()))}
        return saved["cpu_threads"] is None and "cpu_threads" not in named
    except (ValueError, KeyError, TypeError):
        return False


def resolved(saved: Any, key: str, value: Any) -> Any:
    """The value of a saved setting that may name another one; as it is written where that cannot be resolved."""
    if not isinstance(value, str) or "${" not in value:
        return value
    try:
        return select(saved, key)
    except ValueError:
        return value


def last_written(path: Path) -> float:
    """When a file was written, in seconds since 1970; 0 where there is none."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def last_metrics(folder: Path) -> Mapping[str, float]:
    """The metrics that a run wrote last; none before the first."""
    history = read_history(folder / METRICS_FILE)
    return history[-1] if history else {}


def read_history(path: Path) -> list[Mapping[str, float]]:
    """The numbers of each line of `metrics.jsonl`; none where it is missing. Lines that cannot be read are left out."""
    try:
        lines = read_regular(path).split(b"\n")
    except (OSError, ValueError):
        return []
    history: list[Mapping[str, float]] = []
    for line in lines:
        try:
            row = parse_json(line)
        except ValueError:
            continue  # also the last line of a run that was killed
        if isinstance(row, dict):
            history.append(finite_numbers(row))
    return history


def output_folder(recorded: Path, setting: str, summary: Path) -> Path:
    """The folder of the poses: as recorded or, if the runs were copied, the one relative to a parent of the summary."""
    candidates = [recorded, *(parent / setting for parent in summary.resolve().parents)]
    return next((each for each in candidates if each.is_dir()), recorded)


def merge_shards(shards: Sequence[Run]) -> Run:
    """One run from its shards."""
    if len(shards) == 1:
        return shards[0]
    shards = sorted(shards, key=lambda each: each.shards)
    first = shards[0]
    worst = max(shards, key=lambda each: (each.exit_code is None, each.exit_code or 0))
    errors: Counter[str] = Counter()
    for each in shards:
        errors.update(each.errors)
    keys = dict.fromkeys(key for each in shards for key in each.metrics)
    return replace(
        first,
        folders=tuple(folder for each in shards for folder in each.folders),
        shards=tuple(shard for each in shards for shard in each.shards),
        state=worst.state,
        exit_code=worst.exit_code,
        metrics={key: merge_metric(key, shards) for key in keys},
        errors=errors,
        samples=tuple(sample for each in shards for sample in each.samples),
    )


def merge_metric(key: str, shards: Sequence[Run]) -> float:
    """A metric of shards, which may have run side by side or one after the other.

    Counts and the seconds of stages are summed. The time is that from the first start to the last end, and the speed
    that of all together once started. Measures of poses are weighted by the number of poses.
    """
    having = [each for each in shards if key in each.metrics]
    values = [each.metrics[key] for each in having]
    if key in COUNTS or key.startswith("seconds/"):
        return sum(values)
    if key == "device_memory_mb":
        return max(values)
    if key == "seconds":
        starts = [each.ended - seconds for each, seconds in zip(having, values, strict=True)]
        return max(each.ended for each in having) - min(starts)
    if key == "poses_per_second":
        return joint_rate((each.metrics.get("poses_done", 0), each.metrics[key], each.ended) for each in having)
    weights = [each.metrics.get("poses_done", 0.0) for each in having]
    total = sum(weights)
    return sum(weight * value for weight, value in zip(weights, values, strict=True)) / total if total else values[0]


def flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings with dotted keys. Raises ValueError for what no settings can be: deep, long or huge values."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, dict) and value:
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            check_setting(value)
            flat[f"{prefix}{key}"] = value
        if prefix.count(".") > MAX_DEPTH or len(flat) > MAX_SETTINGS:
            raise ValueError("the settings are nested too deeply, or too many")
    return flat


def check_setting(value: object, depth: int = 0) -> None:
    """Raises ValueError for a value that is nested too deeply, or a number that is too large."""
    if depth > MAX_DEPTH:
        raise ValueError("a setting is nested too deeply")
    if isinstance(value, (list, dict)):
        for each in value.values() if isinstance(value, dict) else value:
            check_setting(each, depth + 1)
    elif isinstance(value, int | float) and not abs(value) <= MAX_NUMBER:
        raise ValueError("a setting is too large a number")
