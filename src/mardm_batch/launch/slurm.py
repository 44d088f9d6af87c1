"""Jobs of a Slurm cluster: submitted by submitit, which requeues them at their time limit, and watched by squeue.

squeue knows ended jobs for a few minutes, so no accounting (sacct) is needed. A job that is preempted or whose node is
lost goes back to the queue by itself.
"""

import logging
import re
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn
from omegaconf import OmegaConf

from mardm_batch.dataset.queues import ENDED, QUEUED, RUNNING, QueuedJob
from mardm_batch.errors import ConfigurationError
from mardm_batch.launch.watching import LauncherFailure, watch_jobs
from mardm_batch.system.signals import defer_signals

log = logging.getLogger(__name__)

PROGRAMS: Final = ("sbatch", "squeue", "scancel")
POLL_SECONDS: Final = 5.0
POLLS_TO_BELIEVE: Final = 2
"""So often in a row a job has to be said to have ended, as one that is requeued is between two states for a moment."""
SECONDS_TO_ANSWER: Final = 60
SECONDS_TO_CANCEL: Final = 60
FORMAT: Final = "%i|%T|%r|%N"
ENDINGS: Final = {
    "CANCELLED": "was cancelled (scancel)",
    "TIMEOUT": "reached its time limit before it could stop",
    "NODE_FAIL": "lost its node and was not requeued",
    "BOOT_FAIL": "got a node that did not start",
    "OUT_OF_MEMORY": "ran out of its memory (hydra.launcher.mem_gb)",
    "DEADLINE": "reached its deadline",
    "PREEMPTED": "was preempted and not requeued",
    "REVOKED": "was revoked",
}
"""Of jobs that did not end by themselves, by their states."""
ENDED_STATES: Final = {"COMPLETED", "FAILED", *ENDINGS}
RUNNING_STATES: Final = {"RUNNING", "COMPLETING", "CONFIGURING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT"}
NEVER: Final = re.compile(
    r"BadConstraints|DependencyNeverSatisfied|PartitionNodeLimit|PartitionTimeLimit|InvalidAccount|InvalidQOS"
    r"|(Assoc|QOS)Max\w*PerJob\w*|launch[ _]failed.*",
    re.IGNORECASE,
)
"""Reasons to wait that do not go away by themselves."""
SECONDS_TO_APPEAR: Final = 60
"""Of a submitted job in the lists."""


class LauncherPlugin(Protocol):
    """What is read of the Hydra plugin."""

    parameters: dict[str, Any]
    hydra_context: Any
    task_function: Any
    config: Any


def check_slurm() -> None:
    """Check that jobs can be submitted from this machine. Raises ConfigurationError."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        raise ConfigurationError(
            f"hydra/launcher=slurm: {missing[0]} is not on this machine: launch from a login node of the cluster"
        )


def launch_on_slurm(plugin: LauncherPlugin, overrides: Sequence[Sequence[str]], first: int) -> Sequence[JobReturn]:
    """Submit a job for each list of overrides, and wait until all have ended.

    Raises:
        LauncherFailure: they could not be submitted, or none can ever start.
        Interrupted: all were cancelled.
    """
    folder = str(plugin.config.hydra.sweep.dir)
    numbers = range(first, first + len(overrides))
    with defer_signals():  # no job without its id
        jobs = submit(plugin, overrides, first)
    ids = dict(zip(numbers, jobs, strict=True))
    log.info("Slurm jobs %s; their output is in %s/.submitit", shown_ids(list(ids.values())), folder)
    watch_jobs(SlurmWatch(ids), folder, POLL_SECONDS)
    return []


def submit(plugin: LauncherPlugin, overrides: Sequence[Sequence[str]], first: int) -> Sequence[str]:
    """Submit the jobs as one array; their ids. Raises LauncherFailure."""
    import submitit
    from hydra_plugins.hydra_submitit_launcher.config import BaseQueueConf
    from hydra_plugins.hydra_submitit_launcher.submitit_launcher import SlurmLauncher

    parameters = {
        key: OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
        for key, value in plugin.parameters.items()
    }
    task = SlurmLauncher(**parameters)
    task.setup(hydra_context=plugin.hydra_context, task_function=plugin.task_function, config=plugin.config)
    shared = set(OmegaConf.structured(BaseQueueConf))
    folder, timeouts = parameters.pop("submitit_folder"), parameters.pop("max_num_timeout")
    Path(str(plugin.config.hydra.sweep.dir)).mkdir(parents=True, exist_ok=True)
    try:
        executor = submitit.AutoExecutor(folder, cluster="slurm", slurm_max_num_timeout=timeouts)
        named = {key if key in shared else f"slurm_{key}": value for key, value in parameters.items()}
        executor.update_parameters(**named)
        count, state = len(overrides), Singleton.get_state()
        numbers = list(range(first, first + count))
        listed = [list(each) for each in overrides]
        names = [f"job_id_for_{number}" for number in numbers]
        jobs = executor.map_array(task, listed, ["hydra.sweep.dir"] * count, numbers, names, [state] * count)
    except (submitit.core.utils.FailedJobError, submitit.core.utils.FailedSubmissionError) as error:
        raise LauncherFailure(f"sbatch refused the jobs: {submission_error(str(error))}") from None
    return [job.job_id for job in jobs]


def submission_error(text: str) -> str:
    """The reason in sbatch's output."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    reasons = [line for line in lines if line.startswith("sbatch: error:")]
    chosen = (reasons or lines or ["it said nothing"])[-1]
    return chosen.removeprefix("sbatch: error: ").removeprefix("Batch job submission failed: ")


