"""A sweep: many runs, started by the joblib launcher, that cannot take each other down.

joblib's workers are one pool: the death of one ends all of them and what they started. So a worker only starts its
run, as a process of its own out of the pool's reach, and waits for it. Where the pool breaks the runs go on; the
process that launched the sweep waits for them and starts those that were still to come. What is finished it counts on
disk.
"""

import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Final

from filelock import FileLock

from mardm_batch.config.overrides import quoted
from mardm_batch.config.schema import Config
from mardm_batch.dataset.formats.registry import enabled_formats
from mardm_batch.dataset.metadata import rebuild_metadata
from mardm_batch.dataset.store import PoseStore
from mardm_batch.errors import ConfigurationError, ExitCode, InputError
from mardm_batch.launch.plan import JOB, PLAN, Plan, record, recorded, records
from mardm_batch.prompts.shards import shards_overlap
from mardm_batch.run.conclusion import resume_hint
from mardm_batch.run.shard import count_finished
from mardm_batch.system.processes import available_cores, on_process_exit, process_is_alive
from mardm_batch.system.signals import Interrupted, raise_on_signals
from mardm_batch.system.terminal import CONSOLE

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.2
SECONDS_TO_STOP: Final = 8.0
THREADS: Final = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
"""joblib sets these to 1 in its workers; a run sets its threads itself."""
DETACH: Final = "import subprocess, sys; print(subprocess.Popen(sys.argv[1:], start_new_session=True, stdout=2).pid)"
"""Starts a process that is nobody's child; its output goes where the messages go, so that nobody waits for it."""


@dataclass(frozen=True)
class Job:
    """One run of a sweep: the command-line words that make it what it is, and its checked settings."""

    number: int
    overrides: Sequence[str]
    config: Config

    @property
    def name(self) -> str:
        shard = self.config.shard
        return f"job {self.number}" if shard is None else f"shard {shard} of {self.config.num_shards}"


# A run ----------------------------------------------------------------------------------------------------------------


