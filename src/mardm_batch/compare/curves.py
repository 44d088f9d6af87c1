"""Curves of metrics over the time and the poses of runs, from `metrics.jsonl` in their folders, for inline SVG."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mardm_batch.compare.runs import METRICS_FILE, Run, read_history
from mardm_batch.compare.tables import format_number, metric_label
from mardm_batch.system.terminal import clock

CURVES: Final = ("poses_done", "poses_per_second", "bone_length_error_cm", "conditions_met")
AXES: Final = {"Over time": "seconds", "Over poses": "poses_done"}
"""What the curves are over, by the title of their section."""
WIDTH, HEIGHT = 200, 60
"""Of the drawing, in its own units."""
MAX_POINTS: Final = 150
MAX_SHARDS: Final = 32
Point = tuple[float, float]


@dataclass(frozen=True)
class CurveCell:
    """A run's curves of a metric, one per shard, as the `points` of SVG's polylines; `words`: their last values."""

    lines: tuple[str, ...]
    words: str


@dataclass(frozen=True)
class CurveRow:
    """The curves of a metric for each run, on scales that the row shares; `words` says which."""

    label: str
    words: str
    cells: tuple[CurveCell, ...]


def curve_rows(runs: Sequence[Run], axis: str) -> Iterator[CurveRow]:
    """A row for each metric that changes over the time, or the poses, of a run. `axis`: the metric that tells them."""
    histories = [[read_history(folder / METRICS_FILE) for folder in run.folders[:MAX_SHARDS]] for run in runs]
    for key in CURVES:
        if key == axis:
            continue
        curves = [[points_of(history, key, axis) for history in of_run] for of_run in histories]
        drawn = [point for of_run in curves for line in of_run for point in line]
        if not drawn:
            continue
        end = max(x for x, _ in drawn)
        low, high = min(0.0, *(y for _, y in drawn)), max(0.0, *(y for _, y in drawn))
        if end <= 0 or low == high:
            continue
        whole = clock(end) if axis == "seconds" else f"{end:,.0f} poses"
        yield CurveRow(
            metric_label(key),
            f"{format_number(low)} to {format_number(high)} in {whole}",
            tuple(
                CurveCell(
                    tuple(polyline(line, end, low, high) for line in of_run if line),
                    ", ".join(format_number(line[-1][1]) for line in of_run if line),
                )
                for of_run in curves
            ),
        )


def points_of(history: Sequence[Mapping[str, float]], key: str, axis: str) -> list[Point]:
    """Some of the points (value of the axis, value), the last one among them; none where there are fewer than two."""
    points = sorted((float(row[axis]), float(row[key])) for row in history if key in row and axis in row)
    points = [point for point in points if point[0] >= 0]
    if len(points) < 2:
        return []
    step = -(-len(points) // MAX_POINTS)
    return [*points[:-1:step], points[-1]]


def polyline(points: Sequence[Point], end: float, low: float, high: float) -> str:
    """The points in the units of the drawing, whose y axis points down."""
    scaled = ((WIDTH * x / end, HEIGHT * (high - y) / (high - low)) for x, y in points)
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in scaled)
