"""A view of every shard of a sweep in the terminal, from the records that the shards leave in the output folder.

python -m mardm_batch.monitor [OUTPUT_DIR] [--once] [--json] [--interval SECONDS]
"""

import argparse
import importlib
import io
import json
import math
import re
import shutil
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from mardm_batch.console import clock
from mardm_batch.errors import InputError
from mardm_batch.interruption import Interrupted, interruptible
from mardm_batch.locks import shard_name
from mardm_batch.manifest import FailureList
from mardm_batch.progress import RUNNING, SECONDS_UNTIL_SILENT, Progress, read_progress

SECONDS_FOR_A_SHARD_TO_START = 30.0
"""So long after the last word of a shard the view waits for those that have none yet: a device takes one at a time."""

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


class Gpus:
    """The NVIDIA GPUs of this machine, silently none where there are none or nvidia-ml-py is not installed."""

    def __init__(self) -> None:
        self.nvml: Any = None
        self.handles: list[Any] = []
        try:
            self.nvml = importlib.import_module("pynvml")
            self.nvml.nvmlInit()
            self.handles = [self.nvml.nvmlDeviceGetHandleByIndex(n) for n in range(self.nvml.nvmlDeviceGetCount())]
        except Exception:  # no package, driver or permission: the view is whole without
            return

    def of(self, record: Progress) -> Gpu | None:
        """The GPU that a shard's process is on; in a container, which hides processes, the one the device names."""
        number = re.fullmatch(r"cuda:(\d+)", record.device)
        if number is None or record.host != socket.gethostname() or not self.handles:
            return None
        try:
            pids = [[each.pid for each in self.nvml.nvmlDeviceGetComputeRunningProcesses(one)] for one in self.handles]
            place = next((place for place, here in enumerate(pids) if record.pid in here), int(number[1]))
            memory = self.nvml.nvmlDeviceGetMemoryInfo(self.handles[place])
            busy = self.nvml.nvmlDeviceGetUtilizationRates(self.handles[place]).gpu
            return Gpu(int(busy), memory.used / 2**20, memory.total / 2**20)
        except Exception:  # a GPU that does not tell
            return None


def look(output: Path, gpus: Gpus) -> View:
    """The newest sweep, or the newest run with the others of its split, and whatever else is alive.

    Raises:
        InputError: there is no such folder, or no run has left a record in it.
    """
    start = f"start a run first: python -m mardm_batch paths.output={output}"
    if not output.is_dir():
        raise InputError(f"{output}: there is no such folder; {start}")
    records = sorted(read_progress(output), key=in_order)
    if not records:
        raise InputError(f"{output}: no run has left a record here yet; {start}")
    newest = max(records, key=lambda record: record.started)
    shards = tuple(
        look_at(record, alive, gpus)
        for record in records
        if (alive := record.alive) or kinship(record) == kinship(newest)
    )
    split = int(newest.shard.partition("-of-")[2] or 0)
    shown = {shard.record.shard for shard in shards}
    not_started = tuple(name for number in range(split) if (name := shard_name(number, split)) not in shown)
    now = time.time()
    waiting = not_started and now - max(shard.record.updated for shard in shards) < SECONDS_FOR_A_SHARD_TO_START
    ended = not waiting and not any(shard.alive for shard in shards)
    totals = totals_of(shards, output)
    return View(str(output), now, newest.sweep, ended, shards, not_started, len(records) - len(shards), totals)


def kinship(record: Progress) -> tuple[str | None, str]:
    """Equal for the records of one sweep, and for shards of one split that were started by hand."""
    return record.sweep, record.shard.partition("-of-")[2] if record.sweep is None else ""


def in_order(record: Progress) -> list[str]:
    """Sort key of names with numbers in them: 2 before 10."""
    return [part.zfill(9) for part in re.split(r"(\d+)", record.shard)]


def look_at(record: Progress, alive: bool, gpus: Gpus) -> Shard:
    finished = record.finished_before + record.done
    return Shard(
        state="died" if record.state in RUNNING and not alive else record.state,
        alive=alive,
        finished=finished,
        missing=record.total - finished,
        seconds_left=record.seconds_left if alive else None,
        gpu=gpus.of(record) if alive else None,
        record=record,
    )


def totals_of(shards: Sequence[Shard], output: Path) -> Totals:
    records = [shard.record for shard in shards]
    rates = [shard.record.poses_per_second for shard in shards if shard.alive]
    seconds = max(each.updated for each in records) - min(each.started for each in records)
    try:
        listed = len(FailureList(output).read())
    except (OSError, ValueError):  # being replaced on a shared disk, or not text
        listed = 0
    return Totals(
        finished=sum(shard.finished for shard in shards),
        total=sum(each.total for each in records),
        poses_per_second=sum(rates) if rates else sum(each.done for each in records) / max(seconds, 1.0),
        seconds_left=max((shard.seconds_left for shard in shards if shard.seconds_left is not None), default=None),
        failed=sum(each.failed for each in records),
        failures_listed=listed,
        disk_free_mb=shutil.disk_usage(output).free / 2**20,
    )


