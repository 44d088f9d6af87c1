"""`metadata.jsonl`: a line for each finished pose of an output folder, whichever shard generated it.

`README.md`, the dataset card, is written with it.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from json.encoder import encode_basestring as encode_string
from tempfile import TemporaryFile
from typing import IO, Any, Final

from mardm_batch.dataset.card import TABLES, Group, group_of, write_card
from mardm_batch.dataset.formats.png_file import PNG
from mardm_batch.dataset.layout import CARD, METADATA, RECORDS
from mardm_batch.dataset.leftovers import remove_partial_files
from mardm_batch.dataset.locks import list_lock
from mardm_batch.dataset.obstacles import naming_obstacles
from mardm_batch.dataset.records import MetadataRow, PoseDocument
from mardm_batch.dataset.reviews import ReviewList, Reviews
from mardm_batch.dataset.store import PoseStore
from mardm_batch.system.files import Version, read_regular, replacing, translate_disk_full, write_atomically
from mardm_batch.system.garbage import no_garbage_search
from mardm_batch.system.json_records import json_lines, parse_json

OWN_KEYS: Final = frozenset(each.name for each in fields(MetadataRow)) | {"image"}
"""Names that a column of the prompt file cannot have in a row; `datasets` gives `image` a meaning."""
METADATA_STATE: Final = "metadata.json"
"""In the hidden folder: of which poses the lists are."""
STATE_BYTES: Final = 8
COLUMNS_MARK: Final = b"\t"
"""Begins lines with columns; no JSON of a row begins so."""
LARGEST_INTEGER: Final = 2**63 - 1
DTYPES: Final[dict[type, str]] = {bool: "bool", int: "int64", float: "float64", str: "string"}
"""Types of columns as `datasets` names them."""


NamedDocuments = Iterator[tuple[str, PoseDocument]]
"""Poses as `PoseStore.documents` gives them."""
Watch = Callable[[Mapping[str, Version], NamedDocuments], NamedDocuments]
"""Sees the poses that the lists are made from, each of which it passes on; and their versions from before by name."""


@no_garbage_search()
def update_metadata(store: PoseStore, watch: Watch | None = None) -> None:
    """Write `metadata.jsonl` and the dataset card anew where poses or lists have changed since that was last done.

    Raises:
        OSError: as `rebuild_metadata`.
    """
    state = state_of(store, *store.versions_of_survey())
    try:
        recorded = parse_json(read_regular(store.output / RECORDS / METADATA_STATE))
    except (OSError, ValueError):
        recorded = None
    if recorded != state:
        rebuild_metadata(store, watch)


def rebuild_metadata(store: PoseStore, watch: Watch | None = None) -> int:
    """Write `metadata.jsonl` and the dataset card anew from the poses' JSON files.

    Returns:
        The number of poses that are listed.

    Raises:
        OSError: a JSON cannot be read, a list cannot be written, or another process holds the lock of the lists.
    """
    with naming_obstacles(store.output), list_lock(store.output, "metadata"):
        remove_partial_files(store.output, (METADATA, CARD))
        versions, suffixes = store.versions()
        before, groups = state_of(store, versions, suffixes), Counter[Group]()
        documents = listed_poses(store)
        if watch is not None:
            documents = watch(versions, documents)
        if store.layout.HAS_FILES:
            write_rows_and_card(store, documents, groups)
        else:  # every larger file has a table of its own
            groups.update(group_of(document) for _, document in documents)
            write_card(store.output, groups, {}, before["poses"].rpartition(" ")[2], TABLES)
            (store.output / METADATA).unlink(missing_ok=True)
        state = {**state_of(store, {}, {}), "poses": before["poses"]}
        with suppress(OSError):
            write_atomically(store.output / RECORDS / METADATA_STATE, json.dumps(state).encode())
    return groups.total()


def write_rows_and_card(store: PoseStore, documents: NamedDocuments, groups: Counter[Group]) -> None:
    """Write `metadata.jsonl`, whose rows need the types of all columns first, and the card. Raises OSError.

    Args:
        groups: counts the poses by where they come from.
    """
    digest = hashlib.sha256()
    listed = store.output / METADATA
    with translate_disk_full(listed), TemporaryFile(dir=store.output / RECORDS) as rows, replacing(listed) as path:
        types = write_rows(documents, rows, groups)
        with path.open("wb") as file:
            for line in complete_rows(rows, types):
                digest.update(line)
                file.write(line)
    columns = {name: DTYPES[kind] for name, kind in types.values()}
    write_card(store.output, groups, columns, digest.hexdigest())


def listed_poses(store: PoseStore) -> NamedDocuments:
    """Every finished pose that the lists have, as `PoseStore.documents`. Raises OSError too where reviews cannot be
    read."""
    reviews = Reviews() if store.lists_rejected else ReviewList(store.output).read()
    for file, document in store.documents():
        if store.lists_rejected or not reviews.is_rejected(pose_name(file), document):
            yield file, document


def pose_name(place: str) -> str:
    """The name of the pose of a file."""
    return place.rpartition("/")[2].rpartition(".")[0]


def state_of(
    store: PoseStore, versions: Mapping[str, Version], suffixes: Mapping[str, frozenset[str]]
) -> dict[str, Any]:
    """Stands for the finished poses, by what `PoseStore.versions` has of them, and for their lists. Raises OSError."""
    total = 0
    for name, (changed, inode, size) in versions.items():
        text = f"{name} ({changed}, {inode}, {size}) {PNG.suffix in suffixes[name]}".encode()
        total += int.from_bytes(hashlib.blake2b(text, digest_size=STATE_BYTES).digest())
    lists = {}
    for name in (METADATA, CARD):
        try:
            status = (store.output / name).stat()
            lists[name] = [status.st_mtime_ns, status.st_size]
        except FileNotFoundError:
            lists[name] = []
    reviews = None if store.lists_rejected else list(ReviewList(store.output).version() or ())
    return {"poses": f"{len(versions)} {total % 2 ** (8 * STATE_BYTES):x}", "reviews": reviews, **lists}


def write_rows(
    documents: Iterable[tuple[str, PoseDocument]], file: IO[bytes], groups: Counter[Group]
) -> dict[str, tuple[str, type]]:
    """Write a line for each pose to a file of our own: its row, and in the next line its columns, if it has any.

    Args:
        groups: counts the poses by where they come from.

    Returns:
        The types of the columns, see `ColumnTypes.types`.
    """
    columns = ColumnTypes()
    for file_name, document in documents:
        groups[group_of(document)] += 1
        file.write(row_line(file_name, document))
        if document.source:
            columns.add(document.source)
            file.write(COLUMNS_MARK + json.dumps(document.source).encode() + b"\n")
    file.seek(0)
    return columns.types()


def complete_rows(file: IO[bytes], types: Mapping[str, tuple[str, type]]) -> Iterator[bytes]:
    """The lines of the metadata, from what `write_rows` wrote."""
    line = b""
    for following in file:
        if following.startswith(COLUMNS_MARK):
            yield with_columns(line, json.loads(following[1:]), types)
            line = b""
            continue
        if line:
            yield with_columns(line, {}, types)
        line = following
    if line:
        yield with_columns(line, {}, types)


def row_line(file_name: str, document: PoseDocument) -> bytes:
    """A pose's line of metadata without the columns of the prompt file."""
    joints, words = document.joints.tolist(), list(document.unknown_words or ())
    return json_lines([MetadataRow(file_name, document.caption, joints, words, document.agreement)])


