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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleOptions
from rich.live import Live
from rich.text import Text

from mardm_batch.console import clock
from mardm_batch.errors import InputError
from mardm_batch.interruption import Interrupted, interruptible
from mardm_batch.locks import shard_name
from mardm_batch.manifest import Failure, FailureList
from mardm_batch.progress import RUNNING, SECONDS_UNTIL_SILENT, Progress, read_progress

SECONDS_FOR_A_SHARD_TO_START = 30.0
"""So long after the last word of a shard the view waits for those that have none yet: a device takes one at a time."""

# Legible on dark and on light.
GOOD, AT_WORK, ODD, BAD, FAINT = "green4", "deep_sky_blue4", "dark_orange3", "red3", "grey50"
STYLES = {"starting": AT_WORK, "running": AT_WORK, "finished": GOOD, "incomplete": ODD, "interrupted": ODD}
WIDEST_BAR = 60


@dataclass(frozen=True)
class Gpu:
    """An NVIDIA GPU and all that runs on it: per cent of the time busy, memory in MB."""

    busy_percent: int
    used_mb: float
    total_mb: float


class Gpus:
    """The NVIDIA GPUs of this machine; none where there are none or nvidia-ml-py is not installed."""

    def __init__(self) -> None:
        self.nvml: Any = None
        self.handles: list[Any] = []
        try:
            self.nvml = importlib.import_module("pynvml")
            self.nvml.nvmlInit()
            self.handles = [self.nvml.nvmlDeviceGetHandleByIndex(n) for n in range(self.nvml.nvmlDeviceGetCount())]
        except Exception:  # not installed, no driver, no permission: the view is whole without
            return

    def of(self, record: Progress) -> Gpu | None:
        """The GPU that a living shard works on: the one that its process is on; in a container, where processes are not
        seen, the one of the device's number."""
        number = re.fullmatch(r"cuda:(\d+)", record.device)
        if number is None or record.host != socket.gethostname():
            return None
        try:
            own = [handle for handle in self.handles if record.pid in self.processes(handle)]
            handle = own[0] if own else self.handles[int(number[1])]
            memory = self.nvml.nvmlDeviceGetMemoryInfo(handle)
            busy = self.nvml.nvmlDeviceGetUtilizationRates(handle).gpu
            return Gpu(int(busy), memory.used / 1e6, memory.total / 1e6)
        except Exception:
            return None

    def processes(self, handle: Any) -> set[int]:
        return {each.pid for each in self.nvml.nvmlDeviceGetComputeRunningProcesses(handle)}


@dataclass(frozen=True)
class Shard:
    """A shard at the moment it was looked at."""

    record: Progress
    alive: bool
    gpu: Gpu | None

    @property
    def state(self) -> str:
        """As the record has it, or `died` where that says running and the process is gone."""
        return "died" if self.record.state in RUNNING and not self.alive else self.record.state

    @property
    def finished(self) -> int:
        return self.record.finished_before + self.record.done

    @property
    def seconds_left(self) -> float | None:
        left = self.record.seconds_left
        return left if self.alive and left is not None and math.isfinite(left) else None


