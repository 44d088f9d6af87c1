"""A view of every shard of a sweep in the terminal, from the records that the shards leave in the output folder.

python -m mardm_batch.monitor [OUTPUT_DIR] [--once] [--json] [--interval SECONDS]
"""

import argparse
import importlib
import json
import re
import shutil
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live

from mardm_batch.dataset.failures import FailureList
from mardm_batch.dataset.progress import RUNNING, Progress, read_progress
from mardm_batch.errors import InputError
from mardm_batch.monitor.view import Gpu, Shard, Totals, View, picture
from mardm_batch.prompts.shards import shard_name
from mardm_batch.system.signals import Interrupted, raise_on_signals
from mardm_batch.system.terminal import replace_unencodable_output

SECONDS_FOR_A_SHARD_TO_START = 30.0
"""So long after the last word of a shard the view waits for those that have none yet: a device takes one at a time."""


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
    records = read_progress(output)
    if any(record.state in RUNNING and not record.alive for record in records):
        records = read_progress(output)  # a process that is gone by now may have ended in order since the first look
    if not records:
        raise InputError(f"{output}: no run has left a record here yet; {start}")
    newest = max(records, key=lambda record: record.started)
    shards = tuple(
        look_at(record, alive, gpus)
        for record in sorted(records, key=natural_order)
        if (alive := record.alive) or sweep_key(record) == sweep_key(newest)
    )
    split = int(newest.shard.partition("-of-")[2] or 0)
    shown = {shard.record.shard for shard in shards}
    not_started = tuple(name for number in range(split) if (name := shard_name(number, split)) not in shown)
    now = time.time()
    waiting = not_started and now - max(shard.record.updated for shard in shards) < SECONDS_FOR_A_SHARD_TO_START
    ended = not waiting and not any(shard.alive for shard in shards)
    totals = totals_of(shards, output)
    return View(str(output), now, newest.sweep, ended, shards, not_started, len(records) - len(shards), totals)


def sweep_key(record: Progress) -> tuple[str | None, str]:
    """Equal for the records of one sweep, and for shards of one split that were started by hand."""
    return record.sweep, record.shard.partition("-of-")[2] if record.sweep is None else ""


def natural_order(record: Progress) -> list[str]:
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


def wait_for_a_run(look_now: Callable[[], View], console: Console, interval: float) -> View | None:
    """The first view that there is of a run; None where Ctrl-C comes before."""
    try:
        return look_now()
    except InputError as reason:
        console.print(str(reason), markup=False, soft_wrap=True)
    with suppress(Interrupted), raise_on_signals(), console.status("waiting for it, Ctrl-C ends"):
        while True:
            time.sleep(interval)
            with suppress(InputError):
                return look_now()
    return None


def watch(view: View, look_again: Callable[[], View], console: Console, interval: float) -> View:
    """Show the view, renewed, until the sweep has ended or Ctrl-C; the last is returned."""

    def fitted() -> Group:
        return picture(view, console.width, console.height)

    with suppress(Interrupted), raise_on_signals(), Live(console=console, screen=True, get_renderable=fitted):
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
        "from another terminal, over a shared disk or afterwards. Waits where there is none yet, and ends when the "
        "sweep has; Ctrl-C ends the view alone.",
        epilog="Exit codes: 0; 2 where it is to be printed a single time and no run has left a record. "
        "Example: python -m mardm_batch.monitor SinglePose",
    )
    parser.add_argument("output_dir", type=Path, nargs="?", default=Path("SinglePose"), help="default: SinglePose")
    parser.add_argument("--once", action="store_true", help="print it a single time, as where there is no terminal")
    parser.add_argument("--json", action="store_true", help="print it a single time, as one JSON object")
    parser.add_argument("--interval", type=seconds_between_looks, default=1.0, help="seconds (default: 1)")
    options = parser.parse_args(arguments)
    output, gpus, console = options.output_dir.expanduser(), Gpus(), Console(highlight=False)
    replace_unencodable_output()
    live = console.is_interactive and not options.once and not options.json

    def look_now() -> View:
        return look(output, gpus)

    try:
        view = wait_for_a_run(look_now, console, options.interval) if live else look_now()
        if view is None:
            return 0
        if options.json:
            print(json.dumps(asdict(view)))
            return 0
        if live and not view.ended:
            view = watch(view, look_now, console, options.interval)
        console.print(picture(view, console.width, None))
    except (InputError, OSError) as error:
        parser.exit(2, f"error: {error}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
