"""Ctrl-C, SIGTERM and SIGHUP: an exception once a run has begun, before that the end; the exit code names the signal.

Processes that a run starts begin with these signals blocked, until they can handle them.
"""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from types import FrameType
from typing import Final

from mardm_batch.system.early_signals import SIGNALS, handled_signals

WARNINGS: Final = tuple(getattr(signal, name) for name in ("SIGUSR1", "SIGUSR2") if hasattr(signal, name))
"""With these a scheduler announces the end of a job, to all of its processes; only the run itself may heed them."""


RAISED_AGAIN_AFTER: Final = 0.01
"""Seconds after which a callback that swallowed an interruption has most probably ended; if not, it is raised again."""

MAX_CAUSES: Final = 100
"""Of an error, which may be in a circle."""


class Interrupted(BaseException):
    """A signal interrupted the run. Not an Exception, so that it is never taken for the failure of a pose."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number
        self.exit_code = 128 + number


def interruption_behind(error: BaseException | None) -> Interrupted | None:
    """The interruption in whose place another package raised this error; None where there is none."""
    cause = error
    for _ in range(MAX_CAUSES):
        if cause is None or isinstance(cause, Interrupted):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None


def signal_name(number: int) -> str:
    """The name of a signal; SIGKILL is what Linux sends where memory runs out."""
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    return f"{name} (out of memory?)" if name == "SIGKILL" else name


def ignore(number: int, frame: FrameType | None) -> None:
    """Handles a signal by doing nothing. Unlike SIG_IGN it also takes one that came just before it was set; for such a
    one Python would print a traceback."""


@contextmanager
def ignored_signals() -> Iterator[None]:
    """Ignore signals: a terminal and the programs between it and a run pass one on several times."""
    before = {number: signal.signal(number, ignore) for number in handled_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def raise_on_signals() -> Iterator[None]:
    """Raise Interrupted at the first signal; further ones are ignored while the run ends.

    In a destructor or the callback of a weak reference Python would print the exception and go on; it is raised again
    then, a moment later.
    """
    numbers = handled_signals()
    main_thread = threading.get_ident()

    def interrupt(number: int, frame: FrameType | None) -> None:
        for each in numbers:
            signal.signal(each, ignore)
        raise Interrupted(number)

    def raise_again(swallowed: "sys.UnraisableHookArgs") -> None:
        interruption = interruption_behind(swallowed.exc_value)
        if interruption is None:
            report_swallowed(swallowed)
            return
        for each in numbers:
            signal.signal(each, interrupt)
        later = threading.Timer(RAISED_AGAIN_AFTER, signal_thread, (main_thread, interruption.number))
        later.daemon = True
        later.start()

    report_swallowed = sys.unraisablehook
    sys.unraisablehook = raise_again
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        sys.unraisablehook = report_swallowed
        for number, handler in before.items():
            signal.signal(number, handler)


def signal_thread(thread: int, number: int) -> None:
    """Unlike a signal to this thread, one to the thread that handles it ends what the other one waits for."""
    if sys.platform == "win32":
        signal.raise_signal(number)
    else:
        signal.pthread_kill(thread, number)


@contextmanager
def stop_at_warnings() -> Iterator[list[Callable[[], object]]]:
    """Take a warning for SIGTERM where somebody handles warnings.

    Yields:
        A list that is empty until a warning came, and then has a function that hands it to its own handler.
    """
    received: list[Callable[[], object]] = []

    def handlers() -> Iterator[tuple[int, Callable[[int, FrameType | None], object]]]:
        for number in WARNINGS:
            handler = signal.getsignal(number)
            if callable(handler):
                yield number, handler

    before = dict(handlers())

    def stop(number: int, frame: FrameType | None) -> None:
        received[:] = [lambda: before[number](number, frame)]
        signal.raise_signal(signal.SIGTERM)

    for number in before:
        signal.signal(number, stop)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def defer_signals() -> Iterator[None]:
    """Delay a signal to the end of a block that it would crash, or that must not be left half done.

    Only in the main thread: Python has no other one handle signals.
    """
    received: list[int] = []
    numbers = handled_signals() if threading.current_thread() is threading.main_thread() else ()
    before = {each: signal.signal(each, lambda number, frame: received.append(number)) for each in numbers}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        if received:
            signal.raise_signal(received[0])


@contextmanager
def shield_started_processes() -> Iterator[None]:
    """Start processes that no signal reaches before they call `accept_signals`; one to this process is deferred.

    A signal to all processes of a terminal would otherwise end them, with a traceback, in the middle of an import.
    """
    with defer_signals(), blocked_signals():
        yield


@contextmanager
def blocked_signals() -> Iterator[None]:
    """Start processes, in any thread, that no signal ends: those that end with the run by themselves."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (*SIGNALS, *WARNINGS))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def accept_signals() -> None:
    """In a process that was started shielded, once its handlers are set."""
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def start_resource_tracker() -> None:
    """Start Python's process that removes the semaphores of a run which was killed.

    It ends with the run, and must not end before: it does not ignore SIGHUP by itself, and warns of what it loses.
    """
    with shield_started_processes():
        resource_tracker.ensure_running()
