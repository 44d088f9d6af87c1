"""The command as users run it, measured from outside: seconds, poses a second, memory. No torch here."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from mardm_batch.errors import MardmBatchError

POLL_SECONDS = 0.1
PARTS = 10
"""The rate at a run's start is that of its second tenth, as processes come up in the first; at its end of the last."""


@dataclass(frozen=True)
class Run:
    """A run of the command that made poses. `first_pose_s` is counted from the start of the process."""

    poses: int
    seconds: float
    first_pose_s: float
    rate_at_start: float
    rate_at_end: float
    peak_mb: float
    """Of all its processes together; pages that they share count in each."""
    sampler_peak_mb: float
    """Of the process that samples."""


def make_poses(captions: Sequence[str], settings: Sequence[str]) -> Run:
    """Run the command on these captions, in a folder that is removed afterwards.

    Raises:
        MardmBatchError: it did not end well.
    """
    with tempfile.TemporaryDirectory(prefix="mardm-batch-") as name:
        folder = Path(name)
        (folder / "captions.jsonl").write_text("".join(json.dumps({"caption": each}) + "\n" for each in captions))
        words = ["paths.prompts=captions.jsonl", "tracking.mode=disabled", *settings]
        began = time.time()
        started = time.perf_counter()
        process = subprocess.Popen(command(*words), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        with memory_of(process.pid) as peaks:
            _, said = process.communicate()
        seconds = time.perf_counter() - started
        if process.returncode:
            last = said.decode(errors="replace").strip().splitlines()[-1:]
            raise MardmBatchError(f"{' '.join(words)}: exit code {process.returncode}: {''.join(last)}")
        times = sorted(path.stat().st_mtime for path in (folder / "SinglePose").glob("*.json"))
    tenth = len(times) // PARTS
    return Run(
        poses=len(times),
        seconds=seconds,
        first_pose_s=times[0] - began,
        rate_at_start=rate(times[tenth : 2 * tenth + 1]),
        rate_at_end=rate(times[-tenth - 1 :]),
        peak_mb=max(peaks.all_together, default=0.0),
        sampler_peak_mb=max(peaks.parent, default=0.0),
    )


def rate(times: Sequence[float]) -> float:
    """Poses a second between the first and the last of them."""
    return (len(times) - 1) / max(times[-1] - times[0], 1e-9)


def seconds_until_it_ends(words: Sequence[str], times: int) -> float:
    """The fastest of so many runs of the command, whatever its exit code."""
    fastest = float("inf")
    with tempfile.TemporaryDirectory(prefix="mardm-batch-") as folder:
        for _ in range(times):
            started = time.perf_counter()
            subprocess.run(command(*words), cwd=folder, capture_output=True, check=False)
            fastest = min(fastest, time.perf_counter() - started)
    return fastest


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "mardm_batch", *words]


@dataclass(frozen=True)
class Peaks:
    """Megabytes, look by look."""

    parent: list[float]
    all_together: list[float]


@contextmanager
def memory_of(pid: int) -> Iterator[Peaks]:
    """Look at the memory of a process and those it started until the context ends. Nothing where there is no /proc."""
    peaks, ended = Peaks([], []), threading.Event()

    def look() -> None:
        while not ended.wait(POLL_SECONDS):
            held = [resident_mb(each) for each in descendants(pid)]
            if held and sum(held):
                peaks.parent.append(held[0])
                peaks.all_together.append(sum(held))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield peaks
    finally:
        ended.set()
        thread.join()


def descendants(pid: int) -> list[int]:
    """The process and all below it."""
    children = defaultdict(list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # gone by now
            parent = stat.read_text().rpartition(")")[2].split()[1]
            children[int(parent)].append(int(stat.parent.name))
    found = [pid]
    for each in found:
        found += children[each]
    return found


def resident_mb(pid: int) -> float:
    with suppress(OSError, IndexError, ValueError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    return 0.0
