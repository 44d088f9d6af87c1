"""Check the files of one pose, each by its format and against the pose's JSON."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mardm_batch.dataset.formats.format import Damage, DamagedFileError
from mardm_batch.dataset.formats.json_file import JSON, read_json
from mardm_batch.dataset.formats.registry import FORMATS, format_of
from mardm_batch.dataset.layouts.layout import Layout
from mardm_batch.dataset.ledger import pose_key
from mardm_batch.dataset.metadata import row_line
from mardm_batch.dataset.records import Changed, PoseDocument
from mardm_batch.dataset.reviews import ReviewList
from mardm_batch.dataset.store import PoseStore
from mardm_batch.errors import first_line
from mardm_batch.prompts.names import is_name_of
from mardm_batch.verify.findings import NOTES, Finding, Kind, damage_kind

DIGEST_BYTES: Final = 8


@dataclass(frozen=True)
class Subject:
    """A pose that has a JSON, and what is known of it before its files are read."""

    name: str
    suffixes: frozenset[str]
    """Of its files."""
    key: tuple[str, int] | None
    """Of the prompt that has this name; None: there is none."""
    ledger: tuple[Changed, int, str, bool] | None
    """What the ledger says: version of the JSON, digest of caption and number, settings as `settings_text`, whether
    words are unknown."""


@dataclass(frozen=True)
class Inspection:
    """What came out about a pose. All but the findings is of its JSON, and missing where that is damaged."""

    findings: Sequence[Finding]
    key: tuple[str, int] | None = None
    settings: tuple[str, ...] = ()
    agreement: float | None = None
    unknown_words: bool = False
    row: int | None = None
    """Digest of its line of metadata without the columns of the prompt file; None: it should have none."""
    source: Mapping[str, Any] | None = None
    unreadable: str = ""
    """Why its line of metadata cannot be known."""
    in_ledger: bool = True
    """Whether the ledger says of the JSON what it holds, or nothing."""

    @property
    def undamaged(self) -> bool:
        return all(each.kind in NOTES for each in self.findings)


class Inspector:
    """Checks poses one by one; it goes to the processes that do so.

    Args:
        requested: whether the requested captions are known.
        checks_pictures: False: they need only exist.
    """

    def __init__(self, store: PoseStore, requested: bool, checks_pictures: bool) -> None:
        self.store, self.requested, self.checks_pictures = store, requested, checks_pictures
        self.reviews = None if store.lists_rejected else ReviewList(store.output).read()
        """By which poses are left out of the metadata."""
        self.groups: dict[str, tuple[str, ...]] = {}
        """Settings in words, by `settings_text`; there are few."""

    def inspect_several(self, subjects: Sequence[Subject]) -> list[Inspection]:
        with self.store.layout.at_hand([each.name for each in subjects]) as near:
            return [self.inspect(subject, near) for subject in subjects]

    def inspect(self, subject: Subject, near: Layout) -> Inspection:
        """Check the files of a pose, which lie by themselves in a layout."""
        store, name, layout = self.store, subject.name, self.store.layout
        views = [format_of(each) for each in sorted(subject.suffixes) if each[0] == "@"]
        known = {each.suffix: each for each in (*FORMATS.values(), *store.formats, *views)}
        present = [each for suffix, each in known.items() if suffix in subject.suffixes]
        files = layout.files_of(name, [each.suffix for each in (JSON, *present)])
        found = missing_files(store, subject)
        changed, document = None, None
        try:
            changed = layout.changed(name, JSON.suffix)
            document = read_json(near.path(name, JSON.suffix))
        except (DamagedFileError, OSError) as error:
            damage, detail = unreadable(error)
            found.append(Finding(damage_kind(damage, JSON), layout.place(name, JSON.suffix), detail, files))
        for each in present:
            if self.checks_pictures or not each.is_picture:
                try:
                    each.check(near.path(name, each.suffix), document)
                except Exception as error:  # a format's check need not foresee every kind of damage
                    damage, detail = unreadable(error)
                    found.append(Finding(damage_kind(damage, each), layout.place(name, each.suffix), detail, files))
        for each in views:
            if each.suffix not in store.suffixes:
                view = layout.place(name, each.suffix)
                found.append(Finding(Kind.UNREQUESTED_VIEW, view, files=(view,) if layout.HAS_FILES else ()))
        about_caption = None if document is None else self.caption_kind(subject, document)
        if document is not None and about_caption is not None:
            found.append(Finding(about_caption, layout.place(name, JSON.suffix), document.caption, files))
        return self.inspection(subject, found, document, changed)

    def inspection(
        self, subject: Subject, found: Sequence[Finding], document: PoseDocument | None, changed: Changed | None
    ) -> Inspection:
        """The findings, with what the JSON says."""
        listed, problem = document, ""
        if document is None:
            try:
                listed = self.store.read(subject.name)  # a JSON that lacks something may do for a line of metadata
            except OSError as error:
                problem = error.strerror or str(error)
        row = None
        is_left_out = listed is not None and self.reviews is not None and self.reviews.is_rejected(subject.name, listed)
        if listed is not None and not is_left_out and subject.suffixes.issuperset(self.store.suffixes):
            row = digest_of(row_line(first_file(self.store, subject), listed))
        if document is None:
            return Inspection(found, row=row, source=None if listed is None else listed.source, unreadable=problem)
        settings = document.settings()
        text, words = settings_text(settings), bool(document.unknown_words)
        if text not in self.groups:
            self.groups[text] = tuple(f"{key}={value}" for key, value in settings.items())
        group, said = self.groups[text], (pose_key(*document.key), text, words)
        # A line of the ledger about another version of the JSON counts for nothing.
        in_ledger = subject.ledger is None or subject.ledger[0] != changed or subject.ledger[1:] == said
        return Inspection(found, document.key, group, document.agreement, words, row, document.source, "", in_ledger)

    def caption_kind(self, subject: Subject, document: PoseDocument) -> Kind | None:
        """Compare name and caption with the requested captions, else with the rule of names; None: they are right."""
        if subject.key is not None:
            return None if subject.key == document.key else Kind.WRONG_CAPTION
        if not is_name_of(subject.name, document.caption, document.source, document.pose_number or 1):
            return Kind.WRONG_CAPTION
        return Kind.UNREQUESTED if self.requested else None


def missing_files(store: PoseStore, subject: Subject) -> list[Finding]:
    """The files that a pose should have beside its JSON and has not."""
    layout, name = store.layout, subject.name
    if subject.suffixes.issuperset(store.suffixes):
        return []
    files = layout.files_of(name, sorted(subject.suffixes))
    missing = (suffix for suffix in store.suffixes if suffix not in subject.suffixes)
    return [Finding(Kind.MISSING_FILE, layout.place(name, suffix), files=files) for suffix in missing]


def first_file(store: PoseStore, subject: Subject) -> str:
    """The place of the file that a pose's line of metadata names."""
    return store.layout.place(subject.name, next(suffix for suffix in FORMATS if suffix in subject.suffixes))


def unreadable(error: Exception) -> tuple[Damage, str]:
    """The damage that an error of a check stands for, and its detail."""
    if isinstance(error, DamagedFileError):
        return error.damage, error.detail
    return Damage.UNREADABLE, f"{type(error).__name__}: {first_line(error)}"


def settings_text(settings: Mapping[str, Any]) -> str:
    """Settings as text, which two have in common only where each value is the same, and of the same type."""
    return json.dumps(settings, sort_keys=True)


def digest_of(line: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(line, digest_size=DIGEST_BYTES).digest())
