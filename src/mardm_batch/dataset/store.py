"""The poses of an output folder: which are finished, reading them, and writing them whole.

The files of a pose lie side by side, one a format, and its JSON. Each is written in a staging folder and moved into
place, the JSON last: a pose is finished when its JSON has its caption and the other files exist.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mardm_batch.dataset.formats.format import Format, PoseContent
from mardm_batch.dataset.formats.json_file import JSON
from mardm_batch.dataset.formats.registry import FORMATS
from mardm_batch.dataset.layout import RECORDS
from mardm_batch.dataset.records import MetadataRow, Pose, PoseDocument, Provenance
from mardm_batch.errors import InputError
from mardm_batch.prompts.names import Prompt
from mardm_batch.system.files import read_regular, translate_disk_full
from mardm_batch.system.json_records import parse_json


@dataclass(frozen=True)
class Survey:
    """The state of the requested prompts in an output folder."""

    finished: tuple[Prompt, ...]
    unfinished: tuple[Prompt, ...]
    other_settings: int
    """Number of finished poses with another provenance."""
    other_captions: int
    """Number of unfinished poses whose names are taken by the files of another caption."""


class PoseStore:
    """The poses of one output folder. `formats`: of the files that a finished pose has beside its JSON."""

    def __init__(self, output: Path, formats: Iterable[Format]) -> None:
        self.output = output
        self.suffixes = tuple(each.suffix for each in formats)
        """Suffixes only: the store is sent to the writer processes, and the functions of a format may not be."""

    @property
    def formats(self) -> tuple[Format, ...]:
        return tuple(FORMATS[suffix] for suffix in self.suffixes)

    def prepare(self) -> None:
        """Create the output folder.

        Raises:
            InputError: it cannot be created or written to.
        """
        try:
            (self.output / RECORDS).mkdir(parents=True, exist_ok=True)
            probe = self.output / RECORDS / f"probe-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise InputError(f"paths.output={self.output}: cannot be written to: {error.strerror}") from None

    def survey(self, prompts: Iterable[Prompt], provenance: Provenance | None = None) -> Survey:
        """Divide the prompts into finished and unfinished, by the files alone.

        Args:
            provenance: of poses that this run would generate; None: it is not compared.
        """
        file_names = self.file_names()
        finished, unfinished = [], []
        other_settings = other_captions = 0
        for prompt in prompts:
            document = self.read(prompt.name) if prompt.name + JSON.suffix in file_names else None
            same_caption = document is not None and document.caption == prompt.caption
            if document is not None and same_caption and self.is_complete(prompt.name, file_names):
                finished.append(prompt)
                other_settings += provenance is not None and not document.matches(provenance)
            else:
                unfinished.append(prompt)
                other_captions += document is not None and not same_caption
        return Survey(tuple(finished), tuple(unfinished), other_settings, other_captions)

    def file_names(self) -> set[str]:
        return {entry.name for entry in os.scandir(self.output)}

    def is_complete(self, name: str, file_names: set[str]) -> bool:
        """Whether the pose has its files of all formats."""
        return all(name + suffix in file_names for suffix in self.suffixes)

    def read(self, name: str) -> PoseDocument | None:
        """The JSON of a pose; None where it is absent or unreadable."""
        try:
            return PoseDocument.from_json(parse_json(read_regular(JSON.path(self.output, name))))
        except (OSError, ValueError):
            return None

    def metadata(self) -> Iterator[MetadataRow]:
        """A row for every finished pose, sorted by name."""
        file_names = self.file_names()
        for name in sorted(each.removesuffix(JSON.suffix) for each in file_names if each.endswith(JSON.suffix)):
            if self.is_complete(name, file_names):
                document = self.read(name)
                if document is not None:
                    shown = next(name + suffix for suffix in FORMATS if name + suffix in file_names)
                    yield MetadataRow(shown, document.caption)

    def write(self, pose: Pose, picture: bytes | None, provenance: Provenance, staging: Path) -> None:
        """Write a pose's files whole, the JSON last.

        Args:
            picture: the PNG; None where the store's formats have none.
            staging: a folder of the same file system.

        Raises:
            DiskFullError: there is no space; no partial file is left.
            OSError: they cannot be written for another reason.
        """
        name = pose.prompt.name
        content = PoseContent(pose, PoseDocument.of(pose, provenance), picture)
        files = {each.path(staging, name): each.encode(content) for each in (*self.formats, JSON)}
        replaced = [JSON.path(self.output, name)]  # first: the pose is unfinished while its files are exchanged
        replaced += [each.path(self.output, name) for each in FORMATS.values() if each.suffix not in self.suffixes]
        try:
            with translate_disk_full():
                for path, encoded in files.items():
                    path.write_bytes(encoded)
                for path in replaced:
                    if path.exists():  # a vain unlink would keep other processes out of the folder
                        path.unlink()
                for path in files:
                    os.replace(path, self.output / path.name)
        except BaseException:
            for path in files:
                path.unlink(missing_ok=True)
            raise
