"""A signal before a command has anything to finish: one line and the exit code that names it.

A command sets this while Python imports the package, so it imports next to nothing itself.
"""

import atexit
import os
import signal
from types import FrameType

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
INTERRUPTED = "interrupted"
"""The whole line where there is nothing to tell besides."""


def handled_signals() -> tuple[signal.Signals, ...]:
    """The signals that end a run: not SIGHUP where it is ignored, as under nohup."""
    return tuple(each for each in SIGNALS if each.name != "SIGHUP" or signal.getsignal(each) is not signal.SIG_IGN)


def exit_on_signals() -> None:
    """End the process with one line at a signal, while there is nothing to finish: before a run and after it.

    In its last moments, in which Python gives its memory back, it ignores them: what it did is done, and its exit code
    says so.
    """

    def exit_now(number: int, frame: FrameType | None) -> None:
        os.write(2, f"{INTERRUPTED}\n".encode())
        os._exit(128 + number)

    for each in handled_signals():
        signal.signal(each, exit_now)
    atexit.register(ignore_signals)  # before all others: what is registered first is called last


def ignore_signals() -> None:
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