# How it looks. Axes: a list is of lines, each one line of the terminal.


def picture(view: View, width: int, height: int | None) -> Group:
    """The view in lines of `width` cells; where it has more than `height`, the details go, then finished shards."""
    runs = "run" if view.sweep is None else f"sweep {view.sweep}"
    hidden = f" · {view.older_records_hidden} older records not shown" if view.older_records_hidden else ""
    head = [Text.assemble((plain(runs), "bold"), (plain(f"{hidden} · {view.output}"), FAINT)), Text()]
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
        rows.insert(0, (plain(record.shard), *numbers, shard.state, style))
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
    if shard.alive and silence > SECONDS_UNTIL_SILENT:
        parts.append(f"silent for {span(silence)}")
    if record.device:
        parts.append(record.device + (f" {gigabytes(record.device_memory_mb)}" if record.device_memory_mb else ""))
    if (gpu := shard.gpu) is not None:
        parts.append(f"GPU {gpu.busy_percent} %, {gigabytes(gpu.used_mb)} of {gigabytes(gpu.total_mb)}")
    state = (plain(shard.state), STYLES.get(shard.state, BAD))
    lines = [Text.assemble("  ", state, (plain("".join(f" · {part}" for part in parts)), FAINT))]
    if record.newest:
        lines.append(Text(plain(f"  newest: {', '.join(reversed(record.newest))}"), FAINT))
    if record.failed:
        lines.append(Text(plain(f"  {record.failed} failed, last: {record.last_failure}"), BAD))
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
    missing = f", {totals.total - totals.finished:,} missing" if totals.finished < totals.total else ""
    shards = ", ".join([*unfinished, *(f"{name} not started" for name in view.not_started)])
    advice = "run the same command again for what is missing; mardm_batch.verify counts it"
    return [*lines, Text(plain(f"ended{missing}: {shards}"), BAD), Text(advice, FAINT)]


def plain(text: str) -> str:
    """Names and errors can hold anything: here nothing that steers the terminal or breaks the line."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def span(seconds: float) -> str:
    return f"{seconds / 86400:.0f} days" if seconds >= 2 * 86400 else clock(max(seconds, 0.0))


def gigabytes(megabytes: float) -> str:
    return f"{megabytes / 1024:.1f} GB" if megabytes >= 1024 else f"{megabytes:.0f} MB"


# The command.


def watch(view: View, look_again: Callable[[], View], console: Console, interval: float) -> View:
    """Show the view, renewed, until the sweep has ended or Ctrl-C; the last is returned."""

    def fitted() -> Group:
        return picture(view, console.width, console.height)

    with suppress(Interrupted), interruptible(), Live(console=console, screen=True, get_renderable=fitted):
        while not view.ended:
            time.sleep(interval)
            view = look_again()
    return view


def seconds_between_looks(text: str) -> float:
    seconds = float(text)
    if not 0.05 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text} is not allowed; use 0.05 to 3600 seconds")
    return seconds


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m mardm_batch.monitor",
        description="Show how far the shards of a sweep are, from the records that they leave in the output folder: "
        "from another terminal, over a shared disk or afterwards. Ends when the sweep has; Ctrl-C ends the view alone.",
        epilog="Exit codes: 0; 2 where no run has left a record. Example: python -m mardm_batch.monitor SinglePose",
    )
    parser.add_argument("output_dir", type=Path, nargs="?", default=Path("SinglePose"), help="default: SinglePose")
    parser.add_argument("--once", action="store_true", help="print it a single time, as where there is no terminal")
    parser.add_argument("--json", action="store_true", help="print it a single time, as one JSON object")
    parser.add_argument("--interval", type=seconds_between_looks, default=1.0, help="seconds (default: 1)")
    options = parser.parse_args(arguments)
    output, gpus, console = options.output_dir.expanduser(), Gpus(), Console(highlight=False)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # names in letters that the terminal cannot show
    try:
        view = look(output, gpus)
        if options.json:
            print(json.dumps(asdict(view)))
            return 0
        if console.is_interactive and not options.once and not view.ended:
            view = watch(view, lambda: look(output, gpus), console, options.interval)
        console.print(picture(view, console.width, None))
    except (InputError, OSError) as error:
        parser.exit(2, f"{error}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
