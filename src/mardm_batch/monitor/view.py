"""A snapshot of a sweep as lines for the terminal."""

import math
import socket

from rich.console import Group
from rich.text import Text

from mardm_batch.dataset.progress import SECONDS_UNTIL_LOST
from mardm_batch.monitor.snapshot import Shard, Snapshot
from mardm_batch.system.terminal import clock, printable

MAX_BAR_WIDTH = 60
SUCCESS, ACTIVE, WARNING, ERROR, FAINT = "green4", "deep_sky_blue3", "dark_orange3", "indian_red", "grey50"
"""Colours that are legible on dark and on light backgrounds."""

STYLES = {
    "starting": ACTIVE,
    "running": ACTIVE,
    "finished": SUCCESS,
    "incomplete": WARNING,
    "interrupted": WARNING,
}


def render_snapshot(snapshot: Snapshot, width: int, height: int | None) -> Group:
    """The snapshot in lines of at most `width` cells.

    Where these are more than `height`, the details are left out, then the finished shards.
    """
    title = "run" if snapshot.sweep is None else f"sweep {snapshot.sweep}"
    hidden = f" · {snapshot.older_records_hidden} older records not shown" if snapshot.older_records_hidden else ""
    header = [Text.assemble((printable(title), "bold"), (printable(f"{hidden} · {snapshot.output}"), FAINT)), Text()]
    *rows, total_row = progress_lines(snapshot, width)
    footer = [total_row, *summary_lines(snapshot)]
    blocks = [
        [row, *detail_lines(shard, snapshot.time), Text()] for row, shard in zip(rows, snapshot.shards, strict=True)
    ]
    room = math.inf if height is None else max(height - len(header) - len(footer), 1)
    if sum(map(len, blocks)) > room:
        order = sorted(range(len(rows)), key=lambda index: snapshot.shards[index].state == "finished")
        blocks = [[rows[index]] for index in order]
        if len(blocks) > room:
            blocks = blocks[: int(room) - 1]
            more = f"and {len(rows) - len(blocks)} more shards; enlarge the window to see them"
            blocks.append([Text(more, FAINT)])
    lines = [*header, *(line for block in blocks for line in block), *footer]
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return Group(*lines)


def progress_lines(snapshot: Snapshot, width: int) -> list[Text]:
    """A line for each shard and one for all: name, bar, finished of all, per cent, rate, time left or state."""
    totals = snapshot.totals
    style = SUCCESS if totals.finished == totals.total and not snapshot.not_started else ACTIVE
    rows = [("total", totals.finished, totals.total, totals.poses_per_second, totals.seconds_left, "", style)]
    for shard in reversed(snapshot.shards):
        record, style = shard.record, STYLES.get(shard.state, ERROR)
        numbers = (shard.finished, record.total, record.poses_per_second, shard.seconds_left)
        rows.insert(0, (printable(record.shard), *numbers, shard.state, style))
    columns = [
        (
            name,
            f"{finished:,} / {total:,}",
            f"{100 * finished // max(total, 1)} %",
            f"{rate:.{1 if rate >= 1 else 2}f} poses/s",
            state if left is None else f"{clock(left)} left",
        )
        for name, finished, total, rate, left, state, _ in rows
    ]
    widths = [max(map(len, column)) for column in zip(*columns, strict=True)]
    length = min(max(width - sum(widths) - 2 * len(widths), 4), MAX_BAR_WIDTH)
    lines = []
    for (name, *cells), (_, finished, total, *_, style) in zip(columns, rows, strict=True):
        filled = length * min(finished, total) // total if total else length
        bar = ("━" * filled, style), ("─" * (length - filled), FAINT)
        aligned = "".join(f"  {cell:>{cell_width}}" for cell, cell_width in zip(cells, widths[1:], strict=True))
        lines.append(Text.assemble((f"{name:<{widths[0]}}  ", "bold"), *bar, aligned))
    return lines


def detail_lines(shard: Shard, now: float) -> list[Text]:
    """State, process and device of a shard; its newest poses; its failures."""
    record, silence = shard.record, now - shard.record.updated
    process = f"process {record.pid}" + ("" if record.host == socket.gethostname() else f" on {record.host}")
    if shard.alive:
        parts = [f"{process} running for {duration(now - record.started)}"]
    elif shard.state == "died":
        parts = [f"{process} no longer exists, last record {duration(silence)} ago"]
    else:
        parts = [f"ended {duration(silence)} ago" + (f" with exit code {record.exit_code}" if record.exit_code else "")]
    if shard.alive and silence > SECONDS_UNTIL_LOST:
        parts.append(f"no record for {duration(silence)}")
    if record.device:
        parts.append(record.device + (f" {gigabytes(record.device_memory_mb)}" if record.device_memory_mb else ""))
    if (gpu := shard.gpu) is not None:
        parts.append(f"GPU {gpu.busy_percent} %, {gigabytes(gpu.used_mb)} of {gigabytes(gpu.total_mb)}")
    state = (printable(shard.state), STYLES.get(shard.state, ERROR))
    lines = [Text.assemble("  ", state, (printable("".join(f" · {part}" for part in parts)), FAINT))]
    if record.newest:
        lines.append(Text(printable(f"  newest: {', '.join(reversed(record.newest))}"), FAINT))
    if record.failed:
        lines.append(Text(printable(f"  {record.failed} failed, last: {record.last_failure}"), ERROR))
    return lines


def summary_lines(snapshot: Snapshot) -> list[Text]:
    """Failures and disk space, shards that have not started and, for a sweep that has ended, its outcome."""
    totals = snapshot.totals
    listed = f", {totals.failures_listed} listed in failures.jsonl" if totals.failures_listed else ""
    failures = f"{totals.failed or 'none'} failed{listed}"
    disk = f" · {gigabytes(totals.disk_free_mb)} free on the disk"
    lines = [Text.assemble((failures, ERROR if totals.failed or listed else FAINT), (disk, FAINT))]
    unfinished = [f"{each.record.shard} {each.state}" for each in snapshot.shards if each.state != "finished"]
    if not snapshot.ended:
        not_started = f"not started: {', '.join(snapshot.not_started)}"
        return [*lines, Text(not_started, WARNING)] if snapshot.not_started else lines
    if not unfinished and not snapshot.not_started:
        return [*lines, Text(f"ended: all {totals.total:,} poses are finished", SUCCESS)]
    # A shard that died may have finished a few poses after its last record.
    about = "about " if any(shard.state == "died" for shard in snapshot.shards) else ""
    missing = f", {about}{totals.total - totals.finished:,} missing" if totals.finished < totals.total else ""
    shards = ", ".join([*unfinished, *(f"{name} not started" for name in snapshot.not_started)])
    advice = "run the same command again to make the missing poses; mardm_batch.verify lists them"
    return [*lines, Text(printable(f"ended{missing}: {shards}"), ERROR), Text(advice, FAINT)]


def duration(seconds: float) -> str:
    """Seconds as h:mm:ss, or as days from two days on."""
    return f"{seconds / 86400:.0f} days" if seconds >= 2 * 86400 else clock(max(seconds, 0.0))


def gigabytes(megabytes: float) -> str:
    """MiB, in GB from one GB on."""
    return f"{megabytes / 1024:.1f} GB" if megabytes >= 1024 else f"{megabytes:.0f} MB"
