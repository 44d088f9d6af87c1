"""A block: up to 1,000 poses in a tar, as WebDataset reads it, and a Parquet file beside it with what a table needs.

The tar holds the files of the poses, pose after pose, the JSON first. The Parquet file has a row for each pose:
caption, joints, where it comes from, and where in the tar its files begin. It can be made anew from the tar.
"""

import io
import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NamedTuple

from mardm_batch.dataset.formats.json_file import JSON
from mardm_batch.dataset.records import Changed, PoseDocument
from mardm_batch.errors import InputError
from mardm_batch.system.files import open_regular, read_regular, replacing
from mardm_batch.system.json_records import parse_json

POSES_PER_BLOCK: Final = 1000
TAR: Final = ".tar"
PARQUET: Final = ".parquet"
MAX_TAR_BYTES: Final = 2**36
VIEW_MARK: Final = ".view"
"""In a tar in place of the @ of a picture from another side: to WebDataset NAME@045 would be another sample."""
TAR_BYTES: Final = b"tar_bytes"
"""Key of the Parquet file's metadata: the size of the tar that it describes."""


class Place(NamedTuple):
    """Where the files of a pose are: its block, where in the tar they begin, and their suffixes."""

    block: str
    offset: int
    suffixes: frozenset[str]


@dataclass(frozen=True)
class Block:
    """A block that was read. `poses`: the places of its poses by name. `has_table`: the Parquet file is its own."""

    name: str
    changed: Changed
    poses: Mapping[str, Place]
    has_table: bool


def require_pyarrow(what: str) -> None:
    """Raises InputError where Parquet cannot be written."""
    if find_spec("pyarrow") is None:
        raise InputError(f"{what}: needs pyarrow; pip install 'mardm-batch[parquet]'")


def write_block(output: Path, name: str, poses: Mapping[str, Mapping[str, bytes]]) -> None:
    """Write a block whole or not at all, its tar last.

    Args:
        poses: the contents of the files by suffix, by name of the pose.

    Raises:
        DiskFullError: there is no space.
        OSError: it cannot be written for another reason.
    """
    tar_path = output / f"{name}{TAR}"
    with replacing(tar_path) as temporary:
        offsets: dict[str, int] = {}
        with temporary.open("wb") as file, tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for pose, files in poses.items():
                offsets[pose] = tar.offset
                for suffix in sorted(files, key=lambda each: (each != JSON.suffix, each)):
                    entry = tarfile.TarInfo(member_name(pose, suffix))
                    entry.size, entry.mode = len(files[suffix]), 0o644
                    tar.addfile(entry, io.BytesIO(files[suffix]))
        rows = {pose: (files[JSON.suffix], offsets[pose], sorted(files)) for pose, files in poses.items()}
        write_table(output / f"{name}{PARQUET}", rows, temporary.stat().st_size)


def member_name(pose: str, suffix: str) -> str:
    return f"{pose}{VIEW_MARK}{suffix[1:]}" if suffix[0] == "@" else f"{pose}{suffix}"


def split_member(member: str) -> tuple[str, str]:
    """Name of the pose and suffix of a member of a tar."""
    pose = member.partition(".")[0]
    suffix = member[len(pose) :]
    return pose, f"@{suffix.removeprefix(VIEW_MARK)}" if suffix.startswith(VIEW_MARK) else suffix


