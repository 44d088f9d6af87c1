"""Check the files of one pose, each by its format and against the pose's JSON."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, NamedTuple

import numpy as np

from mardm_batch.dataset.formats.format import Damage, DamagedFileError, Format
from mardm_batch.dataset.formats.json_file import JSON, read_json
from mardm_batch.dataset.formats.registry import FORMATS, format_of
from mardm_batch.dataset.layouts.layout import Layout, version_of
from mardm_batch.dataset.ledger import pose_key
from mardm_batch.dataset.metadata import row_line
from mardm_batch.dataset.records import Changed, PoseDocument
from mardm_batch.dataset.reviews import ReviewList, Reviews
from mardm_batch.dataset.store import PoseStore
from mardm_batch.errors import first_line
from mardm_batch.prompts.names import is_name_of
from mardm_batch.system.files import read_listed
from mardm_batch.verify.findings import NOTES, Finding, Kind, damage_kind
from mardm_batch.verify.templates import Templates, settings_text

DIGEST_BYTES: Final = 8


class Subject(NamedTuple):
    """A pose that has a JSON, and what is known of it before its files are read."""

    name: str
    suffixes: frozenset[str]
    """Of its files."""
    key: tuple[str, int] | None
    """Of the prompt that has this name; None: there is none."""
    ledger: tuple[Changed, int, str, bool] | None
    """What the ledger says: version of the JSON, digest of caption and number, settings as `settings_text`, whether
    words are unknown."""


class Inspection(NamedTuple):
    """What came out about a pose. All but the findings is of its JSON, and missing where that is damaged."""

    findings: Sequence[Finding]
    key: tuple[str, int] | None = None
    settings: tuple[str, ...] = ()
    agreement: float | None = None
    unknown_words: bool = False
    row: int | None = None
    """Digest of its line of metadata without the columns of the prompt file; None: it should have none."""
    source: Mapping[str, Any] | None = None
    is_spelled: bool = False
    """Whether the row has the joints as the JSON spells them, not as we would."""
    unreadable: str = ""
    """Why its line of metadata cannot be known."""
    in_ledger: bool = True
    """Whether the ledger says of the JSON what it holds, or nothing."""

    @property
    def undamaged(self) -> bool:
        return all(each.kind in NOTES for each in self.findings)


def readable_reviews(output: Path) -> Reviews:
    """The reviews of the poses; none of a list that cannot be read, which is a finding of its own."""
    try:
        return ReviewList(output).read()
    except OSError:
        return Reviews()


class Inspector:
    """Checks poses one by one; it goes to the processes that do so.

    Args:
        requested: whether the requested captions are known.
        checks_pictures: False: they need only exist.
    """

    def __init__(self, store: PoseStore, requested: bool, checks_pictures: bool) -> None:
        self.store, self.requested, self.checks_pictures = store, requested, checks_pictures
        self.reviews = None if store.lists_rejected else readable_reviews(store.output)
        """By which poses are left out of the metadata."""
        self.groups: dict[str, tuple[str, ...]] = {}
        """Settings in words, by `settings_text`; there are few."""
        self.templates = Templates()
        self.following: dict[frozenset[str], tuple[Format, ...] | None] = {}
        """See `formats_of_joints`."""

    def inspect_several(self, subjects: Sequence[Subject]) -> list[Inspection]:
        with self.store.layout.at_hand([each.name for each in subjects]) as near:
            return [self.inspect_by_template(subject, near) or self.inspect(subject, near) for subject in subjects]

    def inspect_by_template(self, subject: Subject, near: Layout) -> Inspection | None:
        """The inspection of a pose that needs no finding, by what it has in common with others; None: inspect it."""
        name, path = subject.name, near.text_path(subject.name, "")
        formats = self.formats_of_joints(subject.suffixes)
        if formats is None or subject.key is None or self.reviews is not None:
            return None
        try:
            content, status = read_listed(path + JSON.suffix)
            facts = self.templates.facts(content, name)
            if facts is None or subject.key != (facts.caption, facts.template.number):
                return None
            if any(not has_content(path + each.suffix, each, facts.joints) for each in formats):
                return None
            changed = version_of(status) if near is self.store.layout else self.store.layout.changed(name, JSON.suffix)
        except (OSError, ValueError):
            return None
        row = digest_of(facts.row(first_file(self.store, name, subject.suffixes)))
        template = facts.template
        group, words = self.settings_in_words(template.settings_text, template.settings), bool(template.unknown_words)
        in_ledger = agrees(subject.ledger, changed, subject.key, template.settings_text, words)
        return Inspection(
            (), subject.key, group, facts.agreement, words, row, facts.source, is_spelled=True, in_ledger=in_ledger
        )

    def formats_of_joints(self, suffixes: frozenset[str]) -> tuple[Format, ...] | None:
        """The formats of a pose's files that are checked beside the JSON, where the joints determine all of these; None
        where they do not, or where files are missing or were not requested."""
        if suffixes not in self.following:
            formats = [format_of(each) for each in suffixes if each != JSON.suffix]
            checked = tuple(each for each in formats if self.checks_pictures or not each.is_picture)
            complete = suffixes.issuperset(self.store.suffixes)
            requested = all(each.suffix in self.store.suffixes for each in formats if each.suffix[0] == "@")
            plain = complete and requested and all(each.of_joints is not None for each in checked)
            self.following[suffixes] = checked if plain else None
        return self.following[suffixes]

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
                    check_file(each, near.path(name, each.suffix), document)
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
            row = digest_of(row_line(first_file(self.store, subject.name, subject.suffixes), listed))
        if document is None:
            return Inspection(found, row=row, source=None if listed is None else listed.source, unreadable=problem)
        words = bool(document.unknown_words)
        text = settings_text(document.settings())
        group = self.settings_in_words(text, document.settings())
        in_ledger = agrees(subject.ledger, changed, document.key, text, words)
        return Inspection(
            found, document.key, group, document.agreement, words, row, document.source, in_ledger=in_ledger
        )

    def settings_in_words(self, text: str, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """Each setting with its value. `text`: as `settings_text`."""
        if text not in self.groups:
            self.groups[text] = tuple(f"{key}={value}" for key, value in settings.items())
        return self.groups[text]

    def caption_kind(self, subject: Subject, document: PoseDocument) -> Kind | None:
        """Compare name and caption with the requested captions, else with the rule of names; None: they are right."""
        if subject.key is not None:
            return None if subject.key == document.key else Kind.WRONG_CAPTION
        if not is_name_of(subject.name, document.caption, document.source, document.pose_number or 1):
            return Kind.WRONG_CAPTION
        return Kind.UNREQUESTED if self.requested else None


class Worker:
    """A process that checks poses."""

    inspector: ClassVar[Inspector]

    @classmethod
    def start(cls, inspector: Inspector) -> None:
        """Initialise the process."""
        cls.inspector = inspector

    @classmethod
    def inspect_several(cls, subjects: Sequence[Subject]) -> list[Inspection]:
        """See `Inspector`."""
        return cls.inspector.inspect_several(subjects)


def missing_files(store: PoseStore, subject: Subject) -> list[Finding]:
    """The files that a pose should have beside its JSON and has not."""
    layout, name = store.layout, subject.name
    if subject.suffixes.issuperset(store.suffixes):
        return []
    files = layout.files_of(name, sorted(subject.suffixes))
    missing = (suffix for suffix in store.suffixes if suffix not in subject.suffixes)
    return [Finding(Kind.MISSING_FILE, layout.place(name, suffix), files=files) for suffix in missing]


def first_file(store: PoseStore, name: str, suffixes: frozenset[str]) -> str:
    """The place of the file that a pose's line of metadata names."""
    return store.layout.place(name, next(suffix for suffix in FORMATS if suffix in suffixes))


