"""Engines: how the jobs of a sweep become runs, by the name of the Hydra launcher (`hydra/launcher=NAME`).

joblib, and Hydra's own launcher, start their jobs on this machine: there a run is a process of its own, which we watch,
and start again where the launcher did not. Any other launcher (Slurm, Ray, ...) owns lifetime, devices and restarts of
its jobs, which may run on other machines: there a job generates in place, and we start and watch nothing.
"""

import logging
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from hydra.conf import HydraConf
from omegaconf import DictConfig

from mardm_batch.config.overrides import quoted
from mardm_batch.errors import SIGNAL_CODES, ConfigurationError, ExitCode, first_line
from mardm_batch.launch.detached import stop_runs, supervise_run, wait_for_runs, warning_filters
from mardm_batch.launch.display import SweepDisplay
from mardm_batch.launch.jobs import Job, check_gpus, check_locks, plan_job, runs_that_pay, share_of_cores, shared_gpus
from mardm_batch.launch.plan import EXIT_CODE, SWEEP_VARIABLE, Plan, current_plan, sweep_name, write_status
from mardm_batch.launch.ray_tasks import check_ray
from mardm_batch.launch.single_run import run_to_exit_code
from mardm_batch.launch.slurm import check_slurm
from mardm_batch.launch.watching import LauncherFailure
from mardm_batch.system.processes import available_cores, check_semaphores
from mardm_batch.system.signals import Interrupted, raise_on_signals, shield_started_processes, stop_at_warnings
from mardm_batch.system.terminal import CONSOLE, ConsoleHandler, counted, printable

log = logging.getLogger(__name__)

FOLDERS_NAMED: Final = 4
"""Of a sweep into several folders, where their progress is announced."""


@dataclass(frozen=True)
class Sweep:
    """The jobs of a sweep, and what is needed to launch them."""

    jobs: Sequence[Job]
    folder: str
    """Of logs, configurations and statuses; absolute."""
    flags: Sequence[str]
    """Hydra's flags that name the configuration."""
    launcher: str
    """The name of the Hydra launcher."""
    processes: int | None
    """Runs at a time; None for one per GPU or core. For engines on this machine."""
    launch: Callable[[Sequence[str]], None]
    """Runs Hydra's sweep with these further command-line words."""

    def launch_jobs(self, *overrides: str) -> None:
        self.launch([f"hydra.sweep.dir={quoted(self.folder)}", *overrides])

    def announce(self, where: str) -> None:
        outputs = list(dict.fromkeys(shlex.quote(job.config.paths.output) for job in self.jobs))
        monitor = f"python -m mardm_batch.monitor {outputs[0] if len(outputs) == 1 else 'FOLDER'}"
        if len(outputs) > 1:
            more = f" and {len(outputs) - FOLDERS_NAMED} more" if len(outputs) > FOLDERS_NAMED else ""
            monitor += f", for the folders {', '.join(outputs[:FOLDERS_NAMED])}{more}"
        text = f"{counted(len(self.jobs), 'job')}, {where}; logs in {self.folder}; progress of each: {monitor}"
        CONSOLE.print(printable(text), markup=False, soft_wrap=True)


class Engine(Protocol):
    """How the jobs of a sweep become runs. A run leaves its exit code as a status in the sweep's folder."""

    def check(self, jobs: Sequence[Job]) -> None:
        """Check that the jobs can run where they will. Raises MardmBatchError; nothing was started."""

    def run_sweep(self, sweep: Sweep) -> int:
        """In the launching process, after `check`: launch all jobs and wait for them.

        Returns:
            The exit code of an interruption or of a launcher that failed, else 0, whatever the runs' own are.
        """

    def run_job(self, cfg: DictConfig, hydra: HydraConf) -> None:
        """In the process that the launcher chose for a job: run it. Hydra calls this with the job's settings."""


class DetachedProcesses:
    """Runs as processes of this machine that do not take each other down."""

    def check(self, jobs: Sequence[Job]) -> None:
        """See `Engine.check`: the GPUs that the jobs name exist, processes can share semaphores, shards are free."""
        check_gpus(jobs)
        check_locks(jobs)
        check_semaphores()

    def run_sweep(self, sweep: Sweep) -> int:
        """See `Engine.run_sweep`. Runs that the launcher did not start are started without it."""
        gpu_ids, cores = shared_gpus(sweep.jobs), available_cores()
        processes = min(len(sweep.jobs), sweep.processes or len(gpu_ids) or runs_that_pay(sweep.jobs, cores))
        jobs = [
            plan_job(job, gpu_ids, share_of_cores(number, len(sweep.jobs), processes, cores))
            for number, job in enumerate(sweep.jobs)
        ]
        plan = Plan(sweep.folder, os.getpid(), sweep.flags, jobs, messages_to_files=CONSOLE.is_terminal)
        slower = sweep.processes is None and not gpu_ids and processes < min(len(jobs), cores)
        sweep.announce(f"{processes} at once" + (", as more would be slower on this CPU" if slower else ""))
        start_launcher_s_resource_tracker()
        with SweepDisplay(sweep.jobs, sweep.folder):
            try:
                with raise_on_signals(), environment({SWEEP_VARIABLE: plan.to_json(), "HYDRA_FULL_ERROR": "1"}):
                    try:
                        sweep.launch_jobs(*([] if sweep.processes else [f"hydra.launcher.n_jobs={processes}"]))
                    except Exception as error:
                        log.warning("the launcher failed (%s); the runs continue without it", type(error).__name__)
                    wait_for_runs(plan, sweep.jobs, processes)
            except Interrupted as interruption:
                stop_runs(plan, sweep.jobs, interruption.number)
                return interruption.exit_code
            finally:
                close_log_files()
        return ExitCode.ALL_FINISHED

    def run_job(self, cfg: DictConfig, hydra: HydraConf) -> None:
        """See `Engine.run_job`."""
        plan = current_plan()
        assert plan is not None
        supervise_run(plan, hydra.job.num, list(hydra.overrides.task), Path(hydra.runtime.output_dir))


