"""Worker processes that draw poses and write their files while the device samples the next ones. No torch here.

Poses go to the workers a few at a time, as what is done once for several costs less. A worker that dies costs at most
the pose that killed it; a run that dies takes its workers with it.
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
from itertools import repeat
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType

from mardm_batch.dataset.records import Failure, Finished, Outcome, Pose, Provenance
from mardm_batch.dataset.store import PoseStore
from mardm_batch.render.theme import Renderer, RenderSettings
from mardm_batch.system.early_signals import SIGNALS
from mardm_batch.system.files import DiskFullError
from mardm_batch.system.processes import check_semaphores
from mardm_batch.system.signals import accept_signals, shield_started_processes

log = logging.getLogger(__name__)

MAX_QUEUED_POSES_PER_WORKER = 128
"""Poses queued for each worker before sampling waits: more than it draws while a batch is sampled."""
POSES_AT_ONCE = 16
"""Poses that a worker is given at most at a time."""
POLL_SECONDS = 0.5
DIED = "the drawing process died"
NICENESS = 10
"""Niceness of the workers: the sampler has priority on a core, so that there may be as many workers as cores."""


@dataclass(frozen=True)
class Written:
    """A worker's result for a pose: its seconds by stage, the warnings it logged, and why it could not be written."""

    seconds: Mapping[str, float]
    warnings: Sequence[str]
    error: str | None = None
    finished: Finished | None = None
    """What the ledger has of the pose; None where it was not written."""


