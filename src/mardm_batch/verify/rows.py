"""Whether `metadata.jsonl` has one line for each finished pose, by digests, so that memory does not grow with lines."""

import json
from array import array
from collections.abc import Callable, Iterator, Mapping
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, Final

import numpy as np

from mardm_batch.dataset.layout import METADATA
from mardm_batch.dataset.metadata import ColumnTypes, cell
from mardm_batch.dataset.records import MetadataRow
from mardm_batch.dataset.store import PoseStore
from mardm_batch.system.files import open_regular
from mardm_batch.system.json_records import json_lines, parse_json
from mardm_batch.verify.findings import Finding, Kind
from mardm_batch.verify.inspection import Inspection, digest_of

MAX_METADATA_BYTES: Final = 2**35


class ExpectedRows:
    """The lines that poses should have, pose by pose. The columns of the prompt file wait on disk for their types."""

    def __enter__(self) -> "ExpectedRows":
        self.digests, self.types, self.problem = array("Q"), ColumnTypes(), ""
        self.sources = TemporaryFile()
        self.spelled: list[str | None] = []
        """By line the name of a pose of which the line has the joints as its JSON spells them."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.sources.close()

    def add(self, name: str, pose: Inspection) -> None:
        """Add the line of the pose of a name."""
        self.problem = self.problem or pose.unreadable
        if pose.row is None:
            return
        source = pose.source or {}
        if source:
            self.types.add(source)
            self.sources.write(json.dumps([len(self.digests), source]).encode() + b"\n")
        self.digests.append(pose.row)
        self.spelled.append(name if pose.is_spelled else None)

    def check(self, store: PoseStore, others: int, row_of: Callable[[str], int | None]) -> Iterator[Finding]:
        """Compare with the lines that are there.

        Args:
            others: finished poses that were not read, whose lines are only counted.
            row_of: the digest of the line of a pose of that name as we would spell it, if it should have one.
        """
        if not store.layout.HAS_FILES:  # the larger files have the metadata
            return
        if self.problem:
            yield Finding(Kind.METADATA, METADATA, self.problem)
            return
        types = self.types.types()
        expected = self.complete(types)
        try:
            listed = listed_rows(store, bool(types))
        except OSError as error:
            yield Finding(Kind.METADATA, METADATA, error.strerror or str(error))
            return
        missing, surplus = difference(expected, listed), difference(listed, expected)
        if missing and surplus and self.spell_again(expected, listed, row_of):
            expected = self.complete(types)
            missing, surplus = difference(expected, listed), difference(listed, expected)
        if surplus > 0 and not types:  # written by others, in other words
            listed = listed_rows(store, canonical=True)
            missing, surplus = difference(expected, listed), difference(listed, expected)
        if missing or surplus > others or (surplus < others and store.lists_rejected):
            surplus = max(surplus - others, 0)
            detail = f"finished poses that are not listed: {missing:,}; lines that match no finished pose: {surplus:,}"
            yield Finding(Kind.METADATA, METADATA, detail)

    def spell_again(self, expected: "array[int]", listed: "array[int]", row_of: Callable[[str], int | None]) -> bool:
        """Exchange the lines that are not there and have joints as a JSON spells them; whether that changed any."""
        before = array("Q", self.digests)
        for place in np.flatnonzero(~np.isin(np.frombuffer(expected, np.uint64), np.frombuffer(listed, np.uint64))):
            name = self.spelled[place]
            row = None if name is None else row_of(name)
            if row is not None:
                self.digests[place] = row
        return self.digests != before

    def complete(self, types: Mapping[str, tuple[str, type]]) -> "array[int]":
        """The digests of the whole lines."""
        if not types:
            return self.digests
        self.sources.seek(0)
        following = next(self.sources, None)
        digests = array("Q")
        for place, digest in enumerate(self.digests):
            sources: Mapping[str, Any] = {}
            if following is not None:
                number, source = json.loads(following)
                if number == place:
                    sources, following = source, next(self.sources, None)
            columns = {name: cell(sources.get(key), kind) for key, (name, kind) in types.items()}
            digests.append(with_columns(digest, columns))
        return digests


def with_columns(digest: int, columns: Mapping[str, Any]) -> int:
    return digest_of(f"{digest} {json.dumps(columns, sort_keys=True)}".encode())


def listed_rows(store: PoseStore, canonical: bool) -> "array[int]":
    """The digests of the lines of `metadata.jsonl`; none where there is no such file. Raises OSError.

    Args:
        canonical: read each line, whatever its spelling, with its columns; else as we write lines without columns.
    """
    digests = array("Q")
    try:
        file = open_regular(store.output / METADATA, MAX_METADATA_BYTES)
    except FileNotFoundError:
        return digests
    with file:
        for line in file:
            digests.append(canonical_digest(line) if canonical else digest_of(line))
    return digests


def canonical_digest(line: bytes) -> int:
    try:
        row = MetadataRow.from_json(parse_json(line))
    except ValueError:
        return digest_of(line)
    own = MetadataRow(row.file_name, row.caption, row.joints, row.unknown_words, row.agreement)
    digest = digest_of(json_lines([own]))
    return with_columns(digest, row.columns) if row.columns else digest


def difference(one: "array[int]", other: "array[int]") -> int:
    """How many of the numbers of one are not in the other, as often as they are there."""
    values, counts = np.unique(np.frombuffer(one, np.uint64), return_counts=True)
    others, other_counts = np.unique(np.frombuffer(other, np.uint64), return_counts=True)
    both, here, there = np.intersect1d(values, others, assume_unique=True, return_indices=True)
    del both
    return int(counts.sum() - np.minimum(counts[here], other_counts[there]).sum())