@dataclass(frozen=True)
class View:
    """All shards of a sweep at one moment; prints itself as wide, and on a terminal as high, as there is room."""

    output: Path
    time: float
    sweep: str | None
    shards: tuple[Shard, ...]
    not_started: tuple[str, ...]
    """Shards of the same split that have no record of this sweep."""
    hidden: int
    """Records of older runs that are not shown."""
    failures: tuple[Failure, ...]
    """All that `failures.jsonl` lists, of older runs too."""
    disk_free: int
    """Bytes."""

    @property
    def ended(self) -> bool:
        """Whether no shard is at work and none is about to start."""
        silence = self.time - max(shard.record.updated for shard in self.shards)
        waiting = bool(self.not_started) and silence < SECONDS_FOR_A_SHARD_TO_START
        return not waiting and not any(shard.alive for shard in self.shards)

    @property
    def total(self) -> int:
        return sum(shard.record.total for shard in self.shards)

    @property
    def finished(self) -> int:
        return sum(shard.finished for shard in self.shards)

    @property
    def poses_per_second(self) -> float:
        """Of the shards at work together; where none is, of the whole sweep from its start to its end."""
        if any(shard.alive for shard in self.shards):
            return sum(shard.record.poses_per_second for shard in self.shards if shard.alive)
        records = [shard.record for shard in self.shards]
        seconds = max(each.updated for each in records) - min(each.started for each in records)
        return sum(each.done for each in records) / max(seconds, 1.0)

    @property
    def seconds_left(self) -> float | None:
        """The longest of the shards'."""
        return max((shard.seconds_left for shard in self.shards if shard.seconds_left is not None), default=None)

    def document(self) -> dict[str, Any]:
        """The view for other programs."""
        return {
            "output": str(self.output),
            "time": self.time,
            "sweep": self.sweep,
            "ended": self.ended,
            "shards": [
                {
                    **asdict(shard.record),
                    "state": shard.state,
                    "alive": shard.alive,
                    "finished": shard.finished,
                    "missing": shard.record.total - shard.finished,
                    "seconds_left": shard.seconds_left,
                    "gpu": None if shard.gpu is None else asdict(shard.gpu),
                }
                for shard in self.shards
            ],
            "not_started": list(self.not_started),
            "older_records_hidden": self.hidden,
            "totals": {
                "total": self.total,
                "finished": self.finished,
                "missing": self.total - self.finished,
                "poses_per_second": self.poses_per_second,
                "seconds_left": self.seconds_left,
                "failed": sum(shard.record.failed for shard in self.shards),
                "failures_listed": len(self.failures),
                "disk_free_bytes": self.disk_free,
            },
        }

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        *rows, total = bar_rows(self, options.max_width, "#-" if options.ascii_only else "━─")
        blocks = [[row, *details(shard, self.time), Text()] for row, shard in zip(rows, self.shards, strict=True)]
        head, foot = [heading(self), Text()], [total, *closing_lines(self)]
        room = math.inf if options.height is None else options.height - len(head) - len(foot)
        if sum(map(len, blocks)) > room:
            blocks = [[row] for row, shard in sorted(zip(rows, self.shards, strict=True), key=by_interest)]
            if len(blocks) > room:
                shown = max(int(room) - 1, 0)
                more = Text(f"and {len(blocks) - shown} more shards, in a window with more lines", FAINT)
                blocks = [*blocks[:shown], [more]]
        for line in [*head, *(line for block in blocks for line in block), *foot]:
            line.truncate(options.max_width, overflow="ellipsis")
            yield line


def look(output: Path, gpus: Gpus) -> View:
    """The newest sweep, or run on its own with the other shards of its split, and whatever else is alive.

    Raises:
        InputError: there is no such folder, or no run has left a record in it.
    """
    start = f"start a run first: python -m mardm_batch paths.output={output}"
    if not output.is_dir():
        raise InputError(f"{output}: there is no such folder; {start}")
    records = read_progress(output)
    if not records:
        raise InputError(f"{output}: no run has left a record here; {start}")
    newest = max(records, key=lambda record: record.started)
    shards, names = [], set()
    for record in sorted(records, key=in_order):
        alive = record.alive
        if alive or belongs(record) == belongs(newest):
            shards.append(Shard(record, alive, gpus.of(record) if alive else None))
            names.add(record.shard)
    split = re.fullmatch(r"shard-\d+-of-(\d+)", newest.shard)
    expected = [shard_name(number, int(split[1])) for number in range(int(split[1]))] if split else []
    return View(
        output,
        time.time(),
        newest.sweep,
        tuple(shards),
        tuple(name for name in expected if name not in names),
        len(records) - len(shards),
        failures_of(output),
        shutil.disk_usage(output).free,
    )


