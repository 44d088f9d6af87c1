"""The progress of a sweep on the terminal of the process that launched it: one bar for all of its runs."""

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from mardm_batch.dataset.progress import Progress, read_progress
from mardm_batch.errors import MardmBatchError
from mardm_batch.launch.jobs import Job
from mardm_batch.launch.plan import message_file, sweep_name
from mardm_batch.run.shard import count_finished
from mardm_batch.system.terminal import CONSOLE, SECONDS_UNTIL_RATE, ProgressDisplay, printable

POLL_SECONDS = 0.5


class SumDisplay(ProgressDisplay):
    """Of several runs, of which some begin when others end: that they load their models counts in the time left."""

    @property
    def seconds_left(self) -> float | None:
        """See `ProgressDisplay.seconds_left`."""
        now = time.monotonic()
        if not self.done or now - self.first_done < SECONDS_UNTIL_RATE:
            return None
        seconds = (self.total - self.done - self.failed) * (self.last_done - self.started) / self.done
        return max(seconds - (now - self.last_done), 0.0)

    @property
    def rate(self) -> float:
        """Poses per second from the beginning of the sweep to the last pose, as the time left counts."""
        return self.done / max(self.last_done - self.started, 1e-9)


class SweepDisplay:
    """Adds up the progress records of a sweep's runs, and prints what they say above the bar.

    On a terminal the runs write their messages to files, which are followed here: written by other processes they
    would tear the bar.
    """

    def __init__(self, jobs: Sequence[Job], folder: str) -> None:
        self.jobs, self.sweep = jobs, sweep_name(folder)
        self.messages = MessageFiles(folder, len(jobs)) if CONSOLE.is_terminal else None
        self.expected: dict[tuple[Path, str], int] = {}
        """Poses that each run is to make, until it says so itself."""
        self.display = SumDisplay(0, bar=True)
        self.closed = threading.Event()
        self.thread = threading.Thread(target=self.follow, daemon=True)

    def __enter__(self) -> "SweepDisplay":
        self.display.__enter__()
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closed.set()
        self.thread.join()
        self.display.__exit__(kind, error, trace)

    def follow(self) -> None:
        """Update the bar, and print messages, until the sweep ends; once more then."""
        with suppress(OSError, MardmBatchError):
            self.expected = {(job.output, job.shard_name): pending_poses(job) for job in self.jobs}
        while not self.closed.wait(POLL_SECONDS):
            self.update()
        self.update()

    def update(self) -> None:
        if self.messages is not None:
            for line in self.messages.new_lines():
                CONSOLE.print(printable(line), markup=False, soft_wrap=True)
        pending, done, failed = dict(self.expected), 0, 0
        for output in {job.output for job in self.jobs}:
            for record in self.records(output):
                pending[output, record.shard] = record.total - record.finished_before
                done, failed = done + record.done, failed + record.failed
        display = self.display
        display.set_total(sum(pending.values()))
        if done != display.done or failed != display.failed or display.bar is None:
            display.advance(done - display.done, failed - display.failed)

    def records(self, output: Path) -> list[Progress]:
        """The records of this sweep's runs in an output folder."""
        with suppress(OSError):
            return [each for each in read_progress(output) if each.sweep == self.sweep and each.total]
        return []


def pending_poses(job: Job) -> int:
    """The number of poses that a run is to make, by what is on disk."""
    finished, total = count_finished(job.config, job.reading)
    return total if job.config.existing == "overwrite" else total - finished


class MessageFiles:
    """The files in which the runs of a sweep leave what they say on a terminal, followed to their ends."""

    def __init__(self, folder: str, jobs: int) -> None:
        self.paths = [message_file(folder, number) for number in range(jobs)]
        self.read_bytes = [0] * jobs

    def new_lines(self) -> list[str]:
        """The whole lines that came since the last call, run by run."""
        lines: list[str] = []
        for number, path in enumerate(self.paths):
            with suppress(OSError), path.open("rb") as file:
                file.seek(self.read_bytes[number])
                text, newline, _ = file.read().rpartition(b"\n")
                self.read_bytes[number] += len(text) + len(newline)
                lines += text.decode(errors="replace").splitlines()
        return lines
