"""`metadata.jsonl`: a line for each finished pose of an output folder, whichever shard generated it.

`README.md`, the dataset card, is written with it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from mardm_batch.dataset.card import write_card
from mardm_batch.dataset.layout import CARD, METADATA
from mardm_batch.dataset.leftovers import remove_partial_files
from mardm_batch.dataset.locks import list_lock
from mardm_batch.dataset.records import MetadataRow, PoseDocument
from mardm_batch.dataset.reviews import ReviewList
from mardm_batch.dataset.store import PoseStore
from mardm_batch.system.files import write_atomically
from mardm_batch.system.json_records import json_lines

OWN_KEYS: Final = frozenset(each.name for each in fields(MetadataRow)) | {"image"}
"""Names that a column of the prompt file cannot have in a row; `datasets` gives `image` a meaning."""
LARGEST_INTEGER: Final = 2**63 - 1
DTYPES: Final[dict[type, str]] = {bool: "bool", int: "int64", float: "float64", str: "string"}
"""Types of columns as `datasets` names them."""


def rebuild_metadata(store: PoseStore) -> dict[str, PoseDocument]:
    """Write `metadata.jsonl` and the dataset card anew from the poses' JSON files.

    Returns:
        The documents of the poses that are listed, by name.

    Raises:
        OSError: a JSON cannot be read, a list cannot be written, or another process holds the lock of the lists.
    """
    with list_lock(store.output, "metadata"):
        remove_partial_files(store.output, (METADATA, CARD))
        poses = listed_poses(store)
        types = column_types([document.source or {} for _, document in poses])
        content = json_lines(rows_of(poses, types))
        write_atomically(store.output / METADATA, content)
        columns = {name: DTYPES[kind] for name, kind in types.values()}
        write_card(store.output, [document for _, document in poses], columns, hashlib.sha256(content).hexdigest())
    return {pose_name(file): document for file, document in poses}


def listed_poses(store: PoseStore) -> list[tuple[str, PoseDocument]]:
    """Every finished pose that the lists have, as `PoseStore.documents`. Raises OSError too where reviews cannot be
    read."""
    poses = list(store.documents())
    if store.lists_rejected:
        return poses
    reviews = ReviewList(store.output).read()
    return [(file, document) for file, document in poses if not reviews.is_rejected(pose_name(file), document)]


def pose_name(file_name: str) -> str:
    """The name of the pose of a file."""
    return file_name.rpartition(".")[0]


def metadata_rows(store: PoseStore) -> list[MetadataRow]:
    """The rows that `metadata.jsonl` should have. Raises OSError where a JSON cannot be read."""
    poses = listed_poses(store)
    return rows_of(poses, column_types([document.source or {} for _, document in poses]))


def rows_of(poses: Sequence[tuple[str, PoseDocument]], types: Mapping[str, tuple[str, type]]) -> list[MetadataRow]:
    """A row for each pose; all have the same columns, null where the prompt file had nothing."""
    return [
        MetadataRow(
            file_name,
            document.caption,
            document.joints.tolist(),
            list(document.unknown_words or ()),
            document.agreement,
            {name: cell((document.source or {}).get(key), kind) for key, (name, kind) in types.items()},
        )
        for file_name, document in poses
    ]


def column_types(sources: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, type]]:
    """By column of the prompt file its name in the rows, and the one type that all its values can have there.

    Columns of one type are what `datasets` and other readers of tables load; what has several types becomes text.
    """
    found: dict[str, set[type]] = {}
    for source in sources:
        for key, value in source.items():
            types = found.setdefault(key, set())
            if value is not None:
                types.add(value_type(value))
    names: dict[str, tuple[str, type]] = {}
    taken = set(OWN_KEYS)
    for key, types in found.items():
        name = key or "column"
        while name in taken:
            name = f"source_{name}"
        taken.add(name)
        kind = types.pop() if len(types) == 1 else float if types == {int, float} else str
        names[key] = (name, kind)
    return names


def value_type(value: Any) -> type:
    """bool, int, float, or str for everything that only text can hold."""
    if type(value) is int and abs(value) > LARGEST_INTEGER:
        return str
    return type(value) if type(value) in DTYPES else str


def cell(value: Any, kind: type) -> Any:
    """The value as its column has it; text of what is no text is JSON."""
    if value is None or type(value) is kind:
        return value
    return float(value) if kind is float else json.dumps(value, ensure_ascii=False)
