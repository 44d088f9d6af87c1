"""The plan that the processes of a sweep share, and the statuses that they leave in its folder. Light to import."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

from mardm_batch.system.files import read_regular

SWEEP_VARIABLE: Final = "MARDM_BATCH_SWEEP"
"""Environment variable of a sweep's processes: its `Plan` in JSON."""
JOB_VARIABLE: Final = "MARDM_BATCH_JOB"
"""Environment variable of a run: the number of its job."""
EXIT_CODE: Final = "exit_code"
PROCESS_ID: Final = "pid"
STARTED: Final = "started"
"""Key of the status that a job of a cluster leaves when it starts: its process id there."""
SIGNAL: Final = "signal"
"""Key of the status of a run that a signal killed: the signal's number."""


@dataclass(frozen=True)
class JobPlan:
    """A job of a sweep of processes on this machine."""

    overrides: Sequence[str]
    """Settings that the sweep adds to the job's own."""
    gpu: int | None
    """The GPU that the job holds while it runs; None where the runs share the CPU."""


@dataclass(frozen=True)
class Plan:
    """A sweep of processes on this machine."""

    folder: str
    launcher: int
    """The process that launched the sweep; all others of the sweep end with it."""
    flags: Sequence[str]
    """Hydra's flags that name the configuration."""
    jobs: Sequence[JobPlan]
    messages_to_files: bool = False
    """Whether the runs say what they say in files, which the launching process prints above its bar."""

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, content: str) -> Self:
        fields = json.loads(content)
        return cls(**{**fields, "jobs": [JobPlan(**each) for each in fields["jobs"]]})


def current_plan() -> Plan | None:
    """The plan of the sweep that this process belongs to; None for a run on its own."""
    content = os.environ.get(SWEEP_VARIABLE)
    return None if content is None else Plan.from_json(content)


def sweep_name(folder: str) -> str:
    """The name of a sweep, which groups its runs: the last two parts of its folder, date and time of its launch."""
    return "-".join(Path(folder).parts[-2:])


def status_folder(folder: str) -> Path:
    """Where the runs of a sweep leave their statuses."""
    return Path(folder) / ".sweep"


def queue_file(folder: str) -> str:
    """Where the launching process leaves what a scheduler says of the jobs."""
    return str(status_folder(folder) / "queue.json")


def message_file(folder: str, job: int) -> Path:
    """Where a run leaves what it says on a terminal."""
    return status_folder(folder) / f"{job}.messages"


def write_status(folder: str, job: int, key: str, value: int) -> None:
    """Leave a number about a job for the process that launched the sweep."""
    path = status_folder(folder) / f"{job}.{key}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(str(value))


def read_status(folder: str, job: int, key: str) -> int | None:
    try:
        return int(read_regular(status_folder(folder) / f"{job}.{key}"))
    except (OSError, ValueError):
        return None