def row_text(file_name: str, caption: str, joints: str, words: Sequence[str], agreement: float | None) -> str:
    """As `row_line`, of joints that are JSON already."""
    texts = ", ".join(map(encode_string, words))
    number = "null" if agreement is None else repr(agreement)
    return (
        f'{{"file_name": {encode_string(file_name)}, "caption": {encode_string(caption)}, "joints": {joints}, '
        f'"unknown_words": [{texts}], "agreement": {number}}}\n'
    )


def with_columns(line: bytes, source: Mapping[str, Any], types: Mapping[str, tuple[str, type]]) -> bytes:
    """A line of metadata with all columns: every line has the same, null where the prompt file had nothing."""
    if not types:
        return line
    columns = {name: cell(source.get(key), kind) for key, (name, kind) in types.items()}
    text = json.dumps(columns, ensure_ascii=False).encode(errors="replace")
    return line.rstrip()[:-1] + b", " + text[1:] + b"\n"


class ColumnTypes:
    """The columns of the prompt file that poses have, and the types of their values."""

    def __init__(self) -> None:
        self.found: dict[str, set[type]] = {}

    def add(self, source: Mapping[str, Any]) -> None:
        for key, value in source.items():
            types = self.found.setdefault(key, set())
            if value is not None:
                types.add(value_type(value))

    def types(self) -> dict[str, tuple[str, type]]:
        """By column its name in the rows, and the one type that all its values can have there.

        Columns of one type are what `datasets` and other readers of tables load; what has several types becomes text.
        """
        names: dict[str, tuple[str, type]] = {}
        taken = set(OWN_KEYS)
        for key, types in self.found.items():
            name = key or "column"
            while name in taken:
                name = f"source_{name}"
            taken.add(name)
            only = next(iter(types)) if len(types) == 1 else None
            names[key] = (name, only or (float if types == {int, float} else str))
        return names


def column_types(sources: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, type]]:
    """See `ColumnTypes.types`."""
    columns = ColumnTypes()
    for source in sources:
        columns.add(source)
    return columns.types()


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
