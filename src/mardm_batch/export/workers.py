"""Processes that encode poses and write their files. They end with the process that started them."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Final

from mardm_batch.export.formats.format import FilesPerPose, JointError
from mardm_batch.export.poses import ExportPose
from mardm_batch.export.record import ExportedFiles
from mardm_batch.system.early_signals import SIGNALS
from mardm_batch.system.files import write_atomically
from mardm_batch.system.processes import check_semaphores
from mardm_batch.system.signals import accept_signals, shield_started_processes

POLL_SECONDS: Final = 0.5
MAX_QUEUED_PER_PROCESS: Final = 3
"""Batches that wait for each process, so that memory does not grow with the number of poses."""

Batch = Sequence[tuple[ExportPose, ExportedFiles]]
"""Poses with the lines about their files, which are added to the list once the files are there."""


class ExportWorkers:
    """Writes batches in processes of its own; with `processes` 0 in this one, which starts nothing.

    The lines that come back have the errors of joints, which are known only once a pose is encoded.
    """

    def __init__(self, format: FilesPerPose, folder: Path, processes: int) -> None:
        self.format, self.folder, self.processes = format, folder, processes
        self.waiting: dict[Future[list[JointError | None]], Batch] = {}
        self.pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> "ExportWorkers":
        if self.processes:
            check_semaphores()
            self.pool = ProcessPoolExecutor(
                self.processes, multiprocessing.get_context("spawn"), start_worker, (os.getpid(),)
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.pool is not None:
            self.pool.shutdown(wait=True, cancel_futures=error is not None)

    def write(self, batch: Batch) -> Iterator[Sequence[ExportedFiles]]:
        """Write a batch, waiting while many are queued. Yields the lines of batches that were written since."""
        if self.pool is None:
            yield with_errors(batch, write_batch(self.format, self.folder, [pose for pose, _ in batch]))
            return
        with shield_started_processes():
            future = self.pool.submit(write_batch, self.format, self.folder, [pose for pose, _ in batch])
            self.waiting[future] = batch
        yield from self.done(MAX_QUEUED_PER_PROCESS * self.processes)

    def done(self, still_waiting: int = 0) -> Iterator[Sequence[ExportedFiles]]:
        """Yield the lines of written batches until at most so many wait. Raises what went wrong in one."""
        while len(self.waiting) > still_waiting:
            finished, _ = wait(self.waiting, return_when=FIRST_COMPLETED)
            for each in finished:
                yield with_errors(self.waiting.pop(each), each.result())


def start_worker(parent: int) -> None:
    """Initialise a process: signals are its parent's to answer, with which it ends."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    accept_signals()
    threading.Thread(target=exit_with_parent, args=(parent,), daemon=True).start()


def exit_with_parent(parent: int) -> None:
    """End this process once its parent has; files are written whole, so none is left half done."""
    never = threading.Event()
    while os.getppid() == parent:
        never.wait(POLL_SECONDS)
    os._exit(1)


def with_errors(batch: Batch, errors: Sequence[JointError | None]) -> list[ExportedFiles]:
    """The lines of a batch that was written."""
    return [
        line if error is None else replace(line, joint_error_mm=asdict(error))
        for (_, line), error in zip(batch, errors, strict=True)
    ]


def write_batch(format: FilesPerPose, folder: Path, poses: Sequence[ExportPose]) -> list[JointError | None]:
    """Encode poses and write their files, each whole. Returns the errors of their joints."""
    errors = []
    for pose, encoded in zip(poses, format.encode(poses), strict=True):
        for name, content in zip(format.file_names(pose.name), encoded.contents, strict=True):
            write_atomically(folder / name, content)
        errors.append(encoded.joint_error)
    return errors
