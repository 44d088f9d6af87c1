"""What a command is doing: the current stage on a terminal; a line for each stage in a log or pipe."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from mardm_batch.system.terminal import CONSOLE, printable


@contextmanager
def reporting_stages() -> Iterator[Callable[[str], None]]:
    """A function to call with the name of each stage before it begins.

    On a terminal that stage is shown with the time since its begin; elsewhere it is a line with the time since the
    start of the command.
    """
    if not CONSOLE.is_terminal:
        started = time.monotonic()
        yield lambda stage: CONSOLE.print(f"{time.monotonic() - started:6.1f} s  {stage}", markup=False, soft_wrap=True)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=CONSOLE, transient=True) as progress:
        tasks = [progress.add_task("starting", total=None)]

        def report(stage: str) -> None:
            progress.remove_task(tasks.pop())
            tasks.append(progress.add_task(printable(stage), total=None))

        yield report
