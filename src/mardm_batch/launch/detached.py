"""Runs as processes of their own on this machine, which cannot take each other down.

joblib's workers are one pool: the death of one ends all of them and what they started. So a worker only starts its
run, as a process out of the pool's reach, and waits for it. Where the pool breaks the runs go on; the process that
launched the sweep waits for them and starts the others.
"""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Final

from mardm_batch.config.overrides import quoted
from mardm_batch.dataset.leftovers import clear_leftovers
from mardm_batch.dataset.locks import file_lock, shard_lock
from mardm_batch.errors import InputError
from mardm_batch.launch.jobs import Job
from mardm_batch.launch.plan import (
    EXIT_CODE,
    JOB_VARIABLE,
    PROCESS_ID,
    SIGNAL,
    SWEEP_VARIABLE,
    Plan,
    message_file,
    read_status,
    status_folder,
    write_status,
)
from mardm_batch.system.early_signals import INTERRUPTED
from mardm_batch.system.processes import kill_processes, on_process_exit, process_is_alive
from mardm_batch.system.signals import Interrupted, blocked_signals, ignored_signals, raise_on_signals

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.2
SECONDS_TO_STOP: Final = 60.0
"""A run that is interrupted finishes the poses that it writes, then its lists; on a busy machine that takes long."""
SECONDS_UNTIL_SECOND_SIGNAL: Final = 1.0
"""Until then a further signal is the first one, passed on by another program."""
SECONDS_TO_END_WRITING: Final = 5.0
"""Processes of a run that was killed finish the poses that they are writing."""
NO_WARNING_OF_SEMAPHORES: Final = "ignore:resource_tracker:UserWarning"
"""Of a run that was killed Python removes the semaphores, and says so; nobody has to do anything about it."""
THREAD_VARIABLES: Final = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
"""joblib sets these to 1 in its workers; a run sets its threads itself."""
DETACH: Final = """
import os, subprocess, sys
read, write = os.pipe()
if os.fork():
    os.close(write)
    print(os.read(read, 32).decode())
    os._exit(0)
os.setsid()
os.dup2(2, 1)
run = subprocess.Popen(sys.argv[2:], start_new_session=True)
os.write(write, str(run.pid).encode())
code = run.wait()
if code < 0:
    with open(sys.argv[1], "w") as file:
        file.write(str(-code))
"""
"""Starts a process that is no child of ours; its output goes where the messages go, so that nothing waits for it. The
process that waits for it is no child of ours either; it leaves the number of a signal that killed the run."""


def start_run(plan: Plan, number: int, overrides: Sequence[str], folder: Path) -> int:
    """Start a job's run as a process that outlives every other one of the sweep but the launching one; its id."""
    settings = [f"hydra.run.dir={quoted(str(folder))}", f"hydra.job.num={number}", *plan.jobs[number].overrides]
    command = [sys.executable, "-m", "mardm_batch", *plan.flags, *overrides, *settings]
    removed = ("HYDRA_FULL_ERROR", *THREAD_VARIABLES)
    environment = {key: value for key, value in os.environ.items() if key not in removed}
    environment |= {SWEEP_VARIABLE: plan.to_json(), JOB_VARIABLE: str(number)}
    environment["PYTHONWARNINGS"] = warning_filters()
    messages_to = message_file(plan.folder, number).open("ab") if plan.messages_to_files else nullcontext()
    with messages_to as messages, blocked_signals():
        detached = subprocess.run(
            [sys.executable, "-c", DETACH, str(status_folder(plan.folder) / f"{number}.{SIGNAL}"), *command],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=messages,
            text=True,
            check=True,
            start_new_session=True,  # out of the reach of Ctrl-C
        )
    pid = int(detached.stdout)
    write_status(plan.folder, number, PROCESS_ID, pid)
    return pid


def warning_filters() -> str:
    """The value of PYTHONWARNINGS for processes that may be killed: the user's, and ours."""
    return ",".join(filter(None, (os.environ.get("PYTHONWARNINGS"), NO_WARNING_OF_SEMAPHORES)))


