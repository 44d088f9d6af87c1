"""Repair an output folder: damaged and stray files and obstacles are set aside, so that the next run can work."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from mardm_batch.dataset.failures import FailureList
from mardm_batch.dataset.formats.json_file import JSON
from mardm_batch.dataset.layout import FAILURES, LAYOUT_RECORD, RECORDS, STAGING_PREFIX
from mardm_batch.dataset.metadata import rebuild_metadata
from mardm_batch.dataset.records import Failure
from mardm_batch.dataset.store import PoseStore
from mardm_batch.errors import InputError
from mardm_batch.system.files import random_sibling
from mardm_batch.verify.audit import check_layout_record
from mardm_batch.verify.findings import Expected, Finding, Kind, Repair, Report
from mardm_batch.verify.listing import REMOVED, in_place_of_poses, list_files


class Aside:
    """A new folder of the hidden records, made when it is needed, into which files and folders are moved."""

    def __init__(self, output: Path) -> None:
        self.output = output
        self.folder: Path | None = None
        self.moved = 0

    def move(self, path: str) -> None:
        """Move what lies at a path from the output folder, whatever it is.

        Raises:
            InputError: it cannot be moved; the message says what the user can do.
        """
        source = self.output / path
        try:
            if self.folder is None and f"{self.output / REMOVED}/".startswith(f"{source}/"):
                # It is itself in the way of the folder into which it goes.
                source = source.rename(random_sibling(self.output / STAGING_PREFIX))
            target = self.new_folder() / path
            target.parent.mkdir(parents=True, exist_ok=True)
            source.rename(target)
        except OSError as error:
            words = f"cannot be moved ({error.strerror}): move it out of the folder yourself, then run this again"
            raise InputError(f"{source}: {words}") from None
        self.moved += 1

    def new_folder(self) -> Path:
        if self.folder is None:
            removed = self.output / REMOVED
            numbers = [int(path.name) for path in removed.glob("*") if path.name.isdecimal()]
            self.folder = removed / str(1 + max(numbers, default=0))
            self.folder.mkdir(parents=True)
        return self.folder


def clear_the_way(output: Path, aside: Aside) -> list[Finding]:
    """Move obstacles in the place of locks, of folders of the records and of those of poses, without which nothing else
    works, and a wrong record of the layout, which is written anew when the folder is prepared.

    Raises:
        InputError: something cannot be moved.
    """
    ways = {path: what for path, what in list_files(output).misplaced.items() if path.partition("/")[0] == RECORDS}
    ways |= in_place_of_poses(output)
    findings = [Finding(Kind.MISPLACED, path, what, (path,)) for path, what in ways.items()]
    findings += check_layout_record(output)
    for path in (*ways, *(LAYOUT_RECORD for each in findings if each.kind == Kind.LAYOUT)):
        if os.path.lexists(output / path):
            aside.move(path)
    return findings


def set_aside(
    findings: Iterable[Finding], report: Report, store: PoseStore, expected: Expected, aside: Aside
) -> Repair:
    """Move the files of the findings, and bring the lists up to date.

    Raises:
        InputError: something cannot be moved.
    """
    failures, findings = FailureList(store.output), list(findings)
    if not store.layout.HAS_FILES:
        names = [split_place(each.where) for each in findings if each.kind == Kind.UNREQUESTED]
        unpack(names, store, aside)
        findings = [each for each in findings if each.kind != Kind.UNREQUESTED]
    for path in dict.fromkeys(path for finding in findings for path in finding.files):
        readable = readable_failures(failures) if path == FAILURES else []
        if os.path.lexists(store.output / path):
            aside.move(path)
        failures.append(readable)
    rebuild_metadata(store)
    to_generate = report.counts.damaged
    if expected.prompts is not None:
        unfinished = store.survey(expected.prompts.values()).unfinished
        to_generate = sum(each.name not in report.unreadable for each in unfinished)
    return Repair(None if aside.folder is None else str(aside.folder), aside.moved, to_generate)


def readable_failures(failures: FailureList) -> list[Failure]:
    """The failures that can be read; none of a list that is too large, or no file."""
    try:
        return failures.read()
    except OSError:
        return []


def split_place(place: str) -> str:
    """The name of the pose of a place in a larger file."""
    return place.rpartition("/")[2].removesuffix(JSON.suffix)


def unpack(names: Sequence[str], store: PoseStore, aside: Aside) -> None:
    """Move poses out of larger files, so that the others in these stay. Raises OSError."""
    if not names:
        return
    with store.layout.at_hand(names) as near:
        for each in near.files():
            content = near.read(each.name, each.suffix)
            (aside.new_folder() / f"{each.name}{each.suffix}").write_bytes(content)
            aside.moved += 1
    store.layout.remove(names)