def shown_ids(ids: Sequence[str]) -> str:
    """The ids of an array in the form in which Slurm's commands take them."""
    if len(ids) == 1:
        return ids[0]
    array, _, last = ids[-1].partition("_")
    return f"{array}_[0-{last}]"


@dataclass
class SlurmWatch:
    """The states of Slurm jobs by their numbers in the sweep."""

    ids: Mapping[int, str]

    def __post_init__(self) -> None:
        self.said_ended = dict.fromkeys(self.ids, 0)
        self.known: dict[int, QueuedJob] = {}
        self.seen: set[int] = set()
        self.ran: set[int] = set()
        self.started = time.monotonic()

    def states(self) -> Mapping[int, QueuedJob]:
        """See `Watch.states`. Those of the last time where Slurm does not answer."""
        listed = query({each.partition("_")[0] for each in self.ids.values()})
        if listed is None:
            return self.known
        for number, job in self.ids.items():
            state, reason = listed.get(job, (None, ""))
            gone = state is None and (number in self.seen or time.monotonic() - self.started > SECONDS_TO_APPEAR)
            ended = state in ENDED_STATES or gone
            self.seen |= {number} if state is not None else set()
            self.ran |= {number} if state in RUNNING_STATES else set()
            if gone and listed and number not in self.ran:
                state = "CANCELLED"  # of a task that is cancelled in the queue of its array Slurm keeps nothing
            self.said_ended[number] = self.said_ended[number] + 1 if ended else 0
            if self.said_ended[number] >= POLLS_TO_BELIEVE or (ended and state == "COMPLETED"):
                self.known[number] = QueuedJob(ENDED, job, ENDINGS.get(state or "") or self.known_ending(number))
            elif not ended:
                running = state in RUNNING_STATES
                why = None if running or reason in ("None", "") else reason
                self.known[number] = QueuedJob(RUNNING if running else QUEUED, job, why)
        return self.known

    def known_ending(self, number: int) -> str | None:
        before = self.known.get(number)
        return before.reason if before is not None and before.state == ENDED else None

    def obstacle(self) -> str | None:
        """See `Watch.obstacle`."""
        waiting = [job for job in self.known.values() if job.state == QUEUED]
        if not waiting or not all(job.reason and NEVER.fullmatch(job.reason) for job in waiting):
            return None
        return f"{waiting[0].reason} (squeue -j {waiting[0].job})"

    def cancel(self) -> None:
        """See `Watch.cancel`: all jobs, and wait until they have ended."""
        arrays = sorted({each.partition("_")[0] for each in self.ids.values()})
        deadline = time.monotonic() + SECONDS_TO_CANCEL
        while time.monotonic() < deadline:
            run_program("scancel", *arrays)  # again and again: one that is being requeued comes back
            time.sleep(2.0)
            listed = query(set(arrays))
            if listed is not None and all(state in ENDED_STATES for state, _ in listed.values()):
                return
        log.warning("the jobs still end: squeue -j %s", ",".join(arrays))


def query(arrays: set[str]) -> Mapping[str, tuple[str, str]] | None:
    """State and reason of the jobs of some arrays by their ids; None where Slurm does not answer."""
    words = ("-h", "-a", "-r", "-t", "all", "-o", FORMAT, "-j", ",".join(sorted(arrays)))
    result = run_program("squeue", *words)
    if result is None:
        return None
    if result.returncode:
        return {} if "Invalid job id" in result.stderr else None
    return parse_squeue(result.stdout)


def parse_squeue(text: str) -> dict[str, tuple[str, str]]:
    """State and reason by job id from squeue's lines in `FORMAT`."""
    rows = [line.split("|") for line in text.splitlines()]
    return {row[0]: (row[1], row[2].strip("()")) for row in rows if len(row) == 4}


def run_program(*command: str) -> subprocess.CompletedProcess[str] | None:
    """Run one of Slurm's programs; None where it does not end or cannot be started."""
    with suppress(OSError, subprocess.TimeoutExpired):
        return subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS_TO_ANSWER, start_new_session=True
        )
    return None