def belongs(record: Progress) -> tuple[str, str]:
    """Records with the same answer are of one sweep; shards started by hand are when they are of one split."""
    return ("split", record.shard.partition("-of-")[2]) if record.sweep is None else ("sweep", record.sweep)


def in_order(record: Progress) -> list[str]:
    """Sort key of names with numbers: 2 before 10."""
    return [part.zfill(9) if part.isdecimal() else part for part in re.split(r"(\d+)", record.shard)]


def failures_of(output: Path) -> tuple[Failure, ...]:
    try:
        return tuple(FailureList(output).read())
    except (OSError, ValueError):  # being replaced on a shared disk, or not text
        return ()


def by_interest(row_and_shard: tuple[Text, Shard]) -> bool:
    return row_and_shard[1].state == "finished"


# How it looks


def heading(view: View) -> Text:
    runs = f"sweep {view.sweep}" if view.sweep is not None else "run"
    hidden = f" · {view.hidden} older records not shown" if view.hidden else ""
    return Text.assemble((plain(str(view.output)), "bold"), "  ", (plain(runs + hidden), FAINT))


def bar_rows(view: View, width: int, marks: str) -> list[Text]:
    """A line for each shard and one for all together, in columns: name, bar, done of all, per cent, rate, time left."""
    numbers = [
        (shard.record.shard, shard.finished, shard.record.total, shard.record.poses_per_second, left(shard))
        for shard in view.shards
    ]
    all_left = "" if view.seconds_left is None else f"{clock(view.seconds_left)} left"
    numbers.append(("together", view.finished, view.total, view.poses_per_second, all_left))
    styles = [STYLES.get(shard.state, BAD) for shard in view.shards]
    styles.append(GOOD if view.total == view.finished and not view.not_started else AT_WORK)
    columns = [
        (
            plain(name),
            f"{done:,} / {total:,}",
            f"{100 * done // max(total, 1)} %",
            f"{rate:.{1 if rate >= 1 else 2}f} poses/s",
            last,
        )
        for name, done, total, rate, last in numbers
    ]
    name_width, *widths = [max(map(len, column)) for column in zip(*columns, strict=True)]
    length = min(max(width - name_width - sum(widths) - 2 * len(widths) - 2, 4), WIDEST_BAR)
    rows = []
    for (name, *cells), (_, done, total, _, _), style in zip(columns, numbers, styles, strict=True):
        filled = length if done >= total else length * done // total
        aligned = "".join(f"  {cell:>{cell_width}}" for cell, cell_width in zip(cells, widths, strict=True))
        bar = ((marks[0] * filled, style), (marks[1] * (length - filled), FAINT))
        rows.append(Text.assemble((f"{name:<{name_width}}  ", "bold"), *bar, aligned))
    return rows


def left(shard: Shard) -> str:
    return shard.state if shard.seconds_left is None else f"{clock(shard.seconds_left)} left"


def details(shard: Shard, now: float) -> list[Text]:
    """State, process and device; the newest files; the failures."""
    record = shard.record
    silent = now - record.updated
    where = "" if record.host == socket.gethostname() else f" on {record.host}"
    process = f"process {record.pid}{where}"
    if shard.alive:
        life = f"{process} alive for {span(now - record.started)}"
    elif shard.state == "died":
        life = f"{process} is gone, last heard of {span(silent)} ago"
    else:
        code = f" with exit code {record.exit_code}" if record.exit_code else ""
        life = f"ended{code} {span(silent)} ago"
    state = Text.assemble("  ", (plain(shard.state), STYLES.get(shard.state, BAD)), (plain(f" · {life}"), FAINT))
    if shard.alive and silent > SECONDS_UNTIL_SILENT:
        state.append(f" · silent for {span(silent)}", ODD)
    if record.device:
        memory = f" {gigabytes(record.device_memory_mb)}" if record.device_memory_mb else ""
        state.append(plain(f" · {record.device}{memory}"), FAINT)
    if shard.gpu is not None:
        gpu = shard.gpu
        state.append(f" · GPU {gpu.busy_percent} %, {gigabytes(gpu.used_mb)} of {gigabytes(gpu.total_mb)}", FAINT)
    lines = [state]
    if record.newest:
        lines.append(Text(plain(f"  newest: {', '.join(reversed(record.newest))}"), FAINT))
    if record.failed:
        lines.append(Text(plain(f"  {record.failed} failed, last: {record.last_failure}"), BAD))
    return lines


