"""`failures.jsonl`: what failed, shared by all shards of an output folder."""

import json
from collections.abc import Collection, Iterable
from dataclasses import asdict, fields
from pathlib import Path

from filelock import FileLock

from mardm_batch.dataset.metadata import jsonl
from mardm_batch.dataset.records import Failure
from mardm_batch.dataset.store import RECORDS
from mardm_batch.prompts.names import Prompt
from mardm_batch.system.files import write_atomically


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
                write_atomically(self.path, jsonl(asdict(each) for each in entries.values()))
