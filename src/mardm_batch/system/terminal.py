"""The terminal: messages of a run, the progress of its poses, and text that is safe to print."""

import io
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from mardm_batch.errors import ExitCode, reason_of


class Terminal(Console):
    """A console whose reader may end, as `tee` does on Ctrl-C: the run continues, and logs to its file.

    Text is made printable, a line at a time.
    """

    def print(self, *objects: Any, **options: Any) -> None:
        """See `Console.print`."""
        super().print(*(printable_lines(each) if isinstance(each, str) else each for each in objects), **options)

    def on_broken_pipe(self) -> None:
        self.quiet = True


class Output(Console):
    """What a command prints on its standard output, whose reader may end early, as `head` does: the rest is discarded,
    and the command ends with its own exit code. Where it cannot be written, as on a full disk, the command ends."""

    def print(self, *objects: Any, **options: Any) -> None:
        """See `Console.print`; raises SystemExit as `print_output` does."""
        with writing_output():
            super().print(*objects, **options)

    def on_broken_pipe(self) -> None:
        """See `Console.on_broken_pipe`."""
        discard_output()


CONSOLE = Terminal(stderr=True, highlight=False)
log = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 10.0
SECONDS_UNTIL_RATE = 5.0
LONGEST_LINE: Final = 1000
"""Characters of a line of untrusted text that are shown."""


def replace_unencodable_output() -> None:
    """Print characters that the terminal's encoding lacks as `?`; names and captions may have any."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def print_output(text: str) -> None:
    """Print a text, whose reader may end early, as `head` does. Raises SystemExit as `writing_output` does."""
    with writing_output():
        print(text, flush=True)


def flush_output() -> None:
    """Write what is still to be written to the standard output. Raises SystemExit as `writing_output` does."""
    if sys.stdout is not None and not sys.stdout.closed:
        with writing_output():
            sys.stdout.flush()


@contextmanager
def writing_output() -> Iterator[None]:
    """Discard what a reader that has ended does not read.

    Raises:
        SystemExit: after one line, with exit code 1: the standard output cannot be written, as on a full disk.
    """
    try:
        yield
    except BrokenPipeError:
        discard_output()
    except OSError as error:
        discard_output()
        with suppress(OSError):  # it may be full too
            print(printable(f"error: standard output: {reason_of(error)}"), file=sys.stderr)
        sys.exit(ExitCode.SOME_FAILED)


def discard_output() -> None:
    """From now on nothing is printed, also not what the interpreter flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def printable(text: str, limit: int = LONGEST_LINE) -> str:
    """Untrusted text, such as names and captions, as one line: every character that could steer the terminal is
    escaped, and the middle of what is longer than `limit` characters is left out. A byte of a name that is not UTF-8
    appears as `\\xe9`."""
    if len(text) > limit:
        text = f"{text[: limit * 2 // 3]} … {text[-(limit // 3) :]}"
    return text if text.isprintable() else "".join(map(printable_character, text))


def printable_character(character: str) -> str:
    """A character, or its escape where it could steer the terminal."""
    if "\udc80" <= character <= "\udcff":  # a byte that Python could not decode
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character if character.isprintable() else ascii(character)[1:-1]


def printable_lines(text: str) -> str:
    """Text of several lines, each printable."""
    return "\n".join(map(printable, text.split("\n")))


