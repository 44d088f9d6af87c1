"""Tasks of a Ray cluster: one for each job, which Ray starts again where its process or node is lost."""

import importlib.util
import logging
import os
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol

from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, run_job, setup_globals
from omegaconf import open_dict

from mardm_batch.dataset.queues import ENDED, QUEUED, RUNNING, QueuedJob
from mardm_batch.errors import ConfigurationError, first_line
from mardm_batch.launch.plan import STARTED, read_status, write_status
from mardm_batch.launch.watching import LauncherFailure, watch_jobs
from mardm_batch.system.machine import JOB_VARIABLE
from mardm_batch.system.signals import defer_signals

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 2.0
SECONDS_TO_ANSWER: Final = 10.0
SECONDS_TO_CANCEL: Final = 60.0
SECONDS_BETWEEN_INTERRUPTS: Final = 5.0
FORWARDED: Final = ("WANDB_", "HYDRA_FULL_ERROR", "HF_")
"""Beginnings of the environment variables that a task has from the launching process."""


class RayPlugin(Protocol):
    """What is read of the Hydra plugin."""

    address: str
    num_cpus: int
    num_gpus: float
    max_retries: int
    start_timeout_min: float
    hydra_context: Any
    task_function: Any
    config: Any


def check_ray() -> None:
    """Check that Ray is installed. Raises ConfigurationError."""
    if importlib.util.find_spec("ray") is None:
        raise ConfigurationError("hydra/launcher=ray: needs Ray: pip install 'mardm-batch[ray]'")


@dataclass(frozen=True)
class Task:
    """What a task needs to be a job of the sweep."""

    hydra_context: Any
    task_function: Any
    config: Any
    singletons: Mapping[type, Singleton]
    working_folder: str
    environment: Mapping[str, str]
    cores: int

    def run(self, overrides: Sequence[str], number: int, job: str) -> None:
        """In a process of a node: the job, in place."""
        os.environ.update(self.environment)
        os.environ[JOB_VARIABLE] = job
        try:
            os.chdir(self.working_folder)
        except OSError as error:
            reason = (
                f"{self.working_folder}: {error.strerror}; all nodes must share the folder that the sweep starts in"
            )
            raise RuntimeError(f"{socket.gethostname()}: {reason}") from None
        Singleton.set_state(dict(self.singletons))
        setup_globals()
        config = self.hydra_context.config_loader.load_sweep_config(self.config, list(overrides))
        with open_dict(config):
            config.hydra.job.id, config.hydra.job.num = job, number
            if config.cpu_threads is None:
                config.cpu_threads = self.cores
        write_status(str(self.config.hydra.sweep.dir), number, STARTED, os.getpid())
        run_job(
            hydra_context=self.hydra_context,
            task_function=self.task_function,
            config=config,
            job_dir_key="hydra.sweep.dir",
            job_subdir_key="hydra.sweep.subdir",
        )


def run_task(task: Task, overrides: Sequence[str], number: int) -> None:
    """The remote function."""
    import ray

    task.run(overrides, number, ray.get_runtime_context().get_task_id() or str(number))


def launch_on_ray(plugin: RayPlugin, overrides: Sequence[Sequence[str]], first: int) -> Sequence[JobReturn]:
    """Start a task for each list of overrides, and wait until all have ended.

    Raises:
        LauncherFailure: there is no cluster, or none of its nodes can hold a task.
        Interrupted: all were cancelled.
    """
    import ray

    folder = str(plugin.config.hydra.sweep.dir)
    environment = {key: value for key, value in os.environ.items() if key.startswith(FORWARDED)}
    task = Task(
        plugin.hydra_context,
        plugin.task_function,
        plugin.config,
        Singleton.get_state(),
        os.getcwd(),
        environment,
        plugin.num_cpus,
    )
    connect(plugin.address)
    try:
        with defer_signals():
            remote = ray.remote(num_cpus=plugin.num_cpus, num_gpus=plugin.num_gpus, max_retries=plugin.max_retries)(
                run_task
            )
            shared = ray.put(task)
            numbers = range(first, first + len(overrides))
            tasks = {
                number: remote.remote(shared, list(each), number)
                for number, each in zip(numbers, overrides, strict=True)
            }
        watch_jobs(RayWatch(tasks, plugin, folder), folder, POLL_SECONDS)
    except ray.exceptions.RaySystemError as error:
        raise LauncherFailure(f"the cluster is lost: {first_line(error)}") from None
    finally:
        ray.shutdown()
    return []


