"""A snapshot of a sweep as lines for the terminal."""

import math
from pathlib import Path
from textwrap import wrap

from rich.console import Group
from rich.text import Text

from mardm_batch.dataset.queues import QUEUED
from mardm_batch.monitor.snapshot import LOST, NOT_STARTED, REQUEUED, Shard, Snapshot, problem_with_record
from mardm_batch.prompts.shards import WHOLE_LIST, described_shard
from mardm_batch.sampling.vocabulary import advice_about_unreadable
from mardm_batch.system.terminal import clock, counted, printable, rate_text

MAX_BAR_WIDTH = 60
SECONDS_UNTIL_SILENT = 30.0
"""Since the last record of a shard that runs, from which on they are shown."""
MAX_ENDING_LINES = 4
"""Of the names of shards that did not finish."""
MAX_DETAIL_LINES = 3
"""Of the state of a shard with its process and device."""
MIN_DETAIL_WIDTH = 60
"""Cells, below which these are cut rather than broken into more lines."""
MAX_NAME, MAX_STATE = 40, 40
"""Characters of a shard's name and state that are shown."""
SUCCESS, ACTIVE, WARNING, ERROR, FAINT = "green4", "deep_sky_blue3", "dark_orange3", "indian_red", "grey50"
"""Colours that are legible on dark and on light backgrounds."""

STYLES = {
    "starting": ACTIVE,
    "running": ACTIVE,
    "finished": SUCCESS,
    "incomplete": WARNING,
    "interrupted": WARNING,
    REQUEUED: WARNING,
    QUEUED: FAINT,
    NOT_STARTED: FAINT,
}

RUN_STATES = {
    "died": "died",
    "crashed": "crashed",
    "interrupted": "was interrupted",
    "refused": "was refused",
    NOT_STARTED: "has not started",
}
"""States of the run of a whole list in a sentence; any other follows "is"."""

Row = tuple[str, int, int | None, float | None, float | None, str, str]
"""Name, finished poses, all poses, rate, seconds left, state and style."""


def render_snapshot(snapshot: Snapshot, width: int, height: int | None) -> Group:
    """The snapshot in lines of at most `width` cells.

    Where these are more than `height`, the details are left out, then the finished shards.
    """
    title = "run" if snapshot.sweep is None else f"sweep {snapshot.sweep}"
    older = counted(snapshot.older_records_hidden, "older record")
    hidden = f" · {older} not shown" if snapshot.older_records_hidden else ""
    header = [Text.assemble((printable(title), "bold"), (printable(f"{hidden} · {snapshot.output}"), FAINT)), Text()]
    *rows, total_row = progress_lines(snapshot, width)
    footer = [total_row, *summary_lines(snapshot, width)]
    details = [[*detail_lines(shard, snapshot.time, width), Text()] for shard in snapshot.shards]
    details += [reason_lines(each.reason, STYLES.get(each.state, ERROR)) for each in snapshot.waiting]
    if snapshot.waiting:
        details[-1].append(Text())
    states = [each.state for each in snapshot.shards] + [each.state for each in snapshot.waiting]
    blocks = [[row, *below] for row, below in zip(rows, details, strict=True)]
    room = math.inf if height is None else max(height - len(header) - len(footer), 1)
    if sum(map(len, blocks)) > room:
        order = sorted(range(len(rows)), key=lambda index: states[index] == "finished")
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
    complete = totals.finished == totals.total and not snapshot.not_started
    rows: list[Row] = []
    for shard in snapshot.shards:
        record, rate = shard.record, shard.record.poses_per_second if shard.record.done else None
        state, style = shown_state(shard.state), STYLES.get(shard.state, ERROR)
        name = "part of the list" if record.shard == WHOLE_LIST and record.left_out else described_shard(record.shard)
        rows.append((name, shard.finished, record.total, rate, shard.seconds_left, state, style))
    for each in snapshot.waiting:
        state, style = shown_state(each.state), STYLES.get(each.state, ERROR)
        rows.append((described_shard(each.shard), each.finished, each.total, None, None, state, style))
    style, rate = SUCCESS if complete else ACTIVE, totals.poses_per_second
    rows.append(("total", totals.finished, totals.total, rate, totals.seconds_left, "", style))
    columns = [
        (
            printable(name, MAX_NAME),
            f"{finished:,} / {'?' if total is None else f'{total:,}'}",
            "" if total == 0 else f"{100 * finished // max(total or 0, 1)} %",
            rate_text(rate) if rate else "",
            state if left is None else f"{clock(left)} left",
        )
        for name, finished, total, rate, left, state, _ in rows
    ]
    widths = [max(map(len, column)) for column in zip(*columns, strict=True)]
    length = min(max(width - sum(widths) - 2 * len(widths), 4), MAX_BAR_WIDTH)
    lines = []
    for (name, *cells), (_, finished, total, *_, style) in zip(columns, rows, strict=True):
        filled = length * min(finished, total) // total if total else length * (total == 0)
        bar = ("━" * filled, style), ("─" * (length - filled), FAINT)
        aligned = "".join(f"  {cell:>{cell_width}}" for cell, cell_width in zip(cells, widths[1:], strict=True))
        lines.append(Text.assemble((f"{name:<{widths[0]}}  ", "bold"), *bar, aligned))
    return lines


