"""Processes that make calls for this one, each of which is asked through a pipe of its own.

The processes of Python's ProcessPoolExecutor share a queue and its lock: one that is killed while it holds the lock
makes the others wait for ever, and with them whoever waits for their end; and one that dies fails the calls of all.
Here a process that dies costs the call that it was making, and another one takes its place.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from queue import Empty, SimpleQueue
from typing import Any, Final, ParamSpec, TypeVar

from mardm_batch.system.early_signals import SIGNALS
from mardm_batch.system.signals import accept_signals, blocked_signals, defer_signals, ignore

SECONDS_TO_END: Final = 60.0
"""In which a process that makes no call ends when it is told to; after that it is killed."""

P = ParamSpec("P")
T = TypeVar("T")


class WorkerDiedError(Exception):
    """The process that made a call ended before it was done."""

    def __init__(self) -> None:
        super().__init__("the process that did this died")


class Workers(Executor):
    """Processes that start now, and end with the one that started them, between two calls at the latest.

    A call raises WorkerDiedError where its process died, and OSError where none can be started.

    Args:
        initializer: what each process calls first, with `initargs`.
    """

    def __init__(self, count: int, initializer: Callable[..., object] | None = None, initargs: Any = ()) -> None:
        # In a process that joblib started the default method is joblib's own, which the processes do not have.
        multiprocessing.set_start_method("spawn", force=True)
        self.context = multiprocessing.get_context("spawn")
        self.initializer, self.initargs = initializer, initargs
        self.calls: SimpleQueue[tuple[Future[Any], Any] | None] = SimpleQueue()
        self.threads = [threading.Thread(target=self.serve, daemon=True) for _ in range(count)]
        try:
            with defer_signals():
                for each in self.threads:
                    each.start()
        except BaseException:
            self.shutdown()
            raise

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have a process call a function that it can import; see `concurrent.futures.Executor`."""
        future: Future[T] = Future()
        self.calls.put((future, (function, args, kwargs)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes once all calls are made; with `cancel_futures` once those are that were begun."""
        with suppress(Empty):
            while cancel_futures:
                call = self.calls.get_nowait()
                if call is not None:
                    call[0].cancel()
        for _ in self.threads:
            self.calls.put(None)
        started = [each for each in self.threads if each.ident is not None]
        with defer_signals():
            for each in started if wait else []:
                each.join()

    def serve(self) -> None:
        """In a thread for each process: hand it one call after the other."""
        worker: Worker | None = None
        with suppress(OSError, WorkerDiedError):  # that none can be started is said by the first call
            worker = self.start()
        while (call := self.calls.get()) is not None:
            future, request = call
            if not future.set_running_or_notify_cancel():
                continue
            try:
                worker = worker or self.start()
                result, error = worker.ask(request)
            except WorkerDiedError as died:
                worker = None
                future.set_exception(died)
            except Exception as reason:  # no process can be started, or a request or result not be sent
                future.set_exception(reason)
            else:
                future.set_result(result) if error is None else future.set_exception(error)
        if worker is not None:
            worker.end()

    def start(self) -> "Worker":
        """Raises WorkerDiedError where the process ended at once, and OSError where none can be started."""
        with blocked_signals():
            resource_tracker.ensure_running()  # Python's own; as it starts, it accepts signals in this thread
        ours, theirs = self.context.Pipe()
        words = (theirs, self.initializer, self.initargs)
        process = self.context.Process(target=work, args=words, daemon=True)
        try:
            with blocked_signals():
                process.start()
        except BrokenPipeError:
            ours.close()
            raise WorkerDiedError from None
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return Worker(process, ours)


class Worker:
    """One of the processes, as seen by the one that started it."""

    def __init__(self, process: BaseProcess, connection: Connection) -> None:
        self.process, self.connection = process, connection

    def ask(self, request: object) -> tuple[Any, Exception | None]:
        """The result of a call, or what it raised. Raises WorkerDiedError, once the process has ended."""
        try:
            self.connection.send(request)
            answer: tuple[Any, Exception | None] = self.connection.recv()
        except (EOFError, OSError):
            self.end()
            raise WorkerDiedError from None
        return answer

    def end(self) -> None:
        """End the process, which makes no call."""
        self.connection.close()
        self.process.join(SECONDS_TO_END)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


# In a process --------------------------------------------------------------------------------------------------------

_asked_by: Connection | None = None


def work(connection: Connection, initializer: Callable[..., object] | None, initargs: Any) -> None:
    """Make calls until the process that asks for them ends the connection, or ends itself.

    SIGTERM ends the process between two calls. The other signals are for the process that asks, which then ends this
    one.
    """
    global _asked_by
    _asked_by, ending, calling = connection, threading.Event(), threading.Event()

    def end(number: int, frame: object) -> None:
        ending.set()
        if not calling.is_set():
            os._exit(0)

    if initializer is not None:
        initializer(*initargs)
    for number in SIGNALS:
        signal.signal(number, end if number == signal.SIGTERM else ignore)
    accept_signals()
    with suppress(EOFError, OSError):
        while not ending.is_set():
            request = connection.recv()
            calling.set()
            connection.send(answer(*request))
            calling.clear()


def answer(function: Callable[..., Any], args: Any, kwargs: Any) -> tuple[Any, Exception | None]:
    """The result of a call, or what it raised."""
    try:
        return function(*args, **kwargs), None
    except Exception as error:
        return None, error


def end_with_asker() -> None:
    """In a long call, where it may end: end this process if the one that asked has ended."""
    if _asked_by is not None and _asked_by.poll():  # one that is there asks for nothing before it has its answer
        os._exit(1)
