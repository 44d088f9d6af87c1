"""The poses of an output folder: which are finished, reading them, and writing them whole.

The files of a pose lie side by side, one per format, and its JSON. Each is written in a staging folder and moved into
place, the JSON last: a pose is finished when its JSON has its caption and the other files exist.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from uuid import uuid4

from mardm_batch.dataset.formats.format import Format, PoseContent
from mardm_batch.dataset.formats.json_file import JSON
from mardm_batch.dataset.formats.registry import FORMATS, format_of, views_among
from mardm_batch.dataset.layout import PROBE_PREFIX, PROGRESS, RECORDS
from mardm_batch.dataset.records import Pose, PoseDocument, Provenance
from mardm_batch.errors import InputError
from mardm_batch.prompts.names import Prompt
from mardm_batch.system.files import (
    UnusableFileError,
    Version,
    file_version,
    read_regular,
    translate_disk_full,
    unless_circular,
    write_new,
)
from mardm_batch.system.folders import unwritable_reason
from mardm_batch.system.json_records import parse_json

NO_DOCUMENTS: Final[Mapping[str, PoseDocument]] = MappingProxyType({})
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


class PoseStore:
    """The poses of one output folder.

    `formats`: of the files that a finished pose has beside its JSON. `lists_rejected`: whether poses that a review
    rejected are in the metadata and the dataset card.
    """

    def __init__(self, output: Path, formats: Iterable[Format], lists_rejected: bool = True) -> None:
        self.output, self.lists_rejected = output, lists_rejected
        self.suffixes = tuple(each.suffix for each in formats)
        """Suffixes only: the store is sent to the writer processes, and the functions of a format may not be."""
        self.views_before: frozenset[str] = frozenset()
        """Suffixes of pictures from other sides that the folder had when it was prepared."""

    @property
    def formats(self) -> tuple[Format, ...]:
        return tuple(map(format_of, self.suffixes))

    def prepare(self) -> None:
        """Create the output folder.

        Raises:
            InputError: it cannot be created or written to.
        """
        records = self.output / RECORDS
        for folder in (records, records / PROGRESS):
            if folder.is_symlink():
                raise InputError(f"paths.output={self.output}: {folder.relative_to(self.output)} is a link; remove it")
        try:
            (records / PROGRESS).mkdir(parents=True, exist_ok=True)
            probe = records / f"{PROBE_PREFIX}{uuid4().hex}"
            write_new(probe, b"")
            probe.unlink(missing_ok=True)  # another run may have cleared it as a leftover
            self.views_before = frozenset(view.suffix for view in views_among(self.file_names()))
        except OSError as error:
            reason = unwritable_reason(self.output, error)
            raise InputError(f"paths.output={self.output}: cannot be written to: {reason}") from None

    def survey(
        self,
        prompts: Iterable[Prompt],
        provenance: Provenance | None = None,
        documents: Mapping[str, PoseDocument] = NO_DOCUMENTS,
    ) -> Survey:
        """Divide the prompts into finished and unfinished, by the files alone.

        Args:
            provenance: of poses that this run would generate; None: it is not compared.
            documents: those that were read just now, by name; they are not read again.
        """
        file_names = self.file_names()
        finished, unfinished = [], []
        unreadable: dict[str, str] = {}
        differences: dict[str, tuple[dict[Any, None], Any]] = {}
        other_settings = other_captions = unknown_words = 0
        for prompt in prompts:
            try:
                there = prompt.name + JSON.suffix in file_names
                document = (documents.get(prompt.name) or self.read(prompt.name)) if there else None
            except OSError as error:
                unreadable[prompt.name + JSON.suffix] = error.strerror or str(error)
                continue
            if document is None or document.key != prompt.key or not self.is_complete(prompt.name, file_names):
                unfinished.append(prompt)
                other_captions += document is not None and document.key != prompt.key
                continue
            finished.append(prompt)
            unknown_words += bool(document.unknown_words)
            different = {} if provenance is None else document.differences(provenance.of(prompt))
            other_settings += bool(different)
            for key, (theirs, ours) in different.items():
                differences.setdefault(key, ({}, ours))[0][str(theirs)] = None
        values = {key: (tuple(theirs), ours) for key, (theirs, ours) in differences.items()}
        return Survey(
            tuple(finished), tuple(unfinished), unreadable, other_settings, values, other_captions, unknown_words
        )

    def file_names(self) -> set[str]:
        """Names of the regular files in the output folder. Raises OSError."""
        with os.scandir(self.output) as entries:
            return {entry.name for entry in entries if unless_circular(entry.is_file)}

    def versions(self) -> tuple[dict[str, Version], set[str]]:
        """By name of each pose that is there a version of its JSON, which another one has when the pose is made again;
        and the names of all files. Raises OSError."""
        with os.scandir(self.output) as entries:
            files = {entry.name: entry for entry in entries if unless_circular(entry.is_file)}
        names = (each.removesuffix(JSON.suffix) for each in files if each.endswith(JSON.suffix) and is_text(each))
        versions = {}
        for name in names:
            if self.is_complete(name, files.keys()):
                with suppress(FileNotFoundError):
                    versions[name] = file_version(files[name + JSON.suffix].stat())
        return versions, set(files)

    def is_complete(self, name: str, file_names: Collection[str]) -> bool:
        """Whether the pose has its files of all formats."""
        return all(name + suffix in file_names for suffix in self.suffixes)

    def read(self, name: str) -> PoseDocument | None:
        """The JSON of a pose; None where there is none: no file, or one with other content.

        Raises:
            OSError: it exists and cannot be read, perhaps only for the moment.
        """
        try:
            return PoseDocument.from_json(parse_json(read_regular(JSON.path(self.output, name))))
        except (FileNotFoundError, UnusableFileError, ValueError):
            return None

    def documents(self) -> Iterator[tuple[str, PoseDocument]]:
        """Every finished pose, sorted by name: the name of its first file, as a rule the picture, and its JSON.

        Files of others that happen to lie there are passed over, whatever their names and content.

        Raises:
            OSError: a JSON file exists and cannot be read.
        """
        file_names = self.file_names()
        for name in sorted(each.removesuffix(JSON.suffix) for each in file_names if each.endswith(JSON.suffix)):
            if self.is_complete(name, file_names) and is_text(name):
                document = self.read(name)
                if document is not None:
                    yield next(name + suffix for suffix in FORMATS if name + suffix in file_names), document

    def write(
        self,
        pose: Pose,
        picture: bytes | None,
        provenance: Provenance,
        staging: Path,
        views: Mapping[int, bytes] = NO_VIEWS,
    ) -> None:
        """Write a pose's files whole, the JSON last.

        Args:
            picture: the PNG; None where the store's formats have none.
            staging: a folder of the same file system.
            views: further pictures by the degrees around the person.

        Raises:
            DiskFullError: there is no space; no partial file is left.
            OSError: they cannot be written for another reason.
        """
        name = pose.prompt.name
        content = PoseContent(pose, PoseDocument.of(pose, provenance), picture, views)
        # Text, as paths that are objects would take as long as the system does.
        source, target = os.path.join(staging, name), os.path.join(self.output, name)
        files = {each.suffix: each.encode(content) for each in (*self.formats, JSON)}
        # The JSON first: the pose is unfinished while its files are exchanged.
        replaced = (JSON.suffix, *{*FORMATS, *self.views_before}.difference(self.suffixes))
        try:
            with translate_disk_full():
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
        except BaseException:
            for suffix in files:
                with suppress(FileNotFoundError):
                    os.unlink(source + suffix)
            raise


def is_text(name: str) -> bool:
    """Whether a name is UTF-8, as those of all poses are."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