def write_table(path: Path, rows: Mapping[str, tuple[bytes, int, Sequence[str]]], tar_bytes: int) -> None:
    """Write the Parquet file of a block.

    Args:
        rows: by name of the pose its JSON, where its files begin in the tar, and their suffixes.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    documents = [PoseDocument.from_json(parse_json(content)) for content, _, _ in rows.values()]
    columns: dict[str, tuple[Any, list[Any]]] = {
        "name": (pa.string(), list(rows)),
        "caption": (pa.string(), [each.caption for each in documents]),
        "joints": (pa.list_(pa.list_(pa.float32())), [each.joints.tolist() for each in documents]),
        "unknown_words": (pa.list_(pa.string()), [list(each.unknown_words or ()) for each in documents]),
        "agreement": (pa.float64(), [each.agreement for each in documents]),
        "pose_number": (pa.int64(), [each.pose_number or 1 for each in documents]),
        "model": (pa.string(), [each.model for each in documents]),
        "weights_sha256": (pa.string(), [each.weights_sha256 for each in documents]),
        "seed": (pa.int64(), [each.seed for each in documents]),
        "frame_index": (pa.int64(), [each.frame_index for each in documents]),
        "sampling": (pa.string(), [as_text(each.sampling) for each in documents]),
        "source": (pa.string(), [as_text(each.source) for each in documents]),
        "tar_offset": (pa.int64(), [offset for _, offset, _ in rows.values()]),
        "files": (pa.string(), [" ".join(suffixes) for _, _, suffixes in rows.values()]),
    }
    schema = pa.schema([(key, kind) for key, (kind, _) in columns.items()], {TAR_BYTES: str(tar_bytes).encode()})
    table = pa.table([pa.array(values, kind) for kind, values in columns.values()], schema=schema)
    with replacing(path) as temporary:
        pq.write_table(table, temporary)


def as_text(value: Mapping[str, Any] | None) -> str | None:
    """JSON: columns of different shape would keep Parquet files from being read together."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True) if value else None


def read_block(output: Path, name: str, changed: Changed) -> Block:
    """A block by its Parquet file, or where that is missing or of another tar by the tar itself. Raises OSError."""
    poses = places_of_table(output, name, changed[1])
    return Block(name, changed, places_of_tar(output, name) if poses is None else poses, poses is not None)


def places_of_table(output: Path, name: str, tar_bytes: int) -> dict[str, Place] | None:
    """The places of a block's poses by its Parquet file; None where that is missing, damaged or of another tar."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(pa.BufferReader(read_regular(output / f"{name}{PARQUET}"))) as file:
            if (file.schema_arrow.metadata or {}).get(TAR_BYTES) != str(tar_bytes).encode():
                return None
            columns = file.read(["name", "tar_offset", "files"]).to_pydict()
    except (OSError, ValueError, KeyError, pa.ArrowException):
        return None
    known = {files: frozenset(files.split()) for files in set(columns["files"])}
    rows = zip(columns["name"], columns["tar_offset"], columns["files"], strict=True)
    return {pose: Place(name, offset, known[files]) for pose, offset, files in rows}


def places_of_tar(output: Path, name: str) -> dict[str, Place]:
    """The places of a block's poses by the tar itself; those behind damage are not found. Raises OSError."""
    places: dict[str, Place] = {}
    with open_regular(output / f"{name}{TAR}", MAX_TAR_BYTES) as file:
        try:
            with tarfile.open(fileobj=file, mode="r:") as tar:
                start = 0
                for member in tar:
                    pose, suffix = split_member(member.name)
                    before = places.get(pose)
                    offset, suffixes = (start, frozenset[str]()) if before is None else before[1:]
                    places[pose] = Place(name, offset, suffixes | {suffix})
                    start = tar.offset
        except tarfile.TarError:
            pass
    return places


def read_members(output: Path, place: Place) -> Iterator[tuple[str, bytes]]:
    """Suffix and content of the files of a pose, one after the other. Raises OSError where the tar is damaged."""
    with open_regular(output / f"{place.block}{TAR}", MAX_TAR_BYTES) as file:
        file.seek(place.offset)
        try:
            with tarfile.open(fileobj=file, mode="r:") as tar:
                for _ in place.suffixes:
                    member = tar.next()
                    content = None if member is None else tar.extractfile(member)
                    if member is None or content is None:
                        raise OSError(f"{place.block}{TAR}: damaged")
                    yield split_member(member.name)[1], content.read()
        except tarfile.TarError as error:
            raise OSError(f"{place.block}{TAR}: damaged: {error}") from None


def remove_block(output: Path, name: str) -> None:
    """Remove a block, its tar first: a table without one counts for nothing. Raises OSError."""
    (output / f"{name}{TAR}").unlink(missing_ok=True)
    (output / f"{name}{PARQUET}").unlink(missing_ok=True)
