"""What the processes of a sweep tell one another. Light to import: every run of a sweep reads it first."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

JOB: Final = "MARDM_BATCH_JOB"
"""Environment variable with the number of a run's job."""


@dataclass(frozen=True)
class Plan:
    """What all processes of a sweep must know."""

    folder: str
    launcher: int
    """The process that launched the sweep. Nothing of the sweep outlives it."""
    flags: Sequence[str]
    """Hydra's own flags that say where the configuration is."""
    gpu_ids: Sequence[int]
    """Empty: the runs share the CPU."""
    cpu_threads: int

    @property
    def name(self) -> str:
        """Of the group of runs: when the sweep was launched."""
        return "-".join(Path(self.folder).parts[-2:])


def current_plan() -> Plan | None:
    """The sweep that this process belongs to; None for a run on its own."""
    content = os.environ.get(PLAN)
    return None if content is None else Plan(**json.loads(content))


def records(plan: Plan) -> Path:
    """Folder of what the sweep's processes leave for one another."""
    return Path(plan.folder) / ".sweep"


def record(plan: Plan, number: int, what: str, value: int) -> None:
    """Leave a number about a job for the process that launched the sweep."""
    (records(plan) / f"{number}.{what}").write_text(str(value))


def recorded(plan: Plan, number: int, what: str) -> int | None:
    try:
        return int((records(plan) / f"{number}.{what}").read_text())
    except (OSError, ValueError):
        return None


def write_exit_code(plan: Plan | None, code: int) -> None:
    """Let the launching process know how this run ended."""
    if plan is not None:
        record(plan, int(os.environ[JOB]), "exit_code", code)


PLAN = "MARDM_BATCH_SWEEP"
"""Environment variable by which the sweep's processes know their sweep: a `sweep.Plan` in JSON."""
