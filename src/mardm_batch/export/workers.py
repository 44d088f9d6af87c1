"""Processes that encode poses and write their files. They end with the process that started them."""

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Final

from mardm_batch.export.formats.format import FilesPerPose, JointError
from mardm_batch.export.poses import ExportPose
from mardm_batch.export.record import ExportedFiles
from mardm_batch.system.files import write_atomically
from mardm_batch.system.signals import defer_signals
from mardm_batch.system.workers import Workers, end_with_asker

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
        self.pool: Workers | None = None

    def __enter__(self) -> "ExportWorkers":
        if self.processes:
            self.pool = Workers(self.processes)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.pool is not None:
            self.pool.shutdown(cancel_futures=error is not None)

    def write(self, batch: Batch) -> Iterator[Sequence[ExportedFiles]]:
        """Write a batch, waiting while many are queued. Yields the lines of batches that were written since."""
        if self.pool is None:
            yield with_errors(batch, write_batch(self.format, self.folder, [pose for pose, _ in batch]))
            return
        with defer_signals():
            future = self.pool.submit(write_batch, self.format, self.folder, [pose for pose, _ in batch])
            self.waiting[future] = batch
        yield from self.done(MAX_QUEUED_PER_PROCESS * self.processes)

    def done(self, still_waiting: int = 0) -> Iterator[Sequence[ExportedFiles]]:
        """Yield the lines of written batches until at most so many wait. Raises what went wrong in one."""
        while len(self.waiting) > still_waiting:
            finished, _ = wait(self.waiting, return_when=FIRST_COMPLETED)
            for each in finished:
                yield with_errors(self.waiting.pop(each), each.result())


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
        end_with_asker()
        for name, content in zip(format.file_names(pose.name), encoded.contents, strict=True):
            write_atomically(folder / name, content)
        errors.append(encoded.joint_error)
    return errors