class ConsoleHandler(logging.Handler):
    """Logging to the terminal, above a progress bar. Messages are not interpreted as markup."""

    label = ""
    """Beginning of every line; the shards of a sweep share a terminal."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            level = "" if record.levelno < logging.WARNING else f"{record.levelname.lower()}: "
            CONSOLE.print(printable(self.label + level + record.getMessage()), markup=False, soft_wrap=True)
        except Exception:
            self.handleError(record)


class ProgressDisplay:
    """Finished poses of all, their rate and the time left: a bar on a terminal, else a line every ten seconds."""

    prints_lines = True
    """Off in the runs of a sweep whose launching process shows the sum of them."""

    def __init__(self, total: int, bar: bool) -> None:
        self.total = total
        self.done = self.failed = self.batches = 0
        self.started = self.first_done = self.last_done = self.last_line = time.monotonic()
        self.shown_rate = ""
        self.bar: Progress | None = None
        if bar and CONSOLE.is_terminal:
            self.bar = Progress(
                TextColumn("poses"),
                BarColumn(bar_width=None),
                MofNCompleteColumn(),
                CurrentText(lambda: ", ".join(self.words), "none"),
                TimeElapsedColumn(),
                CurrentText(lambda: self.time_left, "progress.remaining"),
                console=CONSOLE,
            )
            self.task = self.bar.add_task("poses", total=total)

    def __enter__(self) -> "ProgressDisplay":
        if self.bar is not None:
            self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.stop()

    def set_total(self, total: int) -> None:
        """Change the number of poses, where it becomes known later."""
        self.total = total
        if self.bar is not None:
            self.bar.update(self.task, total=total)

    def count_batch(self, seconds: float) -> None:
        """A batch was sampled, in so many seconds. The rate is measured from the start of the first one, not from the
        loading of the model."""
        if not self.batches:
            self.started = time.monotonic() - seconds
        self.batches += 1

    @property
    def rate(self) -> float:
        """Poses per second since the first batch began."""
        return self.done / max(time.monotonic() - self.started, 1e-9)

    @property
    def seconds_left(self) -> float | None:
        """An estimate; None before there is a rate that means something.

        The poses of a batch are sampled at once and written one after the other. So the rate is that until the last
        pose was written, known once a second batch is sampled and poses were written for some seconds. Where there is
        only one batch it is that of writing, known when half of the poses are written.
        """
        remaining, now = self.total - self.done - self.failed, time.monotonic()
        if not remaining:
            return 0.0
        if self.batches > 1:
            done, since, known = self.done, self.started, now - self.first_done >= SECONDS_UNTIL_RATE
        else:
            done, since, known = self.done - 1, self.first_done, 2 * self.done >= self.total
        if done < 1 or not known:
            return None
        seconds_per_pose = (self.last_done - since) / done
        return max(remaining * seconds_per_pose - (now - self.last_done), 0.0)

    def advance(self, done: int = 0, failed: int = 0) -> None:
        if done:
            self.last_done = time.monotonic()
            self.first_done = self.first_done if self.done else self.last_done
        self.done += done
        self.failed += failed
        self.shown_rate = rate_text(self.rate) if self.done else ""
        if self.bar is not None:
            self.bar.update(self.task, completed=self.done + self.failed)
        elif (
            done + failed
            and self.done + self.failed < self.total
            and self.prints_lines
            and time.monotonic() - self.last_line >= SECONDS_BETWEEN_LINES
        ):
            self.last_line = time.monotonic()
            words = [f"{self.done} of {self.total} pose{'s' * (self.total != 1)}", *self.words, self.time_left]
            log.info("%s", ", ".join(filter(None, words)))

    @property
    def words(self) -> list[str]:
        """The rate as it was with the last pose, where the time left is known too, and the failures."""
        rate = [self.shown_rate] if self.shown_rate and self.seconds_left is not None else []
        return rate + [f"{self.failed} failed"] * bool(self.failed)

    @property
    def time_left(self) -> str:
        """The time left in words, empty where it is not known."""
        left = self.seconds_left
        return "" if left is None else f"{clock(left)} left"


class CurrentText(ProgressColumn):
    """A text that changes by itself, not only with the poses."""

    def __init__(self, text: Callable[[], str], style: str) -> None:
        super().__init__()
        self.text = text
        self.style = style

    def render(self, task: Task) -> Text:
        """See `ProgressColumn.render`."""
        return Text(self.text(), style=self.style)


def counted(number: int, noun: str) -> str:
    """A number with its noun: "1 pose", "2,000 poses"."""
    return f"{number:,} {noun}" + "s" * (number != 1)


def finished_of(finished: int, total: int, participle: str = "finished") -> str:
    """How many poses are finished: "1 of 1 pose is finished", "2 of 3 poses are finished"."""
    return f"{finished} of {total} {'pose is' if total == 1 else 'poses are'} {participle}"


def rate_text(poses_per_second: float) -> str:
    """A rate, of which two digits count where it is small: "12.3 poses/s", "0.13 poses/s"."""
    return f"{poses_per_second:{'.1f' if poses_per_second >= 1 else '#.2g'}} poses/s"


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