def detail_lines(shard: Shard, now: float, width: int) -> list[Text]:
    """State, process and device of a shard; its newest poses; its failures."""
    record = shard.record
    silence = now - record.updated if record.silence is None else record.silence
    process = f"process {record.pid}" if record.is_here and record.job is None else record.place
    if shard.alive:
        parts = [f"{process} running for {duration(now - record.started)}"]
    elif shard.state == "died":
        ended = "no longer exists" if shard.signal is None else f"was killed by {shard.signal}"
        parts = [f"{process} {ended}, last record {duration(silence)} ago"]
    elif shard.state in (LOST, REQUEUED):
        parts = [f"{process}, last record {duration(silence)} ago"]
    else:
        parts = [f"ended {duration(silence)} ago" + (f" with exit code {record.exit_code}" if record.exit_code else "")]
    if shard.alive and silence > SECONDS_UNTIL_SILENT:
        parts.append(f"no record for {duration(silence)}")
    if record.device:
        parts.append(record.device + (f" {gigabytes(record.device_memory_mb)}" if record.device_memory_mb else ""))
    if (gpu := shard.gpu) is not None:
        parts.append(f"GPU {gpu.busy_percent} %, {gigabytes(gpu.used_mb)} of {gigabytes(gpu.total_mb)}")
    state, style = shown_state(shard.state), STYLES.get(shard.state, ERROR)
    first, *more = indented(" · ".join([state, *parts]), width)
    lines = [Text(first, FAINT), *(Text(each, FAINT) for each in more)]
    lines[0].stylize(style, 2, 2 + len(state))
    if record.newest:
        lines.append(Text(printable(f"  newest: {', '.join(reversed(record.newest))}"), FAINT))
    if record.failed:
        lines.append(Text(printable(f"  {record.failed} failed, last: {record.last_failure}"), ERROR))
    return [*lines, *reason_lines(shard.reason, style)]


def reason_lines(reason: str | None, style: str) -> list[Text]:
    """Why a shard is in its state, where it is known."""
    return [] if reason is None else [Text(printable(f"  {reason}"), style)]


def indented(text: str, width: int) -> list[str]:
    """A text in lines below the row of its shard; a dot that separates parts stays with the one that follows it."""
    joined = printable(text).replace(" · ", " ·\u00a0")
    below = wrap(
        joined,
        max(width, MIN_DETAIL_WIDTH),
        initial_indent="  ",
        subsequent_indent="    ",
        max_lines=MAX_DETAIL_LINES,
        placeholder=" …",
        break_on_hyphens=False,
    )
    return [each.replace("\u00a0", " ") for each in below] or [""]


def shown_state(state: str) -> str:
    return printable(state, MAX_STATE)


def summary_lines(snapshot: Snapshot, width: int) -> list[Text]:
    """Failures and disk space, shards that have not started and, for a sweep that has ended, its outcome."""
    totals = snapshot.totals
    listed = f", {totals.failures_listed} listed in failures.jsonl" if totals.failures_listed else ""
    failures = f"{totals.failed or 'none'} failed{listed}"
    disk = f" · {gigabytes(totals.disk_free_mb)} free on the disk"
    lines = [Text.assemble((failures, ERROR if totals.failed or listed else FAINT), (disk, FAINT))]
    for path, why in list(snapshot.unreadable_records.items())[:1]:
        others = len(snapshot.unreadable_records) - 1
        more = f" (and {others} more such files)" if others else ""
        problem = f"{path} {problem_with_record(why, Path(snapshot.output))}{more}"
        lines += [Text(each, ERROR) for each in wrap(printable(problem), width)]
    if snapshot.more_not_started:
        lines.append(Text(f"{counted(snapshot.more_not_started, 'more shard')} not started", WARNING))
    if totals.left_out:
        listed_poses = f"{totals.finished + totals.left_out_finished:,} of {totals.total + totals.left_out:,} poses"
        lines.append(Text(f"with those that were not requested: {listed_poses} of the list are finished", FAINT))
    ends = [(each.record.shard, each.state) for each in snapshot.shards]
    ends += [(each.shard, each.state) for each in snapshot.waiting]
    unfinished = [outcome(name, state) for name, state in ends if state != "finished"]
    if not snapshot.ended:
        return lines
    if not unfinished and not snapshot.more_not_started:
        if not totals.total:
            return [*lines, Text("ended: no pose was requested", SUCCESS)]
        words = "1 pose is" if totals.total == 1 else f"all {totals.total:,} poses are"
        return [*lines, Text(f"ended: {words} finished", SUCCESS)]
    number = totals.total - totals.finished
    up_to = "" if all(shard.counted for shard in snapshot.shards) else "up to "
    missing = f", {up_to}{number:,} missing" if number > 0 else ""
    ending = printable(f"ended{missing}: {', '.join(unfinished)}")
    advice = []
    if not 0 < number <= totals.unreadable_captions:
        advice.append("run the same command again to make the missing poses; mardm_batch.verify lists them")
    if number > 0 and totals.unreadable_captions:
        advice.append(advice_about_unreadable(min(totals.unreadable_captions, number)))
    return [
        *lines,
        *(Text(each, ERROR) for each in wrap(ending, width, max_lines=MAX_ENDING_LINES, break_on_hyphens=False)),
        *(Text(line, FAINT) for each in advice for line in wrap(each, width)),
    ]


def outcome(shard: str, state: str) -> str:
    """How a shard ended: "shard-0-of-3 died", of the whole list "the run was interrupted"."""
    if shard != WHOLE_LIST:
        return f"{shard} {state}"
    return f"the run {RUN_STATES.get(state, f'is {state}')}"


def duration(seconds: float) -> str:
    """Seconds as h:mm:ss, or as days from two days on."""
    return f"{seconds / 86400:.0f} days" if seconds >= 2 * 86400 else clock(max(seconds, 0.0))


def gigabytes(megabytes: float) -> str:
    """MiB, in GB from one GB on."""
    return f"{megabytes / 1024:.1f} GB" if megabytes >= 1024 else f"{megabytes:.0f} MB"