def closing_lines(view: View) -> list[Text]:
    """Failures and disk; the shards that have not started; how it ended."""
    failed = sum(shard.record.failed for shard in view.shards)
    listed = f", {len(view.failures)} listed in failures.jsonl" if view.failures else ""
    lines = [
        Text.assemble(
            (f"{failed or 'none'} failed{listed}", BAD if failed or view.failures else FAINT),
            (f" · {gigabytes(view.disk_free / 1e6)} free on the disk", FAINT),
        )
    ]
    if view.not_started:
        lines.append(Text(f"not started: {', '.join(view.not_started)}", ODD))
    if not view.ended:
        return lines
    missing = [
        f"{shard.record.shard} {shard.state} with {shard.record.total - shard.finished:,} missing"
        for shard in view.shards
        if shard.state != "finished"
    ]
    if not missing and not view.not_started:
        return [*lines, Text(f"ended: all {view.total:,} poses are finished", GOOD)]
    return [
        *lines,
        *(Text(plain(f"ended: {each}"), BAD) for each in missing),
        Text("the same command again makes what is missing; mardm_batch.verify counts the files", FAINT),
    ]


def plain(text: str) -> str:
    """Names, captions and errors are anyone's: nothing in them steers the terminal or breaks a line."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def span(seconds: float) -> str:
    return f"{seconds / 86400:.0f} days" if seconds >= 2 * 86400 else clock(max(seconds, 0.0))


def gigabytes(megabytes: float) -> str:
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes:.0f} MB"


# The command


def watch(look_again: Callable[[], View], console: Console, interval: float) -> None:
    """Show the view until the sweep has ended or Ctrl-C; what was seen last stays on the terminal."""
    view = look_again()
    try:
        with interruptible(), Live(console=console, screen=True, get_renderable=lambda: view):
            while not view.ended:
                time.sleep(interval)
                view = look_again()
    except Interrupted:
        pass
    console.print(view)


def seconds(text: str) -> float:
    number = float(text)
    if not 0.05 <= number <= 3600:
        raise argparse.ArgumentTypeError(f"{text} is not allowed; use 0.05 to 3600 seconds")
    return number


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m mardm_batch.monitor",
        description="Show how far the shards of a sweep are, from the records that they leave in the output folder: "
        "from another terminal, over a shared disk or afterwards. Ends when the sweep has; Ctrl-C ends only the view.",
        epilog="Exit codes: 0; 2 where no run has left a record. Example: python -m mardm_batch.monitor SinglePose",
    )
    parser.add_argument("output_dir", type=Path, nargs="?", default=Path("SinglePose"), help="default: SinglePose")
    parser.add_argument("--once", action="store_true", help="print it a single time, as without a terminal")
    parser.add_argument("--json", action="store_true", help="print it a single time, as one JSON object")
    parser.add_argument("--interval", type=seconds, default=1.0, help="seconds between two looks (default: 1)")
    options = parser.parse_args(arguments)
    output = options.output_dir.expanduser()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # names in letters that the terminal does not know
    console, gpus = Console(highlight=False), Gpus()
    try:
        if options.json:
            print(json.dumps(look(output, gpus).document(), allow_nan=False))
        elif options.once or not console.is_interactive:
            console.print(look(output, gpus))
        else:
            watch(lambda: look(output, gpus), console, options.interval)
    except (InputError, OSError) as error:
        parser.exit(2, f"{error}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