def start_run(plan: Plan, number: int, overrides: Sequence[str], folder: Path) -> int:
    """Start a job's run as a process that no other process of the sweep takes along when it dies; its process id."""
    settings = [f"hydra.run.dir={quoted(str(folder))}", f"hydra.job.num={number}"]
    if not any(word.startswith("cpu_threads=") for word in overrides):
        settings.append(f"cpu_threads={plan.cpu_threads}")
    device = gpu_of(plan, number, overrides)
    if device is not None and not any(word.startswith("shard=") for word in overrides):
        settings.append(f"gpu_ids=[{device}]")
    command = [sys.executable, "-m", "mardm_batch", *plan.flags, *overrides, *settings]
    environment = {key: value for key, value in os.environ.items() if key not in ("HYDRA_FULL_ERROR", *THREADS)}
    environment |= {PLAN: json.dumps(asdict(plan)), JOB: str(number)}
    detached = subprocess.run(
        [sys.executable, "-c", DETACH, *command], env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    pid = int(detached.stdout)
    record(plan, number, "pid", pid)
    return pid


def gpu_of(plan: Plan, number: int, overrides: Sequence[str]) -> int | None:
    """The GPU that a job's run takes, which is its shard's; None where the runs share the CPU."""
    shards = [int(word.removeprefix("shard=")) for word in overrides if re.fullmatch(r"shard=\d+", word)]
    turn = shards[-1] if shards else number
    return plan.gpu_ids[turn % len(plan.gpu_ids)] if plan.gpu_ids else None


def attach_to_sweep(plan: Plan, shard: int | None) -> str:
    """Be a run of a sweep: end, as told by SIGTERM, with the launching process. Returns what begins its lines."""
    on_process_exit(plan.launcher, lambda: os.kill(os.getpid(), signal.SIGTERM))
    return f"job {os.environ[JOB]}: " if shard is None else f"shard {shard}: "


# In joblib's workers --------------------------------------------------------------------------------------------------


def supervise(plan: Plan, number: int, overrides: Sequence[str], folder: Path) -> None:
    """What a worker does for a job: start its run when its device is free, and wait for its end, however it ends."""
    on_process_exit(plan.launcher, lambda: os._exit(1))
    device = gpu_of(plan, number, overrides)
    with nullcontext() if device is None else FileLock(records(plan) / f"device-{device}.lock"):
        pid = start_run(plan, number, overrides, folder)
        while process_is_alive(pid):
            time.sleep(POLL_SECONDS)


# In the process that launches -----------------------------------------------------------------------------------------


def run_sweep(
    jobs: Sequence[Job],
    folder: Path,
    flags: Sequence[str],
    processes: int | None,
    launch: Callable[[Sequence[str]], None],
) -> int:
    """Launch the jobs, see them through and count what is finished.

    Args:
        folder: of the sweep's logs and configurations.
        processes: runs at once; None for one a device.
        launch: runs Hydra with these further command-line words.

    Returns:
        The exit code: 0 every run made what it was asked for, 1 one did not, 2 every one was refused, 130 or 143
        interrupted.

    Raises:
        ConfigurationError, InputError: nothing was started.
    """
    check_disjoint_outputs(jobs)
    gpu_ids = visible_gpus(jobs)
    at_once = min(len(jobs), processes or len(gpu_ids) or available_cores())
    plan = Plan(str(folder.resolve()), os.getpid(), flags, gpu_ids, max(1, available_cores() // at_once))
    for job in jobs:
        count_finished(job.config)  # a prompt file that cannot be read is found out here, once
    CONSOLE.print(f"{len(jobs)} jobs, {at_once} at once; logs in {folder}", markup=False, soft_wrap=True)
    for left_out in omitted_shards(jobs):
        CONSOLE.print(f"warning: {left_out}", markup=False, soft_wrap=True)
    start_records(plan)
    interrupted = None
    try:
        with raise_on_signals(), environment({PLAN: json.dumps(asdict(plan)), "HYDRA_FULL_ERROR": "1"}):
            try:
                words = [f"hydra.launcher.n_jobs={at_once}"] if processes is None else []
                launch([f"hydra.sweep.dir={quoted(plan.folder)}", *words])
            except Exception as error:
                log.warning("the launcher broke (%s); the runs go on without it", type(error).__name__)
            wait_for_runs(plan, jobs, at_once)
    except Interrupted as interruption:
        interrupted = interruption.exit_code
        stop_runs(plan, jobs)
    return report(plan, jobs, interrupted)


def start_records(plan: Plan) -> None:
    """An empty folder for them, whatever an earlier sweep in the same folder left.

    Raises:
        InputError: it cannot be made.
    """
    try:
        shutil.rmtree(records(plan), ignore_errors=True)
        records(plan).mkdir(parents=True)
    except OSError as error:
        raise InputError(f"hydra.sweep.dir={plan.folder}: cannot be written to: {error.strerror}") from None


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


def visible_gpus(jobs: Sequence[Job]) -> Sequence[int]:
    """The GPUs that the jobs share; none where each of them names its own."""
    named = [job.config.gpu_ids for job in jobs]
    if any(each != named[0] for each in named):
        return []
    if named[0] is not None:
        return named[0]
    import torch  # slow to import, and only a sweep that names no GPUs must count them

    return list(range(torch.cuda.device_count()))


def wait_for_runs(plan: Plan, jobs: Sequence[Job], at_once: int) -> None:
    """Wait for the runs that live, and start those that the launcher did not come to, as their devices become free."""
    waiting = [job for job in jobs if recorded(plan, job.number, "pid") is None]
    while True:
        living = [job for job in jobs if lives(plan, job)]
        if not living and not waiting:
            return
        for job in waiting[:]:
            device = gpu_of(plan, job.number, job.overrides)
            taken = [gpu_of(plan, each.number, each.overrides) for each in living]
            if len(living) < at_once and (device is None or device not in taken):
                start_run(plan, job.number, job.overrides, Path(plan.folder) / str(job.number))
                waiting.remove(job)
                living.append(job)
        time.sleep(POLL_SECONDS)


def lives(plan: Plan, job: Job) -> bool:
    pid = recorded(plan, job.number, "pid")
    ended = recorded(plan, job.number, "exit_code") is not None
    return pid is not None and not ended and process_is_alive(pid)


def stop_runs(plan: Plan, jobs: Sequence[Job]) -> None:
    """Tell the runs to end, as a signal to each of them would, and end those that do not."""
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=False, kill_workers=True)
    for number, seconds in ((signal.SIGTERM, SECONDS_TO_STOP), (signal.SIGKILL, 1.0)):
        living = [job for job in jobs if lives(plan, job)]
        for job in living:
            with suppress(ProcessLookupError):
                os.kill(recorded(plan, job.number, "pid") or 0, number)
        deadline = time.monotonic() + seconds
        while any(lives(plan, job) for job in living) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)


def report(plan: Plan, jobs: Sequence[Job], interrupted: int | None) -> int:
    """Say which jobs finished and what is missing, by how the runs ended and what is on disk; the exit code."""
    how: dict[int | None, str] = {
        None: "died",
        ExitCode.ALL_FINISHED: "ended",
        ExitCode.SOME_FAILED: "failed in part",
        ExitCode.BAD_INPUT: "was refused",
        ExitCode.CRASHED: "crashed",
    }
    codes = [recorded(plan, job.number, "exit_code") for job in jobs]
    missing = asked = 0
    complete = True
    for job, code in zip(jobs, codes, strict=True):
        finished, total = count_finished(job.config)
        if code is None and finished:  # it died before it brought the list up to date
            with suppress(OSError):
                rebuild_metadata(PoseStore(folder_of(job.config), enabled_formats(job.config)))
        missing, asked = missing + total - finished, asked + total
        # A run that retries what failed answers for that alone, and one that makes poses again for more than is there.
        if code != ExitCode.ALL_FINISHED or (finished < total and job.config.retry is None):
            complete = False
            log.error("%s %s: %d of %d poses are finished", job.name, how.get(code, "was stopped"), finished, total)
    if complete:
        left = f"{missing} are missing and were not asked for" if missing else "nothing is missing"
        log.info("the sweep is finished: %d jobs, %d poses, %s", len(jobs), asked, left)
        return ExitCode.ALL_FINISHED
    if missing:
        log.error("%d of %d poses are missing; %s", missing, asked, resume_hint(jobs[0].config))
    else:
        log.error("no pose is missing, but not every run made what it was asked for; their logs say why")
    if interrupted is not None:
        return interrupted
    return ExitCode.BAD_INPUT if all(code == ExitCode.BAD_INPUT for code in codes) else ExitCode.SOME_FAILED


def folder_of(config: Config) -> Path:
    """Where a run's poses go."""
    return Path(config.paths.output).expanduser().resolve()


def omitted_shards(jobs: Sequence[Job]) -> list[str]:
    """What there is to say of splits of which the sweep makes only some shards."""
    made: dict[tuple[Path, int], set[int]] = {}
    for config in (job.config for job in jobs):
        if config.shard is not None:
            made.setdefault((folder_of(config), config.num_shards), set()).add(config.shard)
    absent = [(count, sorted(set(range(count)) - shards)) for (_, count), shards in made.items()]
    return [
        f"num_shards={count}, but shard={','.join(map(str, shards))} is not in this sweep; its captions are left out"
        for count, shards in absent
        if shards
    ]


def check_disjoint_outputs(jobs: Sequence[Job]) -> None:
    """Two runs of a sweep must not make the same poses in the same folder.

    Raises:
        ConfigurationError: they would.
    """
    for one, other in combinations(jobs, 2):
        a, b = one.config, other.config
        same_folder = folder_of(a) == folder_of(b)
        if same_folder and shards_overlap(a.shard, a.num_shards, b.shard, b.num_shards):
            raise ConfigurationError(
                f"paths.output={a.paths.output}: jobs {one.number} and {other.number} of the sweep would make the same "
                "poses there; give each a folder of its own, such as 'paths.output=poses/${hydra:job.num}'"
            )