Writing = Future[Sequence[Written]]
"""The results for the poses that a worker was given together, in their order."""


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
        self.pending: dict[Writing, tuple[Sequence[Pose], Provenance]] = {}
        self.ended: SimpleQueue[Writing] = SimpleQueue()
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

    def write(self, poses: Sequence[Pose], provenance: Provenance) -> Iterator[Outcome]:
        """Queue poses, waiting while the queue is full. Yields the outcomes since the last call."""
        size = min(POSES_AT_ONCE, -(-len(poses) // self.workers))
        for start in range(0, len(poses), size or 1):
            some = poses[start : start + size]
            while sum(len(each) for each, _ in self.pending.values()) >= MAX_QUEUED_POSES_PER_WORKER * self.workers:
                yield from self.outcomes(self.ended.get())
            try:
                with shield_started_processes():  # a late worker may start; a pose that is submitted is always pending
                    self.expect(submit(self.pool, some, provenance), some, provenance)
            except BrokenProcessPool:
                self.expect(broken(), some, provenance)
            yield from self.done()

    def done(self) -> Iterator[Outcome]:
        """Yield the outcomes since the last call."""
        while not self.ended.empty():
            yield from self.outcomes(self.ended.get())

    def finish(self) -> Iterator[Outcome]:
        """Yield the outcomes of all pending poses as they are done."""
        while self.pending:
            yield from self.outcomes(self.ended.get())

    def expect(self, future: Writing, poses: Sequence[Pose], provenance: Provenance) -> None:
        """Count poses as pending until their future is done."""
        self.pending[future] = (poses, provenance)
        future.add_done_callback(self.ended.put)

    def stop(self) -> Iterator[Outcome]:
        """Drop the queued poses, wait for those that are being written, and yield the outcomes of the latter."""
        self.pool.shutdown(wait=True, cancel_futures=True)
        for future, (poses, _) in self.pending.items():
            if future.done() and not future.cancelled() and future.exception() is None:
                yield from self.outcomes_of(poses, future)
        self.pending.clear()

    def outcomes(self, future: Writing) -> Iterator[Outcome]:
        """Yield the outcomes of a future that is done; those of all pending poses where the pool broke."""
        if future not in self.pending:
            return  # of a pool that broke; its poses were written again
        if isinstance(future.exception(), BrokenProcessPool):
            yield from self.write_one_by_one()
        else:
            poses, _ = self.pending[future]
            yield from self.outcomes_of(poses, future)
            self.pending.pop(future, None)  # afterwards: an interruption must repeat an outcome rather than lose it

    def write_one_by_one(self) -> Iterator[Outcome]:
        """After a worker died and broke the pool: find the pose that caused it, each in a worker of its own."""
        suspects = [(pose, provenance) for poses, provenance in self.pending.values() for pose in poses]
        log.warning("a drawing process died; poses that are written again, one by one: %d", len(suspects))
        self.pending.clear()
        alone = self.start(workers=1)
        for pose, provenance in suspects:
            try:
                future = submit(alone, [pose], provenance)
            except BrokenProcessPool:  # it died while idle, not because of this pose
                alone = self.start(workers=1)
                future = submit(alone, [pose], provenance)
            wait([future])
            yield from self.outcomes_of([pose], future)
            if isinstance(future.exception(), BrokenProcessPool):
                alone = self.start(workers=1)
        alone.shutdown()
        self.pool = self.start(self.workers)

    def outcomes_of(self, poses: Sequence[Pose], future: Writing) -> Iterator[Outcome]:
        """The outcomes of poses. Each warning of the workers is logged once, however many workers log it."""
        error = future.exception()
        if isinstance(error, DiskFullError):
            raise error
        if error is not None:
            died = isinstance(error, BrokenProcessPool)
            written: Sequence[Written] = [Written({}, (), DIED if died else describe(error))] * len(poses)
        else:
            written = future.result()
        for pose, result in zip(poses, written, strict=True):
            for warning in result.warnings:
                if warning not in self.warned:
                    self.warned.add(warning)
                    log.warning("%s", warning)
            failure = None if result.error is None else Failure.of(pose.prompt, "write", result.error)
            yield Outcome(pose, failure, result.seconds, result.finished)


def submit(pool: ProcessPoolExecutor, poses: Sequence[Pose], provenance: Provenance) -> Writing:
    """Have poses drawn and written; the worker that does it may start now."""
    with shield_started_processes():
        return pool.submit(draw_and_write, poses, provenance)


def broken() -> Writing:
    """The future of poses that were submitted after the pool broke."""
    future: Writing = Future()
    future.set_exception(BrokenProcessPool())
    return future


def describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


# In the worker ------------------------------------------------------------------------------------------------------


class WarningCollector(logging.Handler):
    """Collects the warnings of a worker, which go to the run's log with the next pose."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())

    def take(self) -> list[str]:
        """The messages since the last call."""
        messages, self.messages = self.messages, []
        return messages


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


def draw_and_write(poses: Sequence[Pose], provenance: Provenance) -> list[Written]:
    """Draw and write poses in the worker. One for which that fails costs itself alone, but for a full disk."""
    written: list[Written] = []
    drawings = draw(poses)
    for pose in poses:
        try:
            with Worker.writing:
                written.append(write(pose, drawings, provenance))
        except DiskFullError:
            raise
        except Exception as error:
            if len(poses) == 1:
                return [Written({}, Worker.warnings.take(), describe(error))]
            rest = poses[len(written) :]  # each by itself: what failed may be another one of them
            return [*written, *(each for other in rest for each in draw_and_write([other], provenance))]
    return written


def draw(poses: Sequence[Pose]) -> Iterator[tuple[bytes | None, Mapping[int, bytes]]]:
    """The picture of each pose, and further ones by the degrees around the person."""
    joints, captions = [pose.joints for pose in poses], [pose.prompt.caption for pose in poses]
    pictures: Iterator[bytes | None] = repeat(None)
    if Worker.renderer is not None:
        pictures = Worker.renderer.draw_several(joints, captions)
    views = {degrees: each.draw_several(joints, captions) for degrees, each in Worker.views.items()}
    for picture in pictures:
        yield picture, {degrees: next(each) for degrees, each in views.items()}


def write(pose: Pose, drawings: Iterator[tuple[bytes | None, Mapping[int, bytes]]], provenance: Provenance) -> Written:
    """Write a pose, of which the next of the drawings are."""
    started = time.perf_counter()
    picture, views = next(drawings)
    drawn = time.perf_counter()
    finished = Worker.settings.store.write(pose, picture, provenance, Worker.settings.staging, views)
    seconds = {"draw": drawn - started, "write": time.perf_counter() - drawn}
    return Written(seconds, Worker.warnings.take(), finished=finished)
