"""The lists beside the poses: `metadata.jsonl` of what is finished, `failures.jsonl` of what failed.

Both belong to the whole output folder, so each is changed under a lock that all shards share.
"""

import json
from collections.abc import Iterable

from filelock import FileLock

from mardm_batch.dataset.layout import RECORDS
from mardm_batch.dataset.store import PoseStore
from mardm_batch.system.files import write_atomically


def rebuild_metadata(store: PoseStore) -> int:
    """Write `metadata.jsonl` anew from the poses' JSON files; the number of finished poses is returned."""
    with FileLock(store.output / RECORDS / "metadata.lock"):
        rows = [{"file_name": file_name, "caption": caption} for file_name, caption in store.captions()]
        write_atomically(store.output / "metadata.jsonl", jsonl(rows))
    return len(rows)


def jsonl(rows: Iterable[dict[str, str]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