class InPlace:
    """Runs in the processes of the launcher, which owns their lifetime, devices and restarts."""

    def check(self, jobs: Sequence[Job]) -> None:
        """See `Engine.check`: the machines of the runs are not known here."""

    def run_sweep(self, sweep: Sweep) -> int:
        """See `Engine.run_sweep`. Where the launcher fails nothing is started in its place."""
        sweep.announce(f"launched by hydra/launcher={sweep.launcher}")
        try:
            with raise_on_signals(), environment({"HYDRA_FULL_ERROR": "1"}):
                sweep.launch_jobs()
        except Interrupted as interruption:
            return interruption.exit_code
        except SystemExit as error:
            return error.code if isinstance(error.code, int) else ExitCode.SOME_FAILED
        except LauncherFailure as failure:
            log.error("hydra/launcher=%s: %s", sweep.launcher, failure)
            return ExitCode.SOME_FAILED
        except Exception as error:
            log.error("hydra/launcher=%s failed: %s: %s", sweep.launcher, type(error).__name__, first_line(error))
            return ExitCode.SOME_FAILED
        return ExitCode.ALL_FINISHED

    def run_job(self, cfg: DictConfig, hydra: HydraConf) -> None:
        """See `Engine.run_job`.

        Raises:
            SystemExit: the run was interrupted. A launcher that restarts jobs must not take that for a result.
        """
        label, ConsoleHandler.label = ConsoleHandler.label, run_label(hydra.job.num, cfg)
        try:
            with stop_at_warnings() as warnings:
                code = run_to_exit_code(cfg, Path(hydra.runtime.output_dir), sweep_name(hydra.sweep.dir))
        finally:
            ConsoleHandler.label = label
        write_status(hydra.sweep.dir, hydra.job.num, EXIT_CODE, code)
        if code in SIGNAL_CODES:
            for repeat in warnings:
                repeat()  # to the launcher's own handler, which requeues the job and ends the process
            sys.exit(code)


class OnCluster(InPlace):
    """Runs on the machines of a cluster, by a launcher of ours that watches them; this machine only waits."""

    def check(self, jobs: Sequence[Job]) -> None:
        """See `Engine.check`: the launcher can be used, and no job names GPUs of one machine."""
        for job in jobs:
            if job.config.gpu_ids is not None:
                listed = ",".join(map(str, job.config.gpu_ids))
                raise ConfigurationError(
                    f"gpu_ids=[{listed}]: numbers GPUs of one machine; on a cluster a job uses the one that it gets: "
                    "leave gpu_ids out"
                )
        self.check_launcher()

    def check_launcher(self) -> None:
        """Raises ConfigurationError where the launcher's package or programs are missing."""

    def run_sweep(self, sweep: Sweep) -> int:
        """See `Engine.run_sweep`."""
        with SweepDisplay(sweep.jobs, sweep.folder):
            return super().run_sweep(sweep)


class Slurm(OnCluster):
    def check_launcher(self) -> None:
        """See `OnCluster.check_launcher`."""
        check_slurm()


class Ray(OnCluster):
    def check_launcher(self) -> None:
        """See `OnCluster.check_launcher`."""
        check_ray()


ENGINES: dict[str, type[Engine]] = {
    "joblib": DetachedProcesses,
    "basic": DetachedProcesses,
    "slurm": Slurm,
    "ray": Ray,
}
"""Engines by the name of the Hydra launcher; any other launcher is `InPlace`."""


def engine_for(launcher: str) -> Engine:
    """The engine of a Hydra launcher."""
    return ENGINES.get(launcher, InPlace)()


def run_label(number: int, cfg: DictConfig) -> str:
    """The beginning of a run's lines on the terminal that the runs of a sweep share."""
    return f"job {number}: " if cfg.shard is None else f"shard {cfg.shard}: "


def start_launcher_s_resource_tracker() -> None:
    """Start the process of joblib that removes what its workers share; like Python's it must not end before them."""
    from joblib.externals.loky.backend import resource_tracker

    with shield_started_processes(), environment({"PYTHONWARNINGS": warning_filters()}):
        resource_tracker.ensure_running()


def close_log_files() -> None:
    """Leave the logs of the runs to them: a launcher with one job at a time has opened them in this process."""
    for handler in logging.getLogger().handlers[:]:
        if isinstance(handler, logging.FileHandler):
            logging.getLogger().removeHandler(handler)
            handler.close()


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Environment variables for the processes that are started meanwhile."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
