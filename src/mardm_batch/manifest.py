"""The lists beside the poses: `metadata.jsonl` of what is finished, `failures.jsonl` of what failed.

Both belong to the whole output folder, so each is changed under a lock that all shards share.
"""

import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from filelock import FileLock

from mardm_batch.prompts import Prompt
from mardm_batch.store import RECORDS, PoseStore, write_whole


@dataclass(frozen=True)
class Failure:
    """A pose that could not be made. `stage`: where, one of text, sample, pose, write."""

    caption: str
    name: str
    stage: str
    error: str


class FailureList:
    """`failures.jsonl`. An entry leaves it when the pose succeeds."""

    def __init__(self, output: Path) -> None:
        self.path = output / "failures.jsonl"
        self.lock = FileLock(output / RECORDS / "failures.lock")

    def read(self) -> list[Failure]:
        """The failures of all shards; a line that cannot be read is passed over."""
        failures = []
        for line in self.path.read_text(encoding="utf-8", errors="replace").split("\n") if self.path.exists() else []:
            try:
                entry = json.loads(line)
                failures.append(Failure(*(str(entry[each.name]) for each in fields(Failure))))
            except (ValueError, KeyError, TypeError):
                continue
        return failures

    def only_failed(self, prompts: Iterable[Prompt]) -> tuple[Prompt, ...]:
        """Those of the prompts that are listed."""
        failed = {each.caption for each in self.read()}
        return tuple(prompt for prompt in prompts if prompt.caption in failed)

    def update(self, failed: Iterable[Failure], finished: Collection[str]) -> None:
        """Add what failed and take out the captions that are finished."""
        with self.lock:
            before = self.read()
            entries = {each.caption: each for each in [*before, *failed] if each.caption not in finished}
            if list(entries.values()) != before:
                write_whole(self.path, jsonl(asdict(each) for each in entries.values()))


def rebuild_metadata(store: PoseStore) -> int:
    """Write `metadata.jsonl` anew from the poses' JSON files; the number of finished poses is returned."""
    with FileLock(store.output / RECORDS / "metadata.lock"):
        rows = [{"file_name": file_name, "caption": caption} for file_name, caption in store.captions()]
        write_whole(store.output / "metadata.jsonl", jsonl(rows))
    return len(rows)


def jsonl(rows: Iterable[dict[str, str]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
