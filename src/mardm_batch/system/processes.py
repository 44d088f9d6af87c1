"""What the operating system knows of processes."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

POLL_SECONDS = 0.5
CLOCK_TOLERANCE = 5.0
"""Seconds that the clock may have been set by while a process ran."""


def available_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def process_is_alive(pid: int) -> bool:
    """Whether a process of this machine is at work. One that has ended and waits to be collected is not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return not Path("/proc/self").exists()  # gone just now; or a system without /proc
    return state != "Z"


def existed_at(pid: int, time_of_day: float) -> bool:
    """Whether the process of that number was there at that time; after a restart the number is another's."""
    try:
        ticks = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
        uptime = float(Path("/proc/uptime").read_text().split()[0])
    except (OSError, IndexError, ValueError):
        return True  # a system without /proc
    age = uptime - ticks / os.sysconf("SC_CLK_TCK")
    return age < 0 or time.time() - age <= time_of_day + CLOCK_TOLERANCE  # below 0: a container with an uptime its own


def on_process_exit(pid: int, act: Callable[[], None]) -> None:
    """Do something, in a thread, when a process is gone."""

    def watch() -> None:
        while process_is_alive(pid):
            time.sleep(POLL_SECONDS)
        act()

    threading.Thread(target=watch, daemon=True).start()
