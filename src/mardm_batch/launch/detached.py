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
from mardm_batch.dataset.locks import file_lock
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
from mardm_batch.system.processes import on_process_exit, process_is_alive

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.2
SECONDS_TO_STOP: Final = 8.0
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
    with message_file(plan.folder, number).open("ab") if plan.messages_to_files else nullcontext() as messages:
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


def stop_runs(plan: Plan, jobs: Sequence[Job]) -> None:
    """Interrupt the runs as a signal to each of them would, and kill those that do not end."""
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=False, kill_workers=True)
    for number, seconds in ((signal.SIGTERM, SECONDS_TO_STOP), (signal.SIGKILL, 1.0)):
        running = [job for job in jobs if is_running(plan, job)]
        for job in running:
            with suppress(ProcessLookupError):
                os.kill(read_status(plan.folder, job.number, PROCESS_ID) or 0, number)
        deadline = time.monotonic() + seconds
        while any(is_running(plan, job) for job in running) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
