"""What a scheduler says of the jobs of a sweep, as the process that launched them leaves it for the monitor.

The file lies in the sweep's folder and is written again every few seconds, so its age tells whether it still holds.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mardm_batch.dataset.clocks import file_system_time
from mardm_batch.dataset.progress import SECONDS_UNTIL_LOST
from mardm_batch.system.files import read_regular, write_atomically
from mardm_batch.system.json_records import JsonRecord, parse_json

QUEUED: Final = "queued"
RUNNING: Final = "running"
ENDED: Final = "ended"


@dataclass(frozen=True)
class QueuedJob(JsonRecord):
    """A job at its scheduler. `state`: queued, running or ended; `job`: its id there."""

    state: str
    job: str
    reason: str | None = None
    """Why it waits, or how it ended other than by itself."""


@dataclass(frozen=True)
class QueueRecord(JsonRecord):
    """The jobs of a sweep by their numbers."""

    jobs: Mapping[str, QueuedJob]


def write_queue(path: Path, jobs: Mapping[int, QueuedJob]) -> None:
    """Raises OSError."""
    record = QueueRecord({str(number): job for number, job in jobs.items()})
    write_atomically(path, json.dumps(record.to_json(), ensure_ascii=False).encode(errors="replace"))


def read_queue(path: Path) -> Mapping[int, QueuedJob]:
    """The jobs by their numbers; those that had not ended only while the record is kept up to date."""
    try:
        written = path.stat().st_mtime
        jobs = {int(key): job for key, job in QueueRecord.from_json(parse_json(read_regular(path))).jobs.items()}
    except (OSError, ValueError):
        return {}
    if all(job.state == ENDED for job in jobs.values()):
        return jobs
    fresh = file_system_time(path.parent) - written < SECONDS_UNTIL_LOST
    return {number: job for number, job in jobs.items() if fresh or job.state == ENDED}
