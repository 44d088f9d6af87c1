"""The progress of each shard, in a small file of the output folder that other processes read.

`OUTPUT/.mardm_batch/progress/SHARD.json` is written whole every second while the shard's process runs, and once more
when it ends, so that it can be read from another terminal, afterwards and over a shared disk.
"""

import errno
import json
import os
import re
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from mardm_batch.dataset.clocks import file_system_time
from mardm_batch.dataset.layout import PROGRESS, RECORDS
from mardm_batch.errors import reason_of
from mardm_batch.system.files import read_regular, write_atomically
from mardm_batch.system.json_records import JsonRecord, parse_json
from mardm_batch.system.machine import Machine, boot_id, pid_namespace, scheduler_job
from mardm_batch.system.processes import existed_at, process_is_alive

SECONDS_UNTIL_LOST = 120.0
"""A process on another machine that has not written for this long, by the file system's clock, is taken for dead."""

FOLDERS_NAMED = 3
RUNNING = ("starting", "running")
MAX_PID = 2**31
MAX_NUMBER = 10**12
"""Of poses, seconds since 1970 and megabytes in a record; a larger one is refused."""


@dataclass
class Progress(JsonRecord):
    """The progress of one shard.

    `state`: starting, running, finished (no pose is missing), incomplete, interrupted, refused (bad settings or input)
    or crashed.
    """

    shard: str
    run_folder: str
    sweep: str | None = None
    state: str = "starting"
    exit_code: int | None = None
    host: str = field(default_factory=socket.gethostname)
    boot: str = field(default_factory=boot_id)
    pids: str = field(default_factory=pid_namespace)
    """The namespace in which `pid` is a process; with `host` and `boot` it says where process ids mean the same."""
    pid: int = field(default_factory=os.getpid)
    job: str | None = field(default_factory=scheduler_job)
    """The id of its job at a scheduler (Slurm, Ray)."""
    started: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)
    total: int = 0
    """Poses requested of this shard, including those that were finished before the run."""
    finished_before: int = 0
    left_out: int = 0
    """Poses of the shard's list that are not requested, as `retry` asks for some alone."""
    left_out_finished: int = 0
    done: int = 0
    failed: int = 0
    poses_per_second: float = 0.0
    seconds_left: float | None = None
    device: str = ""
    device_memory_mb: float = 0.0
    newest: list[str] = field(default_factory=list)
    """Names of the poses that were written last, the newest last."""
    last_failure: str | None = None

    def __post_init__(self) -> None:
        self.silence: float | None = None
        """Seconds since the record was written, by the file system's clock; known of records of other machines."""

    @classmethod
    def from_json(cls, document: object) -> Self:
        """See `JsonRecord.from_json`. The values too are those that a run can have."""
        record = super().from_json(document)
        shard = re.fullmatch(r"all|shard-(\d{1,9})-of-(\d{1,9})", record.shard)
        if shard is None or (shard[1] and int(shard[1]) >= int(shard[2])):
            raise ValueError("shard should be all or shard-K-of-N")
        if not 0 < record.pid < MAX_PID:
            raise ValueError("pid should be the number of a process")
        if "\0" in record.run_folder:
            raise ValueError("run_folder should be a path")
        for key, value in vars(record).items():
            lowest = -MAX_NUMBER if key == "exit_code" else 0
            if isinstance(value, int | float) and not lowest <= value <= MAX_NUMBER:
                raise ValueError(f"{key} should be from {lowest} to {MAX_NUMBER}")
        return record

    def write(self, output: Path) -> None:
        self.updated = time.time()
        folder = output / RECORDS / PROGRESS
        folder.mkdir(parents=True, exist_ok=True)
        if folder.is_symlink() or folder.parent.is_symlink():
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(folder))
        write_atomically(folder / f"{self.shard}.json", json.dumps(self.to_json(), ensure_ascii=False).encode())

    @property
    def is_here(self) -> bool:
        """Whether it ran where process ids are ours: on this machine, since its start, in this container."""
        return Machine(self.host, self.boot, self.pids) == Machine.this()

    @property
    def place(self) -> str:
        """Its process, host and job, for people."""
        return f"process {self.pid} on {self.host}" + ("" if self.job is None else f" (job {self.job})")

    @property
    def alive(self) -> bool:
        """Whether the shard's process is running: by its process id on this machine, by its last update on others."""
        if self.state not in RUNNING:
            return False
        if self.is_here:
            return process_is_alive(self.pid) and existed_at(self.pid, self.updated)
        silence = time.time() - self.updated if self.silence is None else self.silence
        return silence < SECONDS_UNTIL_LOST


def read_progress(output: Path) -> list[Progress]:
    """The progress of all shards that ever ran on this output folder, sorted by their names."""
    return read_progress_records(output)[0]


def run_folders_hint(folder: Path) -> str:
    """Names a few folders in a folder that have records of runs, for a message that it has none; "" if there are none.

    Raises:
        OSError: the folder cannot be read.
    """
    below = sorted(path.parent for path in folder.glob(f"*/{RECORDS}"))
    more = " and others" if len(below) > FOLDERS_NAMED else ""
    return f"runs wrote to {', '.join(map(str, below[:FOLDERS_NAMED]))}{more}: name one" if below else ""


def read_progress_records(output: Path) -> tuple[list[Progress], dict[str, str]]:
    """The progress of all shards, and why other files are not progress records, by their paths in the folder."""
    shards, unreadable = list[Progress](), {}
    now: float | None = None
    for path in sorted((output / RECORDS / PROGRESS).glob("*.json")):
        try:
            written = path.stat().st_mtime
            record = Progress.from_json(parse_json(read_regular(path)))
            if record.state in RUNNING and not record.is_here:
                now = file_system_time(output / RECORDS) if now is None else now
                record.silence = max(now - written, 0.0)
            shards.append(record)
        except FileNotFoundError:  # being replaced, on a shared disk
            continue
        except (OSError, ValueError) as error:
            unreadable[path.relative_to(output).as_posix()] = reason_of(error)
    return shards, unreadable
