"""This machine among others: its identity in records, and the job of a scheduler that this process is."""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Self

BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
PID_NAMESPACE: Final = "/proc/self/ns/pid"
JOB_VARIABLE: Final = "MARDM_BATCH_SCHEDULER_JOB"
"""Environment variable with the id of the job that this process is, where a launcher of ours started it."""


@dataclass(frozen=True)
class Machine:
    """Where process ids mean the same: the host, since it was started, in one container. Empty where unknown."""

    host: str
    boot: str
    pids: str

    @classmethod
    def this(cls) -> Self:
        """Of this process."""
        return cls(socket.gethostname(), boot_id(), pid_namespace())


@cache
def boot_id() -> str:
    """Another one after each start of the machine; empty where the system has none."""
    with suppress(OSError):
        return BOOT_ID.read_text(encoding="ascii").strip()
    return ""


def pid_namespace() -> str:
    """Another one in each container that numbers processes of its own; empty where the system has none."""
    with suppress(OSError):
        return os.readlink(PID_NAMESPACE)
    return ""


def scheduler_job(environment: Mapping[str, str] = os.environ) -> str | None:
    """The id of the job that a scheduler (Slurm, Ray) runs this process as; None where none does."""
    if JOB_VARIABLE in environment:
        return environment[JOB_VARIABLE]
    if "SLURM_ARRAY_JOB_ID" in environment and "SLURM_ARRAY_TASK_ID" in environment:
        return f"{environment['SLURM_ARRAY_JOB_ID']}_{environment['SLURM_ARRAY_TASK_ID']}"
    return environment.get("SLURM_JOB_ID")
