"""This machine among others, and the task of a scheduler."""

import pytest

from mardm_batch.system.machine import Machine, scheduler_job
from mardm_batch.system.processes import available_cores


@pytest.mark.parametrize(
    ("environment", "job"),
    [
        ({}, None),
        ({"SLURM_JOB_ID": "7"}, "7"),
        ({"SLURM_JOB_ID": "9", "SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "2"}, "7_2"),
        ({"SLURM_JOB_ID": "7", "MARDM_BATCH_SCHEDULER_JOB": "task"}, "task"),
    ],
)
def test_the_job_of_a_scheduler(environment: dict[str, str], job: str | None) -> None:
    assert scheduler_job(environment) == job


def test_a_task_uses_the_cores_that_it_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = available_cores()
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "1")
    assert available_cores() == 1
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "4096")  # of a node that is not bound to them
    assert available_cores() == everything


def test_this_machine_is_this_machine() -> None:
    assert Machine.this() == Machine.this()
