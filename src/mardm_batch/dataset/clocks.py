"""The clock of a file system, by which machines whose own clocks differ agree on how old a file is."""

import time
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
