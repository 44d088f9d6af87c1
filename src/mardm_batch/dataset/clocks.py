"""Times of runs: the clock of a file system, by which machines whose own clocks differ agree on how old a file is, and
the speed of runs together."""

import math
import time
from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

from mardm_batch.dataset.layout import PROBE_PREFIX


def file_system_time(folder: Path) -> float:
    """The time by the clock of a folder's file system; by this machine's where nothing can be written there."""
    probe = folder / f"{PROBE_PREFIX}{uuid4().hex}"
    try:
        probe.write_bytes(b"\0")
        try:
            return probe.stat().st_mtime
        finally:
            probe.unlink(missing_ok=True)
    except OSError:
        return time.time()


def joint_rate(runs: Iterable[tuple[float, float, float]]) -> float:
    """Poses per second of runs together, side by side or one after the other: all of their poses over the time in which
    any of them was past the start of its first batch. Of one run it is its own rate; while all start it does not run.

    Args:
        runs: of each the poses, the poses per second since its first batch, and its end in seconds since 1970.
    """
    made = sorted((end - poses / rate, end, poses) for poses, rate, end in runs if poses > 0 and rate > 0)
    seconds, until = 0.0, -math.inf
    for start, end, _ in made:
        seconds += max(end - max(start, until), 0.0)
        until = max(until, end)
    return sum(poses for _, _, poses in made) / max(seconds, 1e-9)
