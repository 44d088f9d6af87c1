"""The poses of an output folder: which are finished, reading them, and writing them whole.

A pose has a file of each format, and its JSON; where they lie is the layout's to say. Each is written in a staging
folder and moved into place, the JSON last: a pose is finished when its JSON has its caption and the other files exist.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from uuid import uuid4

from mardm_batch.dataset import obstacles
from mardm_batch.dataset.formats.format import Format, PoseContent
from mardm_batch.dataset.formats.json_file import JSON
from mardm_batch.dataset.formats.registry import FORMATS, format_of
from mardm_batch.dataset.layout import PROBE_PREFIX, PROGRESS, RECORDS
from mardm_batch.dataset.layouts.flat import FlatLayout
from mardm_batch.dataset.layouts.layout import NONE
from mardm_batch.dataset.layouts.registry import layout_of, record_layout
from mardm_batch.dataset.ledger import Ledger, Row, pose_key
from mardm_batch.dataset.records import Changed, Finished, Outcome, Pose, PoseDocument, Provenance, settings_differences
from mardm_batch.dataset.snapshot import Snapshot
from mardm_batch.errors import InputError
from mardm_batch.prompts.names import Prompt
from mardm_batch.prompts.shards import WHOLE_LIST
from mardm_batch.system.files import UnusableFileError, Version, translate_disk_full, write_new
from mardm_batch.system.folders import unwritable
from mardm_batch.system.garbage import no_garbage_search
from mardm_batch.system.json_records import parse_json

NO_VIEWS: Final[Mapping[int, bytes]] = MappingProxyType({})


@dataclass(frozen=True)
class Survey:
    """The state of the requested prompts in an output folder."""

    finished: tuple[Prompt, ...] = ()
    unfinished: tuple[Prompt, ...] = ()
    unreadable: Mapping[str, str] = field(default_factory=dict)
    """Reasons by file name: JSON files that exist and cannot be read now, so that their poses are unknown."""
    other_settings: int = 0
    """Number of finished poses with another provenance."""
    differences: Mapping[str, tuple[Sequence[Any], Any]] = field(default_factory=dict)
    """What differs in them, by key: their values, and that of the provenance."""
    other_captions: int = 0
    """Number of unfinished poses whose names are taken by the files of another caption."""
    unknown_words: int = 0
    """Number of finished poses whose captions have words that the model did not know."""

    @property
    def total(self) -> int:
        """Number of the prompts."""
        return len(self.finished) + len(self.unfinished) + len(self.unreadable)


class PoseStore:
    """The poses of one output folder.

    Args:
        formats: of the files that a finished pose has beside its JSON.
        lists_rejected: whether poses that a review rejected are in the metadata and the dataset card.
        layout: by name, where the folder's record does not say it; None: flat.
    """

    def __init__(
        self, output: Path, formats: Iterable[Format], lists_rejected: bool = True, layout: str | None = None
    ) -> None:
        self.output, self.lists_rejected = output, lists_rejected
        self.layout = layout_of(output, layout)
        self.suffixes = tuple(each.suffix for each in formats)
        """Suffixes only: the store is sent to the writer processes, and the functions of a format may not be."""
        self.views_before: frozenset[str] = frozenset()
        """Suffixes of pictures from other sides that the folder has; see `find_views`."""
        self.ledger = Ledger(output)
        self.snapshot: Snapshot | None = None
        """Of the last survey, where that was of most poses and found all finished."""

    def __getstate__(self) -> dict[str, Any]:
        """For the writer processes, which need neither ledger nor snapshot."""
        return {**vars(self), "ledger": Ledger(self.output), "snapshot": None}

    @property
    def formats(self) -> tuple[Format, ...]:
        return tuple(map(format_of, self.suffixes))

    def prepare(self) -> None:
        """Create the output folder.

        Raises:
            InputError: it cannot be created or written to, or something is in the place of a lock or of poses.
        """
        records = self.output / RECORDS
        try:
            self.check_free(obstacles.in_records(self.output))
            (records / PROGRESS).mkdir(parents=True, exist_ok=True)
            probe = records / f"{PROBE_PREFIX}{uuid4().hex}"
            write_new(probe, b"")
            probe.unlink(missing_ok=True)  # another run may have cleared it as a leftover
            if self.layout.NAME != FlatLayout.NAME:
                record_layout(self.output, self.layout.NAME)
                self.check_free(self.output / each for each in self.layout.obstacles())
                self.layout.prepare()
        except OSError as error:
            raise unwritable("paths.output", self.output, error, {}) from None

    def check_free(self, found: Iterable[Path]) -> None:
        """Raises InputError where something is in the way."""
        for path in found:
            raise InputError(
                f"paths.output={self.output}: cannot be written to: {obstacles.described(self.output, path)}"
            )

    @contextmanager
    def keeping_ledger(self, shard: str) -> Iterator[None]:
        """Keep the ledger of a shard, whose lock the caller holds: what was learned is there for the next process."""
        self.ledger.read_own(shard)
        self.layout.start(shard, self.suffixes)
        try:
            yield
        finally:
            self.ledger.close()

    def noted(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        """The outcomes, the poses that were written among them noted in the ledger."""
        for each in outcomes:
            if each.finished is not None:
                for settled in self.layout.settle(each.finished):
                    self.ledger.learn(settled)
            yield each

    @contextmanager
    def settling(self) -> Iterator[None]:
        """Bring every pose that is written meanwhile to its final place, whatever ends that."""
        try:
            yield
        finally:
            for settled in self.layout.flush():
                self.ledger.learn(settled)

    def find_views(self) -> None:
        """Learn which pictures from other sides the folder has: those that are not wanted go when a pose is made again.

        Raises:
            OSError: the folder cannot be read.
        """
        self.views_before = self.layout.view_suffixes()

    @no_garbage_search()
    def survey(self, prompts: Iterable[Prompt], provenance: Provenance | None = None) -> Survey:
        """Divide the prompts into finished and unfinished, by the files alone.

        Args:
            provenance: of poses that this run would generate; None: it is not compared.
        """
        with os.scandir(self.output):  # it raises where the folder cannot be read
            prompts = tuple(prompts)
        self.layout.look()
        self.snapshot = Snapshot(self.layout) if self.is_of_most_poses(prompts) else None
        finished, unfinished = [], []
        unreadable: dict[str, str] = {}
        differences: dict[str, tuple[dict[Any, None], Any]] = {}
        different = self.differences_from(provenance)
        other_settings = other_captions = unknown_words = 0
        find = self.finder(prompts)
        for prompt in prompts:
            try:
                row = find(prompt.name)
                same = row is not None and row.key == pose_key(prompt.caption, prompt.number)
                complete = same and self.has_siblings(prompt.name)
            except OSError as error:
                unreadable[self.layout.place(prompt.name, JSON.suffix)] = error.strerror or str(error)
                continue
            if row is None or not complete:
                unfinished.append(prompt)
                other_captions += row is not None and not same
                continue
            finished.append(prompt)
            unknown_words += row.unknown_words
            if pairs := different(row.settings, prompt):
                other_settings += 1
                for key, (theirs, ours) in pairs.items():
                    differences.setdefault(key, ({}, ours))[0][str(theirs)] = None
        if unfinished or unreadable:
            self.snapshot = None
        values = {key: (tuple(theirs), ours) for key, (theirs, ours) in differences.items()}
        return Survey(
            tuple(finished), tuple(unfinished), unreadable, other_settings, values, other_captions, unknown_words
        )

    def is_of_most_poses(self, prompts: Sequence[Prompt]) -> bool:
        """Whether prompts are the whole list, and stand for half of the poses or more, so that it is less work to list
        the folder than to look for each file."""
        ledger = self.ledger
        return self.layout.HAS_FILES and ledger.owner == WHOLE_LIST and 2 * len(prompts) >= len(ledger.rows)

    def finder(self, prompts: Sequence[Prompt]) -> Callable[[str], Row | None]:
        """A function that gives what is known of a pose by its name, as its JSON is now; None where there is none.

        It raises OSError where a JSON exists and cannot be read.
        """
        ledger, others_read = self.ledger, False
        known = {} if self.snapshot is None else self.snapshot.changed

        def find(name: str) -> Row | None:
            nonlocal others_read
            changed = known.get(name) or self.layout.changed(name, JSON.suffix)
            if changed is None:
                return None
            row = ledger.rows.get(name)
            if (row is None or row.changed != changed) and not others_read:
                others_read = True
                ledger.read_others({prompt.name for prompt in prompts})
                row = ledger.rows.get(name)
            if row is not None and row.changed == changed:
                return row
            document = self.read(name)
            return None if document is None else ledger.learn(finished_pose(name, changed, document))

        return find

    def differences_from(self, provenance: Provenance | None) -> Callable[[int, Prompt], Mapping[str, tuple[Any, Any]]]:
        """A function that gives, by their place in the ledger, in what settings differ from a prompt's provenance."""
        found: dict[tuple[int, int | None], Mapping[str, tuple[Any, Any]]] = {}

        def different(place: int, prompt: Prompt) -> Mapping[str, tuple[Any, Any]]:
            key = place, prompt.frames
            if key not in found:
                settings = self.ledger.settings[place]
                found[key] = {} if provenance is None else settings_differences(settings, provenance.of(prompt))
            return found[key]

        return different

    def has_siblings(self, name: str) -> bool:
        """Whether a pose has its files of all formats beside the JSON. Raises OSError."""
        if self.snapshot is not None and self.snapshot.suffixes.get(name, NONE).issuperset(self.suffixes):
            return True
        return all(self.layout.changed(name, suffix) is not None for suffix in self.suffixes)

    def complete_poses(self) -> dict[str, frozenset[str]]:
        """By name of each pose that has its files of all formats, the suffixes of its files. Raises OSError."""
        needed = frozenset(self.suffixes)
        return {
            name: suffixes for name, suffixes in self.layout.poses().items() if needed <= suffixes and is_text(name)
        }

    def versions(self) -> tuple[dict[str, Version], dict[str, frozenset[str]]]:
        """By name of each pose that is there a version of its JSON, which another one has when the pose is made again;
        and the suffixes of its files. Raises OSError."""
        poses = self.complete_poses()
        found = ((name, self.layout.changed(name, JSON.suffix)) for name in poses)
        return {name: (changed[0], 0, changed[1]) for name, changed in found if changed is not None}, poses

    def versions_of_survey(self) -> tuple[dict[str, Version], dict[str, frozenset[str]]]:
        """As `versions`, by what the last survey saw where that is the same still. Raises OSError."""
        snapshot, self.snapshot = self.snapshot, None
        if snapshot is None or not snapshot.is_current():
            return self.versions()
        needed = frozenset(self.suffixes)
        poses = {name: has for name, has in snapshot.suffixes.items() if needed <= has and is_text(name)}
        changed = snapshot.changed
        return {name: (changed[name][0], 0, changed[name][1]) for name in poses if name in changed}, poses

    def read(self, name: str) -> PoseDocument | None:
        """The JSON of a pose; None where there is none: no file, or one with other content.

        Raises:
            OSError: it exists and cannot be read, perhaps only for the moment.
        """
        try:
            return PoseDocument.from_json(parse_json(self.layout.read(name, JSON.suffix)))
        except (FileNotFoundError, UnusableFileError, ValueError):
            return None

    def documents(self) -> Iterator[tuple[str, PoseDocument]]:
        """Every finished pose, sorted by name: the place of its first file, as a rule the picture, and its JSON.

        Files of others that happen to lie there are passed over, whatever their names and content.

        Raises:
            OSError: a JSON file exists and cannot be read.
        """
        poses = self.complete_poses()
        for name, document in self.read_several(sorted(poses)):
            first = next(suffix for suffix in FORMATS if suffix in poses[name])
            yield self.layout.place(name, first), document

    def named_documents(self) -> Iterator[tuple[str, PoseDocument]]:
        """Name and JSON of every finished pose, as `documents`."""
        return self.read_several(sorted(self.complete_poses()))

    def read_several(self, names: Iterable[str]) -> Iterator[tuple[str, PoseDocument]]:
        """The poses of these names that have a JSON, each with it. Raises OSError."""
        for name in names:
            document = self.read(name)
            if document is not None:
                yield name, document

    def write(
        self,
        pose: Pose,
        picture: bytes | None,
        provenance: Provenance,
        staging: Path,
        views: Mapping[int, bytes] = NO_VIEWS,
    ) -> Finished:
        """Write a pose's files whole, the JSON last.

        Args:
            picture: the PNG; None where the store's formats have none.
            staging: a folder of the same file system.
            views: further pictures by the degrees around the person.

        Raises:
            DiskFullError: there is no space; no partial file is left.
            OSError: they cannot be written for another reason.
        """
        name, document = pose.prompt.name, PoseDocument.of(pose, provenance)
        content = PoseContent(pose, document, picture, views)
        # Text, as paths that are objects would take as long as the system does.
        source = os.path.join(staging, name)
        target = os.path.join(self.layout.landing.output, self.layout.landing.place(name, ""))
        files = {each.suffix: each.encode(content) for each in (*self.formats, JSON)}
        # The JSON first: the pose is unfinished while its files are exchanged.
        replaced = (JSON.suffix, *{*FORMATS, *self.views_before}.difference(self.suffixes))
        try:
            with obstacles.naming_obstacles(self.output), translate_disk_full():
                for suffix, encoded in files.items():
                    try:
                        write_new(source + suffix, encoded)
                    except FileExistsError:  # left by a writer that died
                        os.unlink(source + suffix)
                        write_new(source + suffix, encoded)
                for suffix in replaced:
                    if os.path.exists(target + suffix):  # a vain unlink would keep other processes out of the folder
                        os.unlink(target + suffix)
                for suffix in files:
                    os.replace(source + suffix, target + suffix)
                status = os.stat(target + JSON.suffix)
        except BaseException:
            for suffix in files:
                with suppress(FileNotFoundError):
                    os.unlink(source + suffix)
            raise
        return finished_pose(name, (status.st_mtime_ns, status.st_size), document)


def finished_pose(name: str, changed: Changed, document: PoseDocument) -> Finished:
    """What the ledger has of a pose by its JSON."""
    return Finished(name, changed, pose_key(*document.key), document.settings(), bool(document.unknown_words))


def is_text(name: str) -> bool:
    """Whether a name is UTF-8, as those of all poses are."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
