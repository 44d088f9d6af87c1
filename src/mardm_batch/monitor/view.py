"""What the monitor shows of a sweep: its state at one moment, and that state in lines for the terminal."""

import math
import socket
from dataclasses import dataclass

from rich.console import Group
from rich.text import Text

from mardm_batch.dataset.progress import SECONDS_UNTIL_LOST, Progress
from mardm_batch.system.terminal import clock, printable

WIDEST_BAR = 60
GOOD, AT_WORK, ODD, BAD, FAINT = "green4", "deep_sky_blue3", "dark_orange3", "indian_red", "grey50"
"""Colours that can be read on dark and on light."""

STYLES = {"starting": AT_WORK, "running": AT_WORK, "finished": GOOD, "incomplete": ODD, "interrupted": ODD}


@dataclass(frozen=True)
class Gpu:
    """An NVIDIA GPU with all that runs on it: per cent of the time busy, memory in MiB."""

    busy_percent: int
    used_mb: float
    total_mb: float


@dataclass(frozen=True)
class Shard:
    """A shard at the moment it was looked at."""

    state: str
    """As the record has it, or `died` where that says running and the process is gone."""
    alive: bool
    finished: int
    """Poses, those included that were there before."""
    missing: int
    seconds_left: float | None
    gpu: Gpu | None
    record: Progress


@dataclass(frozen=True)
class Totals:
    """All shards together."""

    finished: int
    total: int
    poses_per_second: float
    """Of the shards at work; where none is, of the whole sweep from its start to its end."""
    seconds_left: float | None
    """The longest of the shards'."""
    failed: int
    failures_listed: int
    """In `failures.jsonl`, those of older runs too."""
    disk_free_mb: float


@dataclass(frozen=True)
class View:
    """A sweep at one moment, as `--json` prints it."""

    output: str
    time: float
    sweep: str | None
    ended: bool
    """Whether no shard is at work and none is about to start."""
    shards: tuple[Shard, ...]
    not_started: tuple[str, ...]
    """Shards of the same split that have no record of this sweep."""
    older_records_hidden: int
    totals: Totals


def picture(view: View, width: int, height: int | None) -> Group:
    """The view in lines of `width` cells; where it has more than `height`, the details go, then finished shards."""
    runs = "run" if view.sweep is None else f"sweep {view.sweep}"
    hidden = f" · {view.older_records_hidden} older records not shown" if view.older_records_hidden else ""
    head = [Text.assemble((printable(runs), "bold"), (printable(f"{hidden} · {view.output}"), FAINT)), Text()]
    *rows, together = bars(view, width)
    foot = [together, *closing(view)]
    blocks = [[row, *details(shard, view.time), Text()] for row, shard in zip(rows, view.shards, strict=True)]
    room = math.inf if height is None else max(height - len(head) - len(foot), 1)
    if sum(map(len, blocks)) > room:
        order = sorted(range(len(rows)), key=lambda place: view.shards[place].state == "finished")
        blocks = [[rows[place]] for place in order]
        if len(blocks) > room:
            blocks = blocks[: int(room) - 1]
            blocks.append([Text(f"and {len(rows) - len(blocks)} more shards; a higher window shows them", FAINT)])
    lines = [*head, *(line for block in blocks for line in block), *foot]
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return Group(*lines)