def connect(address: str) -> None:
    """Connect to a cluster that runs; none is started. Raises LauncherFailure."""
    import ray

    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # a task without GPUs need not be told so
    named = os.environ.get("RAY_ADDRESS", address) if address == "auto" else address
    try:
        check_answers(named)
        ray.init(named, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, ValueError, RuntimeError) as error:
        reason = "" if named == "auto" else f" ({first_line(error)})"
        raise LauncherFailure(
            f"no Ray cluster at address={named}{reason}: start one with `ray start --head`, or name it with "
            "RAY_ADDRESS or hydra.launcher.address"
        ) from None


def check_answers(address: str) -> None:
    """Check that something answers at HOST:PORT; Ray itself tries for minutes. Raises OSError where nothing does."""
    host, _, port = address.rpartition(":")
    if host and port.isdecimal() and "//" not in host:
        socket.create_connection((host, int(port)), timeout=SECONDS_TO_ANSWER).close()


class RayWatch:
    """The states of Ray tasks by their numbers in the sweep."""

    def __init__(self, tasks: Mapping[int, Any], plugin: RayPlugin, folder: str) -> None:
        self.tasks, self.plugin, self.folder = tasks, plugin, folder
        self.ended: dict[int, str | None] = {}
        self.room = time.monotonic()
        """When a node could hold a task for the last time."""
        self.warned = False

    def states(self) -> Mapping[int, QueuedJob]:
        """See `Watch.states`."""
        import ray

        waiting = {task: number for number, task in self.tasks.items() if number not in self.ended}
        done = ray.wait(list(waiting), num_returns=len(waiting), timeout=0)[0] if waiting else []
        for each in done:
            self.ended[waiting[each]] = ending_of(each)
        return {number: self.state(number, task) for number, task in self.tasks.items()}

    def state(self, number: int, task: Any) -> QueuedJob:
        job = task.task_id().hex()
        if number in self.ended:
            return QueuedJob(ENDED, job, self.ended[number])
        started = read_status(self.folder, number, STARTED) is not None
        return QueuedJob(RUNNING if started else QUEUED, job, None if started else self.shortage())

    def shortage(self) -> str | None:
        """That no node of the cluster is large enough for a task; None where one is."""
        import ray

        cpus, gpus = self.plugin.num_cpus, self.plugin.num_gpus
        sizes = [
            (each["Resources"].get("CPU", 0), each["Resources"].get("GPU", 0)) for each in ray.nodes() if each["Alive"]
        ]
        if any(size[0] >= cpus and size[1] >= gpus for size in sizes):
            self.room = time.monotonic()
            return None
        largest = max(sizes, default=(0, 0))
        return f"no node has {cpus:g} CPUs and {gpus:g} GPUs; the largest has {largest[0]:g} and {largest[1]:g}"

    def obstacle(self) -> str | None:
        """See `Watch.obstacle`."""
        reason = self.shortage()
        waited = time.monotonic() - self.room
        return reason if reason and waited >= 60 * self.plugin.start_timeout_min else None

    def cancel(self) -> None:
        """See `Watch.cancel`: as by Ctrl-C, again and again, as one that just starts may miss it; then by force."""
        deadline = time.monotonic() + SECONDS_TO_CANCEL
        while self.interrupt(force=False) and time.monotonic() < deadline:
            pass
        self.interrupt(force=True)

    def interrupt(self, force: bool) -> bool:
        """Interrupt the tasks that have not ended; whether some have not a little later."""
        import ray

        waiting = [task for number, task in self.tasks.items() if number not in self.ended]
        for each in waiting:
            with suppress(Exception):  # it may have ended meanwhile
                ray.cancel(each, force=force, recursive=False)
        if waiting:
            ray.wait(waiting, num_returns=len(waiting), timeout=SECONDS_BETWEEN_INTERRUPTS)
        return any(job.state != ENDED for job in self.states().values())


def ending_of(task: Any) -> str | None:
    """How a task ended other than by itself."""
    import ray

    try:
        ray.get(task)
    except ray.exceptions.TaskCancelledError:
        return "was cancelled"
    except ray.exceptions.WorkerCrashedError:
        return "lost its process more often than hydra.launcher.max_retries allows"
    except ray.exceptions.OutOfMemoryError:
        return "ran out of the memory of its node"
    except ray.exceptions.NodeDiedError:
        return "lost its node more often than hydra.launcher.max_retries allows"
    except ray.exceptions.RayTaskError as error:
        return f"failed: {first_line(error.cause) if error.cause else first_line(error)}"
    except ray.exceptions.RayError as error:
        return f"failed: {type(error).__name__}: {first_line(error)}"
    return None
