"""`reviews.jsonl`: what reviewers said of the poses of an output folder, by which rejected ones are made again.

A review is of one pose, by a digest of what it was made from: the pose that takes a rejected one's place has none
yet, and one that is only drawn anew keeps its own. The last line about a pose counts, so that a review is changed and
taken back by another line, and nothing is ever lost where several people review at once.
"""

import hashlib
import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mardm_batch.dataset.layout import RECORDS, REVIEWS
from mardm_batch.dataset.locks import check_lock, file_lock
from mardm_batch.dataset.obstacles import naming_obstacles
from mardm_batch.dataset.records import PoseDocument
from mardm_batch.pose.skeleton import NUM_JOINTS
from mardm_batch.system.files import (
    MAX_LIST_BYTES,
    Version,
    file_version,
    open_for_appending,
    read_regular,
    translate_disk_full,
)
from mardm_batch.system.json_records import JsonRecord, json_field, json_lines, parse_json

VERDICTS: Final = ("accept", "reject", "unsure")
LONGEST_NOTE: Final = 2000
"""Characters."""
DIGEST_DIGITS: Final = 16
COORDINATES: Final = 3 * NUM_JOINTS
FARTHEST: Final = 32767
"""Millimetres, of a coordinate; a joint that is farther away, which is no pose, is shown there."""


@dataclass(frozen=True)
class Review(JsonRecord):
    """What a reviewer said of a pose."""

    name: str = json_field("of the pose")
    verdict: str | None = json_field("accept, reject or unsure; null: none, or taken back")
    note: str = json_field("the reviewer's own words", default="")
    pose: str = json_field("digest of what the pose was made from; empty: the first pose of that name", default="")
    joints: list[int] | None = json_field(
        "the coordinates of a rejected pose in millimetres, by which it is shown beside the one in its place",
        default=None,
    )
    agreement: float | None = json_field("of a rejected pose with its caption, where it was measured", default=None)

    @classmethod
    def from_json(cls, document: object) -> "Review":
        """See `JsonRecord.from_json`. The verdict too is one of those that there are."""
        review = super().from_json(document)
        if review.verdict not in (None, *VERDICTS):
            raise ValueError(f"verdict should be null or one of {', '.join(VERDICTS)}")
        if len(review.note) > LONGEST_NOTE:
            raise ValueError(f"note should have at most {LONGEST_NOTE} characters")
        if review.joints is not None and (
            len(review.joints) != COORDINATES or not all(abs(each) <= FARTHEST for each in review.joints)
        ):
            raise ValueError(f"joints should be {COORDINATES} numbers of at most {FARTHEST}")
        return review


class Reviews:
    """The latest review of each pose, from the lines of a list."""

    def __init__(self, content: bytes = b"") -> None:
        self.latest: dict[tuple[str, str], Review] = {}
        """By name and digest."""
        self.ignored_lines = 0
        """Number of lines that are no reviews."""
        for line in content.split(b"\n"):
            try:
                review = Review.from_json(parse_json(line.decode(errors="replace")))
            except ValueError:
                self.ignored_lines += bool(line.strip())
                continue
            self.latest[review.name, review.pose] = review

    def of_pose(self, name: str, pose: str, rejections: int) -> Review | None:
        """The review of a pose; None where it has none.

        Args:
            pose: its digest.
            rejections: number of earlier poses of that name that were rejected.
        """
        review = self.latest.get((name, pose))
        return self.latest.get((name, "")) if review is None and not rejections else review

    def verdict(self, name: str, document: PoseDocument) -> str | None:
        """The verdict on a pose; None where it has none."""
        review = self.of_pose(name, pose_digest(document), document.rejections or 0)
        return None if review is None else review.verdict

    def is_rejected(self, name: str, document: PoseDocument) -> bool:
        return self.verdict(name, document) == "reject"

    def rejected_poses(self) -> Mapping[str, Sequence[Review]]:
        """By name the reviews of rejected poses that have their joints, the latest last."""
        found: defaultdict[str, list[Review]] = defaultdict(list)
        for review in self.latest.values():
            if review.verdict == "reject" and review.joints is not None:
                found[review.name].append(review)
        return found

    def rejections(self) -> Mapping[str, int]:
        """By name the number of its poses that were rejected so far."""
        return Counter(each.name for each in self.latest.values() if each.verdict == "reject")


class ReviewList:
    """The list of an output folder. Lines are only ever added."""

    def __init__(self, output: Path) -> None:
        self.path = output / REVIEWS
        self.lock_file = output / RECORDS / "reviews.lock"
        self.lock = file_lock(self.lock_file)

    def read(self) -> Reviews:
        """The latest reviews; lines that are none are ignored.

        Raises:
            OSError: the list exists and cannot be read.
        """
        try:
            with naming_obstacles(self.path.parent):
                return Reviews(read_regular(self.path, MAX_LIST_BYTES))
        except FileNotFoundError:
            return Reviews()

    def version(self) -> Version | None:
        """Another one when the list has changed; None where there is none."""
        try:
            return file_version(self.path.stat())
        except FileNotFoundError:
            return None

    def append(self, reviews: Iterable[Review]) -> None:
        """Add reviews; each replaces the earlier one of its pose.

        Raises:
            DiskFullError: there is no space; the list is unchanged.
            OSError: the list cannot be written.
        """
        lines = json_lines(reviews)
        self.path.parent.joinpath(RECORDS).mkdir(exist_ok=True)
        check_lock(self.lock_file)
        with self.lock, naming_obstacles(self.path.parent), open_for_appending(self.path) as file:
            size = file.seek(0, os.SEEK_END)
            if size:
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":  # an editor left it out, or a process was killed while it wrote the line
                    lines = b"\n" + lines
            try:
                with translate_disk_full(self.path):
                    while lines:
                        lines = lines[file.write(lines) :]
                    os.fsync(file.fileno())
            except BaseException:
                file.truncate(size)
                raise


def pose_digest(document: PoseDocument) -> str:
    """Stands for a pose in its review: of caption, model, seed, settings and earlier rejections, which determine it.

    The joints are no part of it, as their last digits depend on the batch and the device.
    """
    made_from = [document.caption, document.settings(), document.rejections or 0]
    content = json.dumps(made_from, sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:DIGEST_DIGITS]
