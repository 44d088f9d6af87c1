"""Waiting for the jobs that a scheduler runs elsewhere: what it says of them, the causes, and the end."""

import logging
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from mardm_batch.dataset.queues import ENDED, QUEUED, RUNNING, QueuedJob, write_queue
from mardm_batch.launch.plan import queue_file
from mardm_batch.system.signals import Interrupted

log = logging.getLogger(__name__)

SECONDS_HOPELESS: Final = 30.0
"""So long a scheduler has to say that nothing can ever start before it is believed."""


class LauncherFailure(Exception):
    """A launcher could not run the jobs. The message says why in one line."""


class Watch(Protocol):
    """The jobs of a sweep at a scheduler."""

    def states(self) -> Mapping[int, QueuedJob]:
        """The jobs by their numbers in the sweep."""

    def obstacle(self) -> str | None:
        """Why none of the waiting jobs can ever start; None where one may."""

    def cancel(self) -> None:
        """Cancel all jobs and wait, for a while, until they have ended."""


def watch_jobs(watch: Watch, folder: str, seconds: float) -> None:
    """Wait until all jobs have ended; say what changes, and leave it for the monitor.

    Args:
        folder: of the sweep.
        seconds: between two looks.

    Raises:
        LauncherFailure: no job runs and none can ever start; all were cancelled.
        Interrupted: all jobs were cancelled.
    """
    said, hopeless_since = "", float("inf")
    try:
        while True:
            jobs = watch.states()
            leave_states(folder, jobs)
            if said != (said := summary(jobs)):
                log.info("%s", said)
            if jobs and all(job.state == ENDED for job in jobs.values()):
                return
            reason = None if any(job.state == RUNNING for job in jobs.values()) else watch.obstacle()
            hopeless_since = min(hopeless_since, time.monotonic()) if reason else float("inf")
            if reason and time.monotonic() - hopeless_since >= SECONDS_HOPELESS:
                watch.cancel()
                leave_states(folder, watch.states())
                raise LauncherFailure(f"no job can start: {reason}")
            time.sleep(seconds)
    except Interrupted:
        log.warning("interrupted: the jobs are cancelled; what is finished is kept")
        watch.cancel()
        leave_states(folder, watch.states())
        raise


def leave_states(folder: str, jobs: Mapping[int, QueuedJob]) -> None:
    with suppress(OSError):
        write_queue(Path(queue_file(folder)), jobs)


def summary(jobs: Mapping[int, QueuedJob]) -> str:
    """How many jobs are in which state, and why those wait that wait."""
    count = Counter(job.state for job in jobs.values())
    reasons = dict.fromkeys(job.reason for job in jobs.values() if job.state == QUEUED and job.reason)
    waiting = f" ({'; '.join(filter(None, reasons))})" if reasons else ""
    states = [f"{count[state]} {state}" for state in (QUEUED, RUNNING, ENDED) if count[state]]
    return "jobs: " + ", ".join(each + waiting * each.endswith(QUEUED) for each in states)
