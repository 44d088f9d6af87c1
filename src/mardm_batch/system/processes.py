"""Processes of this machine: the cores they may use, and whether one still runs."""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

import psutil

from mardm_batch.errors import InputError
from mardm_batch.system.signals import start_resource_tracker

POLL_SECONDS = 0.5
CLOCK_TOLERANCE = 5.0
"""Seconds by which the clock may have been set while a process ran."""


CORES_OF_TASK = "SLURM_CPUS_PER_TASK"
"""Environment variable in which Slurm says how many cores a task asked for; not every cluster binds it to them."""
SEMAPHORES_NEEDED = 16
"""Of a pool of processes, generously."""


def check_semaphores() -> None:
    """Check that processes can share semaphores, which Linux keeps in /dev/shm.

    Raises:
        InputError: they cannot, as in a container whose /dev/shm is missing, full or read-only.
    """
    start_resource_tracker()
    context = multiprocessing.get_context("spawn")
    try:
        locks = [context.Lock() for _ in range(SEMAPHORES_NEEDED)]
    except OSError as error:
        raise InputError(
            f"/dev/shm: {error.strerror}: processes keep their semaphores there; make it a writable tmpfs of some MB "
            "(for a container: --shm-size=64m)"
        ) from None
    del locks


def available_cores() -> int:
    """The number of cores that this process may use: those it is bound to, at most those of its Slurm task."""
    process = psutil.Process()
    cores = len(process.cpu_affinity()) if hasattr(process, "cpu_affinity") else psutil.cpu_count() or 1
    requested = os.environ.get(CORES_OF_TASK, "")
    return min(cores, int(requested)) if requested.isdecimal() and int(requested) else cores


def process_is_alive(pid: int) -> bool:
    """Whether a process of this machine runs; a zombie, which has ended and was not waited for, does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.AccessDenied:
        return True
    except psutil.NoSuchProcess:
        return False


def kill_processes(pids: Iterable[int], seconds: float) -> None:
    """Kill processes, and wait for so long at most until those that they started have ended by themselves."""
    ending: list[psutil.Process] = []
    for pid in pids:
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            ending += [process, *process.children(recursive=True)]
            process.kill()
    psutil.wait_procs(ending, seconds)


def existed_at(pid: int, time_of_day: float) -> bool:
    """Whether the process with this id already ran at a time; after a restart the id may be another process's."""
    try:
        created = psutil.Process(pid).create_time()
    except psutil.AccessDenied:
        return True
    except psutil.NoSuchProcess:
        return False
    # Created in the future: a container whose uptime is not that of the machine, so its clock says nothing.
    return bool(created > time.time() + CLOCK_TOLERANCE or created <= time_of_day + CLOCK_TOLERANCE)


def on_process_exit(pid: int, action: Callable[[], None]) -> None:
    """Call `action`, in a thread, when a process has ended."""

    def watch() -> None:
        while process_is_alive(pid):
            time.sleep(POLL_SECONDS)
        action()

    threading.Thread(target=watch, daemon=True).start()
