"""`metadata.jsonl`: a line for each finished pose of an output folder, whichever shard generated it."""

from filelock import FileLock

from mardm_batch.dataset.layout import METADATA, RECORDS
from mardm_batch.dataset.store import PoseStore
from mardm_batch.system.files import write_atomically
from mardm_batch.system.json_records import json_lines


def rebuild_metadata(store: PoseStore) -> int:
    """Write `metadata.jsonl` anew from the poses' JSON files; returns the number of finished poses."""
    with FileLock(store.output / RECORDS / "metadata.lock"):
        rows = list(store.metadata())
        write_atomically(store.output / METADATA, json_lines(rows))
    return len(rows)
