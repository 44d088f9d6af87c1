"""`failures.jsonl`: the failed poses of all shards of an output folder."""

import os
from collections.abc import Iterable
from pathlib import Path

from mardm_batch.dataset.layout import FAILURES
from mardm_batch.dataset.locks import list_lock
from mardm_batch.dataset.obstacles import naming_obstacles
from mardm_batch.dataset.records import Failure
from mardm_batch.prompts.names import Prompt
from mardm_batch.system.files import (
    MAX_LIST_BYTES,
    open_for_appending,
    read_regular,
    translate_disk_full,
    write_atomically,
)
from mardm_batch.system.json_records import json_lines, parse_json


class FailureList:
    """The failures of an output folder, at most one per prompt; an entry is removed when its pose succeeds.

    Failures are appended as they happen, so that the cost of recording one does not depend on their number.
    """

    def __init__(self, output: Path) -> None:
        self.output = output
        self.path = output / FAILURES

    def read(self) -> list[Failure]:
        """The latest failure of each prompt; lines that are not a failure are ignored.

        Raises:
            OSError: the list exists and cannot be read.
        """
        return self.read_counting_ignored()[0]

    def read_counting_ignored(self) -> tuple[list[Failure], int]:
        """As `read`, with the number of lines that are ignored."""
        failures: dict[tuple[str, int], Failure] = {}
        ignored = 0
        try:
            with naming_obstacles(self.output):
                content = read_regular(self.path, MAX_LIST_BYTES)
        except FileNotFoundError:
            return [], 0
        for line in content.split(b"\n"):
            try:
                failure = Failure.from_json(parse_json(line.decode(errors="replace")))
            except ValueError:
                ignored += bool(line.strip())
                continue
            failures[failure.key] = failure
        return list(failures.values()), ignored

    def failed_prompts(self, prompts: Iterable[Prompt]) -> tuple[tuple[Prompt, ...], int]:
        """The prompts that are listed, and the number of lines that are no failures and are ignored."""
        listed, ignored = self.read_counting_ignored()
        failed = {each.key for each in listed}
        return tuple(prompt for prompt in prompts if prompt.key in failed), ignored

    def append(self, failures: Iterable[Failure], seconds: float | None = None) -> None:
        """Add failures; each replaces an earlier one of its prompt.

        Args:
            seconds: see `list_lock`.

        Raises:
            DiskFullError: there is no space; the list is unchanged.
            OSError: another process holds its lock, or it cannot be written to; the list is unchanged.
        """
        lines = json_lines(failures)
        if not lines:
            return
        locked = list_lock(self.output, "failures", seconds)
        with locked, naming_obstacles(self.output), open_for_appending(self.path) as file:
            size = file.seek(0, os.SEEK_END)
            if size:
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":  # a process was killed while it wrote the line
                    lines = b"\n" + lines
            try:
                with translate_disk_full(self.path):
                    while lines:
                        lines = lines[file.write(lines) :]
            except BaseException:
                file.truncate(size)
                raise

    def remove(self, keys: Iterable[tuple[str, int]]) -> None:
        """Remove the failures of prompts whose poses are finished now, by their keys.

        Raises:
            OSError: as `append`.
        """
        if not os.path.lexists(self.path):
            return
        with list_lock(self.output, "failures"):
            finished, listed = set(keys), self.read()
            remaining = [each for each in listed if each.key not in finished]
            if len(remaining) != len(listed):
                write_atomically(self.path, json_lines(remaining))