def attach_to_sweep(plan: Plan) -> None:
    """In a run: end, as on SIGTERM, when the launching process does."""
    on_process_exit(plan.launcher, lambda: os.kill(os.getpid(), signal.SIGTERM))


def supervise_run(plan: Plan, number: int, overrides: Sequence[str], folder: Path) -> None:
    """In a worker of the launcher: start a job's run when its GPU is free, and wait for its end."""
    on_process_exit(plan.launcher, lambda: os._exit(1))
    gpu = plan.jobs[number].gpu
    with nullcontext() if gpu is None else file_lock(status_folder(plan.folder) / f"device-{gpu}.lock"):
        pid = start_run(plan, number, overrides, folder)
        while process_is_alive(pid):
            time.sleep(POLL_SECONDS)


def wait_for_runs(plan: Plan, jobs: Sequence[Job], processes: int) -> None:
    """In the launching process: wait for all runs; start those that the launcher did not, as their GPUs get free."""
    waiting = [job for job in jobs if read_status(plan.folder, job.number, PROCESS_ID) is None]
    while True:
        running = [job for job in jobs if is_running(plan, job)]
        if not running and not waiting:
            return
        for job in waiting[:]:
            gpu = plan.jobs[job.number].gpu
            occupied = [plan.jobs[each.number].gpu for each in running]
            if len(running) < processes and (gpu is None or gpu not in occupied):
                start_run(plan, job.number, job.overrides, Path(plan.folder) / str(job.number))
                waiting.remove(job)
                running.append(job)
        time.sleep(POLL_SECONDS)


def is_running(plan: Plan, job: Job) -> bool:
    pid = read_status(plan.folder, job.number, PROCESS_ID)
    ended = read_status(plan.folder, job.number, EXIT_CODE) is not None
    return pid is not None and not ended and process_is_alive(pid)


def stop_runs(plan: Plan, jobs: Sequence[Job], number: int) -> None:
    """Interrupt the runs as a signal to each of them would, and kill those that do not end, or all at another signal.

    Args:
        number: of the signal that interrupted the sweep.
    """
    from joblib.externals.loky import get_reusable_executor

    log.warning(INTERRUPTED)
    with ignored_signals():
        get_reusable_executor().shutdown(wait=False, kill_workers=True)
        running = [job for job in jobs if is_running(plan, job)]
        for job in running:
            with suppress(ProcessLookupError):
                os.kill(read_status(plan.folder, job.number, PROCESS_ID) or 0, number)
        wait_for_end(plan, running, SECONDS_UNTIL_SECOND_SIGNAL)
    if any(is_running(plan, job) for job in running):
        log.warning("the runs finish the poses that they are writing; Ctrl-C again kills them at once")
        with suppress(Interrupted), raise_on_signals():
            wait_for_end(plan, running, SECONDS_TO_STOP)
    kill_runs(plan, [job for job in running if is_running(plan, job)], 128 + number)


def wait_for_end(plan: Plan, running: Sequence[Job], seconds: float) -> None:
    """Wait for so long at most until runs have ended."""
    deadline = time.monotonic() + seconds
    while any(is_running(plan, job) for job in running) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def kill_runs(plan: Plan, jobs: Sequence[Job], exit_code: int) -> None:
    """Kill runs that were interrupted, leave `exit_code` as theirs, and remove what they were writing."""
    pids = [read_status(plan.folder, job.number, PROCESS_ID) for job in jobs]
    for job in jobs:
        write_status(plan.folder, job.number, EXIT_CODE, exit_code)
    kill_processes([pid for pid in pids if pid is not None], SECONDS_TO_END_WRITING)
    for job in jobs:
        with suppress(OSError, InputError), shard_lock(job.output, job.config.shard, job.config.num_shards):
            clear_leftovers(job.output, Path(job.config.paths.temp).expanduser(), job.shard_name)