def row_digest(store: PoseStore, poses: Mapping[str, frozenset[str]], name: str) -> int | None:
    """Digest of a pose's line of metadata without the columns of the prompt file; None where its JSON cannot be read.

    Args:
        poses: by name the suffixes of their files.
    """
    try:
        document = store.read(name)
    except OSError:
        return None
    return None if document is None else digest_of(row_line(first_file(store, name, poses[name]), document))


def check_file(format: Format, path: Path, document: PoseDocument | None) -> None:
    """Check a file by its format. Raises DamagedFileError, or whatever a damaged file makes a format raise."""
    if document is None or not has_content(str(path), format, document.joints.astype(np.float32).tobytes()):
        format.check(path, document)


def has_content(path: str, format: Format, joints: bytes) -> bool:
    """Whether a file holds exactly what the joints of its pose determine."""
    if format.of_joints is None:
        return False
    try:
        return read_listed(path)[0] == format.of_joints(joints)
    except (OSError, ValueError):
        return False


def agrees(
    ledger: tuple[Changed, int, str, bool] | None, changed: Changed | None, key: tuple[str, int], text: str, words: bool
) -> bool:
    """Whether the ledger says of a pose what its JSON holds, or nothing. A line of the ledger about another version of
    the JSON counts for nothing."""
    return ledger is None or ledger[0] != changed or ledger[1:] == (pose_key(*key), text, words)


def unreadable(error: Exception) -> tuple[Damage, str]:
    """The damage that an error of a check stands for, and its detail."""
    if isinstance(error, DamagedFileError):
        return error.damage, error.detail
    return Damage.UNREADABLE, f"{type(error).__name__}: {first_line(error)}"


def digest_of(line: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(line, digest_size=DIGEST_BYTES).digest())
