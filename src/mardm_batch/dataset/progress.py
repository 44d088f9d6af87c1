"""How far each shard is, as a small file in the output folder that other processes read.

`OUTPUT/.mardm_batch/progress/SHARD.json` is written whole every second while the shard's process lives, and once more
when it ends, so that it tells the truth from another terminal, after the fact and over a shared disk.
"""

import json
import os
import socket
import time
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from mardm_batch.dataset.layout import RECORDS
from mardm_batch.system.files import write_atomically
from mardm_batch.system.processes import existed_at, process_is_alive

SECONDS_UNTIL_LOST = 30.0
"""A process on another machine that has not written for so long is taken for dead."""

RUNNING = ("starting", "running")


@dataclass
class Progress:
    """One shard. `state`: starting, running, finished (nothing is missing), incomplete, interrupted,
    refused (bad settings or input), crashed."""

    shard: str
    run_folder: str
    sweep: str | None = None
    state: str = "starting"
    exit_code: int | None = None
    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)
    started: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)
    total: int = 0
    """Poses asked of this shard, those included that were there before."""
    finished_before: int = 0
    done: int = 0
    failed: int = 0
    poses_per_second: float = 0.0
    seconds_left: float | None = None
    device: str = ""
    device_memory_mb: float = 0.0
    newest: list[str] = field(default_factory=list)
    """Names of the poses that were written last, the newest last."""
    last_failure: str | None = None

    def write(self, output: Path) -> None:
        self.updated = time.time()
        folder = output / RECORDS / "progress"
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / f"{self.shard}.json", json.dumps(asdict(self), ensure_ascii=False).encode())

    @property
    def alive(self) -> bool:
        """Whether the shard's process is still at work: asked of the system here, judged by its silence elsewhere."""
        if self.state not in RUNNING:
            return False
        if self.host != socket.gethostname():
            return time.time() - self.updated < SECONDS_UNTIL_LOST
        return process_is_alive(self.pid) and existed_at(self.pid, self.updated)


def read_progress(output: Path) -> list[Progress]:
    """The records of all shards that ever ran on this output folder, in the order of their names."""
    known = {each.name for each in fields(Progress)}
    shards = []
    for path in sorted((output / RECORDS / "progress").glob("*.json")):
        try:
            record = json.loads(path.read_bytes())
            shards.append(Progress(**{key: value for key, value in record.items() if key in known}))
        except (OSError, ValueError, TypeError, AttributeError):
            continue  # being replaced, or not ours
    return shards
