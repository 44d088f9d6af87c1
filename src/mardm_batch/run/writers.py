"""Worker processes that draw poses and write their files while the device samples the next ones. No torch here.

A worker that dies costs at most its own pose; a run that dies takes its workers with it.
"""

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType

from mardm_batch.dataset.records import Failure, Outcome, Pose, Provenance
from mardm_batch.dataset.store import PoseStore
from mardm_batch.render.theme import Renderer, RenderSettings
from mardm_batch.system.files import DiskFullError
from mardm_batch.system.processes import check_semaphores
from mardm_batch.system.signals import SIGNALS, accept_signals, shield_started_processes

log = logging.getLogger(__name__)

MAX_QUEUED_POSES_PER_WORKER = 128
"""Poses queued for each worker before sampling waits: more than it draws while a batch is sampled."""
POLL_SECONDS = 0.5
NICENESS = 10
"""Niceness of the workers: the sampler has priority on a core, so that there may be as many workers as cores."""


@dataclass(frozen=True)
class Written:
    """A worker's result for a pose: its seconds by stage, and the warnings it logged."""

    seconds: Mapping[str, float]
    warnings: Sequence[str]


@dataclass(frozen=True)
class WriterSettings:
    """The settings of a worker. `render` is None where no pictures are wanted."""

    store: PoseStore
    staging: Path
    render: RenderSettings | None


class PoseWriters:
    """A pool of workers behind a bounded queue."""

    def __init__(self, settings: WriterSettings, workers: int) -> None:
        self.settings, self.workers = settings, workers
        self.pending: dict[Future[Written], tuple[Pose, Provenance]] = {}
        self.ended: SimpleQueue[Future[Written]] = SimpleQueue()
        """Futures that are done; those of a pool that broke earlier may be among them."""
        self.warned: set[str] = set()
        self.pool = self.start(workers)

    def __enter__(self) -> "PoseWriters":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for poses that are being written; queued ones are dropped where an error ends the run."""
        self.pool.shutdown(wait=True, cancel_futures=error is not None)

    def start(self, workers: int) -> ProcessPoolExecutor:
        """A pool whose workers start now. Raises InputError where there can be no semaphores."""
        # In a process that joblib started the default method is joblib's own, which the workers do not have.
        multiprocessing.set_start_method("spawn", force=True)
        check_semaphores()
        pool: ProcessPoolExecutor | None = None
        try:
            with shield_started_processes():
                pool = ProcessPoolExecutor(
                    workers,
                    mp_context=multiprocessing.get_context("spawn"),
                    initializer=start_worker,
                    initargs=(self.settings, os.getpid()),
                )
                for _ in range(workers):
                    pool.submit(os.getpid)
        except BaseException:
            if pool is not None:
                pool.shutdown(wait=True, cancel_futures=True)
            raise
        return pool

    def write(self, pose: Pose, provenance: Provenance) -> Iterator[Outcome]:
        """Queue a pose, waiting while the queue is full. Yields the outcomes since the last call."""
        while len(self.pending) >= MAX_QUEUED_POSES_PER_WORKER * self.workers:
            yield from self.outcomes(self.ended.get())
        try:
            with shield_started_processes():  # a late worker may start; a pose that is submitted is always pending
                self.expect(submit(self.pool, pose, provenance), pose, provenance)
        except BrokenProcessPool:
            self.expect(broken(), pose, provenance)
        yield from self.done()

    def done(self) -> Iterator[Outcome]:
        """Yield the outcomes since the last call."""
        while not self.ended.empty():
            yield from self.outcomes(self.ended.get())

    def finish(self) -> Iterator[Outcome]:
        """Yield the outcomes of all pending poses as they are done."""
        while self.pending:
            yield from self.outcomes(self.ended.get())

    def expect(self, future: Future[Written], pose: Pose, provenance: Provenance) -> None:
        """Count a pose as pending until its future is done."""
        self.pending[future] = (pose, provenance)
        future.add_done_callback(self.ended.put)

    def stop(self) -> Iterator[Outcome]:
        """Drop the queued poses, wait for those that are being written, and yield the outcomes of the latter."""
        self.pool.shutdown(wait=True, cancel_futures=True)
        for future, (pose, _) in self.pending.items():
            if future.done() and not future.cancelled() and future.exception() is None:
                yield self.outcome(pose, future)
        self.pending.clear()

    def outcomes(self, future: Future[Written]) -> Iterator[Outcome]:
        """Yield the outcome of a future that is done; those of all pending poses where the pool broke."""
        if future not in self.pending:
            return  # of a pool that broke; its pose was written again
        if isinstance(future.exception(), BrokenProcessPool):
            yield from self.write_one_by_one()
        else:
            pose, _ = self.pending[future]
            yield self.outcome(pose, future)
            self.pending.pop(future, None)  # afterwards: an interruption must repeat an outcome rather than lose it

    def write_one_by_one(self) -> Iterator[Outcome]:
        """After a worker died and broke the pool: find the pose that caused it, each in a worker of its own."""
        log.warning("a drawing process died; poses that are written again, one by one: %d", len(self.pending))
        suspects = list(self.pending.values())
        self.pending.clear()
        alone = self.start(workers=1)
        for pose, provenance in suspects:
            try:
                future = submit(alone, pose, provenance)
            except BrokenProcessPool:  # it died while idle, not because of this pose
                alone = self.start(workers=1)
                future = submit(alone, pose, provenance)
            wait([future])
            yield self.outcome(pose, future)
            if isinstance(future.exception(), BrokenProcessPool):
                alone = self.start(workers=1)
        alone.shutdown()
        self.pool = self.start(self.workers)

    def outcome(self, pose: Pose, future: Future[Written]) -> Outcome:
        """The outcome of a pose. Each warning of the workers is logged once, however many workers log it."""
        error = future.exception()
        if isinstance(error, DiskFullError):
            raise error
        if error is not None:
            died = isinstance(error, BrokenProcessPool)
            message = "the drawing process died" if died else f"{type(error).__name__}: {error}"
            return Outcome(pose, Failure.of(pose.prompt, "write", message), {})
        written = future.result()
        for warning in written.warnings:
            if warning not in self.warned:
                self.warned.add(warning)
                log.warning("%s", warning)
        return Outcome(pose, None, written.seconds)


def submit(pool: ProcessPoolExecutor, pose: Pose, provenance: Provenance) -> Future[Written]:
    """Have a pose drawn and written; the worker that does it may start now."""
    with shield_started_processes():
        return pool.submit(draw_and_write, pose, provenance)


def broken() -> Future[Written]:
    """The future of a pose that was submitted after the pool broke."""
    future: Future[Written] = Future()
    future.set_exception(BrokenProcessPool())
    return future


# In the worker ------------------------------------------------------------------------------------------------------


class WarningCollector(logging.Handler):
    """Collects the warnings of a worker, which go to the run's log with the next pose."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