def bars(view: View, width: int) -> list[Text]:
    """A line for each shard and one for all, in columns: name, bar, done of all, per cent, rate, time left or state."""
    totals = view.totals
    together = GOOD if totals.finished == totals.total and not view.not_started else AT_WORK
    rows = [("together", totals.finished, totals.total, totals.poses_per_second, totals.seconds_left, "", together)]
    for shard in reversed(view.shards):
        record, style = shard.record, STYLES.get(shard.state, BAD)
        numbers = (shard.finished, record.total, record.poses_per_second, shard.seconds_left)
        rows.insert(0, (printable(record.shard), *numbers, shard.state, style))
    columns = [
        (
            name,
            f"{done:,} / {total:,}",
            f"{100 * done // max(total, 1)} %",
            f"{rate:.{1 if rate >= 1 else 2}f} poses/s",
            state if left is None else f"{clock(left)} left",
        )
        for name, done, total, rate, left, state, _ in rows
    ]
    widths = [max(map(len, column)) for column in zip(*columns, strict=True)]
    length = min(max(width - sum(widths) - 2 * len(widths), 4), WIDEST_BAR)
    lines = []
    for (name, *cells), (_, done, total, *_, style) in zip(columns, rows, strict=True):
        filled = length * min(done, total) // total if total else length
        bar = ("━" * filled, style), ("─" * (length - filled), FAINT)
        aligned = "".join(f"  {cell:>{cell_width}}" for cell, cell_width in zip(cells, widths[1:], strict=True))
        lines.append(Text.assemble((f"{name:<{widths[0]}}  ", "bold"), *bar, aligned))
    return lines


def details(shard: Shard, now: float) -> list[Text]:
    """State, process and device; the newest files; the failures."""
    record, silence = shard.record, now - shard.record.updated
    process = f"process {record.pid}" + ("" if record.host == socket.gethostname() else f" on {record.host}")
    if shard.alive:
        parts = [f"{process} alive for {span(now - record.started)}"]
    elif shard.state == "died":
        parts = [f"{process} is gone, last heard of {span(silence)} ago"]
    else:
        parts = [f"ended {span(silence)} ago" + (f" with exit code {record.exit_code}" if record.exit_code else "")]
    if shard.alive and silence > SECONDS_UNTIL_LOST:
        parts.append(f"silent for {span(silence)}")
    if record.device:
        parts.append(record.device + (f" {gigabytes(record.device_memory_mb)}" if record.device_memory_mb else ""))
    if (gpu := shard.gpu) is not None:
        parts.append(f"GPU {gpu.busy_percent} %, {gigabytes(gpu.used_mb)} of {gigabytes(gpu.total_mb)}")
    state = (printable(shard.state), STYLES.get(shard.state, BAD))
    lines = [Text.assemble("  ", state, (printable("".join(f" · {part}" for part in parts)), FAINT))]
    if record.newest:
        lines.append(Text(printable(f"  newest: {', '.join(reversed(record.newest))}"), FAINT))
    if record.failed:
        lines.append(Text(printable(f"  {record.failed} failed, last: {record.last_failure}"), BAD))
    return lines


def closing(view: View) -> list[Text]:
    """Failures and disk, shards that have not started, and, when it has ended, how."""
    totals = view.totals
    listed = f", {totals.failures_listed} listed in failures.jsonl" if totals.failures_listed else ""
    failures = f"{totals.failed or 'none'} failed{listed}"
    disk = f" · {gigabytes(totals.disk_free_mb)} free on the disk"
    lines = [Text.assemble((failures, BAD if totals.failed or listed else FAINT), (disk, FAINT))]
    unfinished = [f"{each.record.shard} {each.state}" for each in view.shards if each.state != "finished"]
    if not view.ended:
        return [*lines, Text(f"not started: {', '.join(view.not_started)}", ODD)] if view.not_started else lines
    if not unfinished and not view.not_started:
        return [*lines, Text(f"ended: all {totals.total:,} poses are finished", GOOD)]
    about = "about " if any(shard.state == "died" for shard in view.shards) else ""  # it may have written a few more
    missing = f", {about}{totals.total - totals.finished:,} missing" if totals.finished < totals.total else ""
    shards = ", ".join([*unfinished, *(f"{name} not started" for name in view.not_started)])
    advice = "run the same command again for what is missing; mardm_batch.verify counts it"
    return [*lines, Text(printable(f"ended{missing}: {shards}"), BAD), Text(advice, FAINT)]


def span(seconds: float) -> str:
    return f"{seconds / 86400:.0f} days" if seconds >= 2 * 86400 else clock(max(seconds, 0.0))


def gigabytes(megabytes: float) -> str:
    return f"{megabytes / 1024:.1f} GB" if megabytes >= 1024 else f"{megabytes:.0f} MB"
