"""Show the progress of every shard of a sweep in the terminal.

python -m mardm_batch.monitor [OUTPUT_DIR] [--once] [--json] [--interval SECONDS]
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live

from mardm_batch.errors import InputError
from mardm_batch.monitor.gpus import Gpus
from mardm_batch.monitor.snapshot import Snapshot, take_snapshot
from mardm_batch.monitor.view import render_snapshot
from mardm_batch.system.commands import command_parser, report_user_errors, run_main
from mardm_batch.system.terminal import Output, print_output, printable, replace_unencodable_output

USAGE = """\
  python -m mardm_batch.monitor SinglePose             from another terminal, over a shared disk or afterwards
  python -m mardm_batch.monitor SinglePose --json      for scripts

Reads the records that the shards leave in the output folder. Waits for a run to start, and ends with the
sweep; Ctrl-C ends the monitor alone. Shows the utilisation of NVIDIA GPUs if nvidia-ml-py is installed:
pip install 'mardm-batch[gpu]'. Exit codes: 0; 2 if no run has left a record (--once, --json, or no terminal); 130
after Ctrl-C.
"""


def wait_for_run(snapshot: Callable[[], Snapshot], console: Console, interval: float) -> Snapshot:
    """The first snapshot of a run."""
    try:
        return snapshot()
    except InputError as reason:
        console.print(printable(str(reason)), markup=False, soft_wrap=True)
    with console.status("waiting for a run; Ctrl-C ends"):
        while True:
            time.sleep(interval)
            with suppress(InputError):
                return snapshot()


def watch(current: Snapshot, snapshot: Callable[[], Snapshot], console: Console, interval: float) -> None:
    """Show new snapshots until the sweep has ended; the last one stays on the terminal, whatever ends it."""

    def fitted() -> Group:
        return render_snapshot(current, console.width, console.height)

    try:
        with Live(console=console, screen=True, get_renderable=fitted):
            while not current.ended:
                time.sleep(interval)
                current = snapshot()
    finally:
        console.print(render_snapshot(current, console.width, None))


def interval_seconds(text: str) -> float:
    """An argparse type: 0.05 to 3600 seconds."""
    seconds = float(text)
    if not 0.05 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text} is not allowed; use 0.05 to 3600 seconds")
    return seconds


def build_parser() -> argparse.ArgumentParser:
    parser = command_parser("monitor", __doc__, USAGE)
    parser.add_argument("output_dir", type=Path, nargs="?", default=Path("SinglePose"), help="default: SinglePose")
    parser.add_argument("--once", action="store_true", help="print the state once; the default without a terminal")
    parser.add_argument("--json", action="store_true", help="print the state once, as one JSON object")
    parser.add_argument(
        "--interval", type=interval_seconds, default=1.0, metavar="SECONDS", help="time between updates (default: 1)"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Show the sweep. Missing folders and records end the process with one line and exit code 2."""
    options = build_parser().parse_args(arguments)
    output, gpus, console = options.output_dir.expanduser(), Gpus(), Output(highlight=False)
    replace_unencodable_output()
    live = console.is_interactive and not options.once and not options.json

    def snapshot() -> Snapshot:
        return take_snapshot(output, gpus)

    with report_user_errors():
        current = wait_for_run(snapshot, console, options.interval) if live else snapshot()
        if options.json:
            print_output(json.dumps(current.to_json()))
            return 0
        if live and not current.ended:
            watch(current, snapshot, console, options.interval)
        else:
            console.print(render_snapshot(current, console.width, None))
    return 0


if __name__ == "__main__":
    run_main(main)
