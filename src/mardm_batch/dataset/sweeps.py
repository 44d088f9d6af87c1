"""The record of a sweep in each output folder of its jobs, by which other commands know the shards that it has.

`OUTPUT/.mardm_batch/sweep.json` is written when the sweep is launched, before any of its runs starts.
"""

import json
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Self

from mardm_batch.dataset.layout import RECORDS
from mardm_batch.dataset.progress import MAX_NUMBER, MAX_PID, SECONDS_UNTIL_LOST, Progress
from mardm_batch.dataset.queues import QueuedJob, read_queue
from mardm_batch.errors import reason_of
from mardm_batch.system.files import read_regular, write_atomically
from mardm_batch.system.json_records import JsonRecord, parse_json
from mardm_batch.system.machine import Machine, boot_id, pid_namespace
from mardm_batch.system.processes import existed_at, process_is_alive

SWEEP_RECORD: Final = f"{RECORDS}/sweep.json"
"""Path from the output folder."""


@dataclass(frozen=True)
class SweepJob(JsonRecord):
    """A job of a sweep. `finished` and `total`: its poses when the sweep was launched."""

    shard: str
    finished: int
    total: int
    run_folder: str
    exit_code_file: str
    """Where its run leaves its exit code."""
    signal_file: str
    """Where the number of the signal is left that killed its run, if one did."""
    number: int = 0
    """Of the job in the sweep."""
    finished_at_end: int | None = None
    """Its finished poses by what was on disk when the sweep ended; None before, and where poses were to be made again,
    which cannot be told from those that were there."""

    def exit_code(self) -> int | None:
        return read_number(Path(self.exit_code_file))

    def signal(self) -> int | None:
        return read_number(Path(self.signal_file))


@dataclass(frozen=True)
class SweepRecord(JsonRecord):
    """A sweep, as far as it makes the poses of one output folder. `pid`: of the process that launched it."""

    name: str
    jobs: tuple[SweepJob, ...]
    host: str = field(default_factory=socket.gethostname)
    boot: str = field(default_factory=boot_id)
    pids: str = field(default_factory=pid_namespace)
    pid: int = field(default_factory=os.getpid)
    started: float = field(default_factory=time.time)
    queue_file: str | None = None
    """Where is left what a scheduler says of the jobs, if one runs them."""

    @classmethod
    def from_json(cls, document: object) -> Self:
        """See `JsonRecord.from_json`. The values too are those that a sweep can have."""
        record = super().from_json(document)
        if not 0 < record.pid < MAX_PID or not 0 <= record.started <= MAX_NUMBER:
            raise ValueError("pid or started is out of range")
        for each in record.jobs:
            if not all(
                0 <= number <= each.total <= MAX_NUMBER for number in (each.finished, each.finished_at_end or 0)
            ):
                raise ValueError("finished or total is out of range")
            paths = (each.run_folder, each.exit_code_file, each.signal_file, record.queue_file or "")
            if any("\0" in path for path in paths):
                raise ValueError("a path has a NUL")
        return record

    def write(self, output: Path) -> None:
        """Raises OSError."""
        path = output / SWEEP_RECORD
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(self.to_json(), ensure_ascii=False).encode(errors="replace"))

    @property
    def is_here(self) -> bool:
        """Whether it was launched where process ids are ours."""
        return Machine(self.host, self.boot, self.pids) == Machine.this()

    @property
    def alive(self) -> bool:
        """Whether the process that launched the sweep is running; one on another machine counts for a moment."""
        if self.is_here:
            return process_is_alive(self.pid) and existed_at(self.pid, self.started)
        return time.time() - self.started < SECONDS_UNTIL_LOST

    def queue(self) -> Mapping[int, QueuedJob]:
        """What the scheduler says of the jobs by their numbers; empty where none says anything."""
        return {} if self.queue_file is None else read_queue(Path(self.queue_file))


def read_sweep(output: Path) -> SweepRecord | None:
    """The newest sweep of an output folder; None where there is none, or its record cannot be read."""
    try:
        return load_sweep(output)
    except (OSError, ValueError):
        return None


def unreadable_sweep(output: Path) -> dict[str, str]:
    """Why the record of the newest sweep cannot be read, by its path in the folder; empty where it can, or there is
    none."""
    try:
        load_sweep(output)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        return {SWEEP_RECORD: reason_of(error)}
    return {}


def load_sweep(output: Path) -> SweepRecord:
    """The newest sweep of an output folder. Raises OSError, or ValueError where the file is no record of one."""
    return SweepRecord.from_json(parse_json(read_regular(output / SWEEP_RECORD)))


def at_end(job: SweepJob, record: Progress) -> Progress:
    """The record of a job's run that wrote no last one, with the poses that the sweep found at its end."""
    if job.finished_at_end is None:
        return record
    total, before = record.total, record.finished_before
    if not total:  # it ended before it knew its poses
        total, before = job.total, job.finished
    done = max(job.finished_at_end - record.left_out_finished - before, 0)
    ended = replace(record, total=total, finished_before=before, done=done)
    ended.silence = record.silence
    return ended


def read_number(path: Path) -> int | None:
    """The number in a file; None where there is none."""
    try:
        return int(read_regular(path, 64))
    except (OSError, ValueError):
        return None