class Worker:
    """The state of a worker process."""

    settings: WriterSettings
    renderer: Renderer | None
    views: Mapping[int, Renderer]
    """Renderers of further pictures, by the degrees around the person."""
    warnings = WarningCollector()
    writing = threading.Lock()
    stop_requested = threading.Event()


def start_worker(settings: WriterSettings, parent: int) -> None:
    """Initialise a worker: signals do not interrupt a pose, and the worker ends with the run that started it."""
    os.nice(NICENESS)
    Worker.settings = settings
    Worker.renderer = None if settings.render is None else settings.render.renderer()
    Worker.views = {} if settings.render is None else settings.render.view_renderers()
    logging.getLogger("mardm_batch").addHandler(Worker.warnings)
    for number in SIGNALS:  # Ctrl-C is the run's to answer; it stops its workers
        requested = signal.SIG_IGN if number == signal.SIGINT else lambda number, frame: Worker.stop_requested.set()
        signal.signal(number, requested)
    accept_signals()
    threading.Thread(target=exit_with_parent, args=(parent,), daemon=True).start()


def exit_with_parent(parent: int) -> None:
    """End the worker, between two poses, when its parent has ended or a signal asks for it."""
    while os.getppid() == parent and not Worker.stop_requested.wait(POLL_SECONDS):
        pass
    with Worker.writing:
        os._exit(1)


def draw_and_write(pose: Pose, provenance: Provenance) -> Written:
    """Draw and write a pose in the worker."""
    with Worker.writing:
        settings = Worker.settings
        started = time.perf_counter()
        picture = None if Worker.renderer is None else Worker.renderer.draw(pose.joints, pose.prompt.caption)
        views = {degrees: each.draw(pose.joints, pose.prompt.caption) for degrees, each in Worker.views.items()}
        drawn = time.perf_counter()
        settings.store.write(pose, picture, provenance, settings.staging, views)
        seconds = {"draw": drawn - started, "write": time.perf_counter() - drawn}
    warnings, Worker.warnings.messages = Worker.warnings.messages, []
    return Written(seconds, warnings)
