"""Worker processes that draw poses and write their files while the device samples the next ones. No torch here.

Poses go to the workers a few at a time, as what is done once for several costs less. A worker that dies costs at most
the pose that killed it; a run that dies takes its workers with it.
"""

import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType

from mardm_batch.dataset.obstacles import ObstacleError
from mardm_batch.dataset.records import Failure, Finished, Outcome, Pose, Provenance
from mardm_batch.dataset.store import PoseStore
from mardm_batch.render.theme import Renderer, RenderSettings
from mardm_batch.system.files import DiskFullError
from mardm_batch.system.signals import defer_signals
from mardm_batch.system.workers import WorkerDiedError, Workers, end_with_asker

log = logging.getLogger(__name__)

MAX_QUEUED_POSES_PER_WORKER = 128
"""Poses queued for each worker before sampling waits: more than it draws while a batch is sampled."""
POSES_AT_ONCE = 16
"""Poses that a worker is given at most at a time."""
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


Writing = Future[list[Written]]
"""The results for the poses that a worker was given together, in their order."""


@dataclass(frozen=True)
class Batch:
    """Poses that a worker is given together; `again`: one that died had them before."""

    poses: Sequence[Pose]
    provenance: Provenance
    again: bool = False


@dataclass(frozen=True)
class WriterSettings:
    """The settings of a worker. `render` is None where no pictures are wanted."""

    store: PoseStore
    staging: Path
    render: RenderSettings | None


class PoseWriters:
    """Worker processes behind a bounded queue."""

    def __init__(self, settings: WriterSettings, workers: int) -> None:
        self.workers = workers
        self.pending: dict[Writing, Batch] = {}
        self.ended: SimpleQueue[Writing] = SimpleQueue()
        """Futures that are done."""
        self.warned: set[str] = set()
        self.pool = Workers(workers, start_worker, (settings,))

    def __enter__(self) -> "PoseWriters":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for poses that are being written; queued ones are dropped where an error ends the run."""
        self.pool.shutdown(cancel_futures=error is not None)

    def write(self, poses: Sequence[Pose], provenance: Provenance) -> Iterator[Outcome]:
        """Queue poses, waiting while the queue is full. Yields the outcomes since the last call."""
        size = min(POSES_AT_ONCE, -(-len(poses) // self.workers))
        for start in range(0, len(poses), size or 1):
            while sum(len(each.poses) for each in self.pending.values()) >= MAX_QUEUED_POSES_PER_WORKER * self.workers:
                yield from self.outcomes(self.ended.get())
            self.submit(Batch(poses[start : start + size], provenance))
            yield from self.done()

    def submit(self, batch: Batch) -> None:
        """Queue poses; those that are submitted are pending until their future is done, whatever interrupts."""
        with defer_signals():
            future = self.pool.submit(draw_and_write, batch.poses, batch.provenance)
            self.pending[future] = batch
        future.add_done_callback(self.ended.put)

    def done(self) -> Iterator[Outcome]:
        """Yield the outcomes since the last call."""
        while not self.ended.empty():
            yield from self.outcomes(self.ended.get())

    def finish(self) -> Iterator[Outcome]:
        """Yield the outcomes of all pending poses as they are done."""
        while self.pending:
            yield from self.outcomes(self.ended.get())

    def stop(self) -> Iterator[Outcome]:
        """Drop the queued poses, wait for those that are being written, and yield the outcomes of the latter."""
        self.pool.shutdown(cancel_futures=True)
        for future, batch in self.pending.items():
            if future.done() and not future.cancelled() and future.exception() is None:
                yield from self.outcomes_of(batch, future)
        self.pending.clear()

    def outcomes(self, future: Writing) -> Iterator[Outcome]:
        """Yield the outcomes of a future that is done. Poses whose worker died are queued again, each by itself."""
        batch = self.pending[future]
        if isinstance(future.exception(), WorkerDiedError) and not batch.again:
            log.warning("a drawing process died; poses drawn again, one at a time: %d", len(batch.poses))
            for pose in batch.poses:
                self.submit(Batch([pose], batch.provenance, again=True))
        else:
            yield from self.outcomes_of(batch, future)
        self.pending.pop(future, None)  # afterwards: an interruption must repeat an outcome rather than lose it

    def outcomes_of(self, batch: Batch, future: Writing) -> Iterator[Outcome]:
        """The outcomes of poses. Each warning of the workers is logged once, however many workers log it."""
        error = future.exception()
        if isinstance(error, OSError):  # the disk is full, or no process can be started
            raise error
        if error is not None:
            reason = DIED if isinstance(error, WorkerDiedError) else describe(error)
            written: Sequence[Written] = [Written({}, (), reason)] * len(batch.poses)
        else:
            written = future.result()
        for pose, result in zip(batch.poses, written, strict=True):
            for warning in result.warnings:
                if warning not in self.warned:
                    self.warned.add(warning)
                    log.warning("%s", warning)
            failure = None if result.error is None else Failure.of(pose.prompt, "write", result.error)
            yield Outcome(pose, failure, result.seconds, result.finished)


def describe(error: BaseException) -> str:
    if isinstance(error, ObstacleError):
        return f"{error.filename} {error.strerror}"
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


def start_worker(settings: WriterSettings) -> None:
    """Initialise a worker."""
    os.nice(NICENESS)
    Worker.settings = settings
    Worker.renderer = None if settings.render is None else settings.render.renderer()
    Worker.views = {} if settings.render is None else settings.render.view_renderers()
    logging.getLogger("mardm_batch").addHandler(Worker.warnings)


def draw_and_write(poses: Sequence[Pose], provenance: Provenance) -> list[Written]:
    """Draw and write poses in the worker. One for which that fails costs itself alone, but for a full disk."""
    written: list[Written] = []
    drawings = draw(poses)
    for pose in poses:
        try:
            end_with_asker()
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
