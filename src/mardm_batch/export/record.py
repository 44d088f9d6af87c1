"""The record of an export, beside its files: `export.json`, what was exported and how, and `export.jsonl`, by pose.

A line of `export.jsonl` is added when the files that it names are there: by it an export that was interrupted goes on,
and a file tells its caption. `export.json` is written at the end.
"""

import hashlib
import json
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from mardm_batch import __version__
from mardm_batch.export.formats.format import ExportFormat
from mardm_batch.system.files import (
    MAX_LIST_BYTES,
    open_for_appending,
    read_regular,
    translate_disk_full,
    write_atomically,
)
from mardm_batch.system.json_records import JsonRecord, json_field, json_lines, parse_json

SUMMARY: Final = "export.json"
LIST: Final = "export.jsonl"
DIGEST_BYTES: Final = 12


@dataclass(frozen=True)
class ExportedFiles(JsonRecord):
    """A line of `export.jsonl`: the files of a pose, or of an archive of several."""

    files: tuple[str, ...] = json_field("names of the files, in the folder of this list")
    poses: int = json_field("the number of poses in them")
    digest: str = json_field("of the poses, the format, its options and the version that wrote them")
    name: str | None = json_field("of the pose, where they are of one", default=None)
    caption: str | None = json_field("of the pose, where they are of one", default=None)
    joint_error_mm: Mapping[str, float] | None = json_field(
        "how far the pose's joints are from where they were, where the format does not hold them exactly", default=None
    )


@dataclass(frozen=True)
class ExportSummary(JsonRecord):
    """`export.json`. It holds no clock times: the same export writes the same bytes."""

    format: str = json_field("the name of the format")
    version: str = json_field("of mardm-batch")
    source: str = json_field("the output folder that the poses are of")
    select: tuple[str, ...] = json_field("conditions that all poses meet")
    options: Mapping[str, Any] = json_field("options of the format")
    facts: Mapping[str, Any] = json_field("what a reader of the files should know")
    poses: int = json_field("the number of poses")
    files: int = json_field("the number of files")
    models: Mapping[str, int] = json_field("poses by the model that made them, with the SHA-256 of its weights")
    digest: str = json_field("of all digests in export.jsonl")
    joint_error_mm: Mapping[str, float] | None = json_field(
        "how far joints are from where they were: the mean, the largest (max), and the largest of all but the worst 5 "
        "of 100 poses or clips (p95)",
        default=None,
    )


class ExportList:
    """`export.jsonl` of a folder."""

    def __init__(self, folder: Path, format: ExportFormat) -> None:
        self.path = folder / LIST
        self.options = json.dumps([__version__, format.NAME, asdict(format.options)], sort_keys=True)
        self.lines = read_list(self.path)
        self.present = {entry.name for entry in os.scandir(folder) if entry.is_file()}

    def begin(self) -> None:
        """Show whose folder it is, from the first of many files on."""
        with open_for_appending(self.path):
            pass

    def digest(self, digests: Iterable[str]) -> str:
        """The digest of files with poses of these digests, as this version would write them with these options."""
        digest = hashlib.blake2b(self.options.encode(), digest_size=DIGEST_BYTES)
        for each in digests:
            digest.update(each.encode())
        return digest.hexdigest()

    def is_up_to_date(self, files: Sequence[str], digest: str) -> bool:
        """Whether these files were written from what has this digest, and are there."""
        line = self.lines.get(files[0])
        return line is not None and line.digest == digest and self.present.issuperset(files)

    def add(self, lines: Sequence[ExportedFiles]) -> None:
        """Add lines about files that are there. Raises DiskFullError; the list is unchanged then."""
        content = json_lines(lines)
        with translate_disk_full(self.path), open_for_appending(self.path) as file:
            size = file.seek(0, os.SEEK_END)
            try:
                while content:
                    content = content[file.write(content) :]
            except BaseException:
                file.truncate(size)
                raise
        self.lines.update({each.files[0]: each for each in lines})

    def finish(self, current: Collection[str]) -> int:
        """Write the list anew, sorted, with the lines of this export alone, and remove the files of all others.

        Args:
            current: the first files of the lines that stay.

        Returns:
            The number of files that are listed.
        """
        for first in self.lines.keys() - set(current):
            for name in self.lines.pop(first).files:
                if Path(name).name == name:
                    (self.path.parent / name).unlink(missing_ok=True)
        self.lines = dict(sorted(self.lines.items()))
        write_atomically(self.path, json_lines(self.lines.values()))
        return sum(len(line.files) for line in self.lines.values())

    @property
    def joint_error_mm(self) -> Mapping[str, float] | None:
        """Of all lines; None where the format holds every joint exactly."""
        errors = [line.joint_error_mm for line in self.lines.values() if line.joint_error_mm is not None]
        if not errors:
            return None
        means, largest = ([each.get(key, 0.0) for each in errors] for key in ("mean", "max"))
        figures = {"mean": float(np.mean(means)), "p95": float(np.percentile(largest, 95)), "max": max(largest)}
        return {key: round(value, 3) for key, value in figures.items()}

    @property
    def whole_digest(self) -> str:
        """Of all lines."""
        return self.digest(line.digest for line in self.lines.values())


def read_list(path: Path) -> dict[str, ExportedFiles]:
    """The lines by the first of their files; a line that a killed export left half written is passed over."""
    try:
        content = read_regular(path, MAX_LIST_BYTES)
    except FileNotFoundError:
        return {}
    lines: dict[str, ExportedFiles] = {}
    for text in content.split(b"\n"):
        try:
            line = ExportedFiles.from_json(parse_json(text.decode(errors="replace")))
        except ValueError:
            continue
        if line.files:
            lines[line.files[0]] = line
    if content and not content.endswith(b"\n"):
        write_atomically(path, json_lines(lines.values()))
    return lines


def write_summary(folder: Path, summary: ExportSummary) -> None:
    content = json.dumps(summary.to_json(), ensure_ascii=False, indent=1).encode(errors="replace") + b"\n"
    write_atomically(folder / SUMMARY, content)
