"""Peak memory of processes, sampled while they run."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil

POLL_SECONDS = 0.1


@dataclass
class PeakMemory:
    """The largest resident memory so far, in MiB; `total_mb` includes all child processes."""

    process_mb: float = 0.0
    total_mb: float = 0.0


@contextmanager
def peak_memory(pid: int) -> Iterator[PeakMemory]:
    """Sample the memory of a process and its children until the context ends."""
    peak, ended = PeakMemory(), threading.Event()

    def sample() -> None:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            while not ended.wait(POLL_SECONDS):
                own = resident_mb(process)
                peak.process_mb = max(peak.process_mb, own)
                peak.total_mb = max(peak.total_mb, own + sum(map(resident_mb, process.children(recursive=True))))

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()


def resident_mb(process: psutil.Process) -> float:
    """Resident memory in MiB; 0 for a process that has ended."""
    try:
        return float(process.memory_info().rss) / 2**20
    except psutil.Error:
        return 0.0
