"""The terminal: messages of a run, the progress of its poses, and text that is safe to print."""

import io
import logging
import os
import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class Terminal(Console):
    """A console whose reader may end, as `tee` does on Ctrl-C: the run continues, and logs to its file."""

    def on_broken_pipe(self) -> None:
        self.quiet = True


CONSOLE = Terminal(stderr=True, highlight=False)
log = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 10.0


def replace_unencodable_output() -> None:
    """Print characters that the terminal's encoding lacks as `?`; names and captions may have any."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def print_long_text(text: str) -> None:
    """Print a long text, whose reader may end early, as `head` does."""
    try:
        print(text, flush=True)
    except BrokenPipeError:  # discard the rest, also what the interpreter flushes at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def printable(text: str) -> str:
    """Untrusted text, such as names and captions, with every character escaped that could steer the terminal."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


class ConsoleHandler(logging.Handler):
    """Logging to the terminal, above a progress bar. Messages are not interpreted as markup."""

    label = ""
    """Beginning of every line; the shards of a sweep share a terminal."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            level = "" if record.levelno < logging.WARNING else f"{record.levelname.lower()}: "
            CONSOLE.print(self.label + level + record.getMessage(), markup=False, soft_wrap=True)
        except Exception:
            self.handleError(record)


class ProgressDisplay:
    """Finished poses of all, their rate and the time left: a bar on a terminal, else a line every ten seconds."""

    def __init__(self, total: int, bar: bool) -> None:
        self.total = total
        self.done = self.failed = 0
        self.started = self.last_line = time.monotonic()
        self.bar: Progress | None = None
        if bar and CONSOLE.is_terminal:
            self.bar = Progress(
                TextColumn("poses"),
                BarColumn(bar_width=None),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=CONSOLE,
            )
            self.task = self.bar.add_task("poses", total=total, rate="")

    def __enter__(self) -> "ProgressDisplay":
        if self.bar is not None:
            self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.stop()

    def start_rate(self, seconds: float) -> None:
        """Measure the rate from the start of the first batch, `seconds` ago, not from the loading of the model."""
        self.started = time.monotonic() - seconds

    @property
    def rate(self) -> float:
        """Poses a second since the first batch began."""
        return self.done / max(time.monotonic() - self.started, 1e-9)

    @property
    def seconds_left(self) -> float:
        return (self.total - self.done - self.failed) / self.rate if self.done else float("inf")

    def advance(self, done: int = 0, failed: int = 0) -> None:
        self.done += done
        self.failed += failed
        rate = f"{self.rate:.1f} poses/s" + (f", {self.failed} failed" if self.failed else "")
        if self.bar is not None:
            self.bar.update(self.task, completed=self.done + self.failed, rate=rate)
        elif time.monotonic() - self.last_line >= SECONDS_BETWEEN_LINES:
            self.last_line = time.monotonic()
            log.info("%d of %d poses, %s, %s left", self.done, self.total, rate, clock(self.seconds_left))


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss."""
    if seconds == float("inf"):
        return "unknown time"
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
